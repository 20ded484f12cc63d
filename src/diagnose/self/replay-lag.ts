import { formatNs, formatShare } from '../../base/units.ts';
import type { LoadFacts } from '../facts/load.ts';
import { ratio } from '../facts/numbers.ts';
import { heldUpBy } from '../hindrances.ts';
import { REPLAY } from '../limits.ts';
import { FULL_SPEED } from '../replay/words.ts';
import { type Check, skip } from '../self-check.ts';

/** A replay that drifts ends late: how far the last requests were behind the schedule. */
export const replayLag = {
  name: 'replay-lag',
  title: 'the replay ended on time',
  judge({ load }) {
    if (!load?.replay) return null;
    const { lag, record, waitedShare } = load.replay;
    if (record.schedule.pace === 'max') return skip(FULL_SPEED);
    if (!lag) return skip('no request was sent');
    const share = ratio(lag.finalNs, lag.spanNs);
    const text =
      `the last requests were sent ${formatNs(lag.finalNs)} late (median), the latest of all ${formatNs(lag.largestNs)}, in ` +
      `${formatNs(lag.spanNs)}`;
    const limitNs = Math.max(REPLAY.lagFloorNs, REPLAY.lagWarn * lag.spanNs);
    const base = { value: lag.finalNs, unit: 'ns', limit: limitNs };
    if (lag.finalNs <= limitNs) return { ...base, verdict: 'PASS', text };
    const behind = `${text}: ${formatShare(share)} of the schedule behind`;
    const servers = serversDoing(load, waitedShare);
    if (servers !== null) {
      return { ...base, verdict: 'WARN', text: `${behind}, as ${servers}; read response times` };
    }
    if (share <= REPLAY.lagVoid)
      return { ...base, verdict: 'WARN', text: `${behind}: the client fell behind` };
    return {
      ...base,
      limit: Math.max(REPLAY.lagFloorNs, REPLAY.lagVoid * lag.spanNs),
      verdict: 'VOID',
      text: `${behind}: the client could not keep it; use more threads, or a lower --speed`,
      spoils: ['response', 'service'],
    };
  },
} satisfies Check;

/** Requests waited for the target, not for the client. */
function serversDoing(load: LoadFacts, waitedShare: number): string | null {
  const { main } = load.hindrances;
  if (main === 'clientAway' || main === 'suspended') return null;
  return (
    heldUpBy(load) ??
    (waitedShare > REPLAY.waitedWarn ? 'requests waited for their client’s one before' : null)
  );
}
