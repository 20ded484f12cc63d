import { formatNs, formatShare } from '../../base/units.ts';
import { amount, ratio } from '../facts/numbers.ts';
import { REPLAY } from '../limits.ts';
import { FULL_SPEED } from '../replay/words.ts';
import { type Check, skip } from '../self-check.ts';
import { plural } from '../words.ts';

/** The log was read ahead of its schedule: no request came from it too late to be sent on time. */
export const replayStarved = {
  name: 'replay-starved',
  title: 'the log was read in time',
  judge({ load }) {
    if (!load?.replay) return null;
    const { starved, schedule } = load.replay.record;
    if (schedule.pace === 'max') return skip(FULL_SPEED);
    const longestNs = amount(starved.longestNs);
    const share = ratio(starved.count, load.record.counts.planned);
    const base = { value: share, unit: 'share', limit: REPLAY.starvedWarn };
    if (!(starved.count > 0))
      return { ...base, verdict: 'PASS', text: 'every request was read before it was due' };
    const text = `${plural(starved.count, 'request')} (${formatShare(share)}) were read after they were due, up to ${formatNs(longestNs)} late`;
    if (share < REPLAY.starvedWarn) return { ...base, verdict: 'PASS', text };
    if (schedule.follow) {
      const how = `the log is written that late, by as much as ${formatNs(amount(schedule.follow.behindNs))}`;
      return { ...base, verdict: 'WARN', text: `${text}: ${how}` };
    }
    const how = 'decompress the log first, replay from a faster disk, or use a lower --speed';
    if (share >= REPLAY.starvedVoid && longestNs >= REPLAY.starvedVoidNs) {
      return {
        ...base,
        limit: REPLAY.starvedVoid,
        verdict: 'VOID',
        text: `${text}: ${how}`,
        spoils: ['response', 'service'],
      };
    }
    return { ...base, verdict: 'WARN', text: `${text}: ${how}` };
  },
} satisfies Check;
