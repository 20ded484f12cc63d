import { formatCount, formatShare } from '../../base/units.ts';
import type { LoadFacts } from '../facts/load.ts';
import { REPLAY } from '../limits.ts';
import { type Check, EVERY_PERCENTILE, skip } from '../self-check.ts';
import { plural } from '../words.ts';
import { isStarved } from './client-state.ts';

/** Requests of one client went out in the order of the log, each after the one before had its reply. */
export const replayOrder = {
  name: 'replay-order',
  title: 'each client’s requests were sent in order',
  judge({ load }) {
    if (!load?.replay) return null;
    const { record, waitedShare } = load.replay;
    const { session, disorderedCount, waitedCount, movedCount, distinct } = record.clients;
    if (session === 'none')
      return skip('clients were not told apart, so there is no order of theirs to keep');
    if (disorderedCount > 0) {
      return {
        value: disorderedCount,
        unit: 'requests',
        limit: 0,
        verdict: 'VOID',
        text: `${plural(disorderedCount, 'request')} went out before an earlier one of the same client; please report this`,
        spoils: EVERY_PERCENTILE,
      };
    }
    const who = distinct === null ? `clients by ${session}` : `${plural(distinct, 'client')} by ${session}`;
    const moved = movedCount > 0 ? `; ${formatCount(movedCount)} moved to another connection` : '';
    const text =
      `${who}, each in order; ${formatCount(waitedCount)} requests (${formatShare(waitedShare)}) waited for the one ` +
      `before${moved}`;
    const base = { value: waitedShare, unit: 'share', limit: REPLAY.waitedWarn };
    if (record.schedule.pace === 'max' || waitedShare <= REPLAY.waitedWarn) {
      return { ...base, verdict: 'PASS', text };
    }
    return {
      ...base,
      verdict: 'WARN',
      text: `${text}, and left later than the log has it: ${reason(load, session)}`,
    };
  },
} satisfies Check;

function reason(load: LoadFacts, session: string): string {
  if (load.hindrances.main === 'clientAway') return 'the client did not run in time';
  if (isStarved(load)) return 'what reads the log did not keep up';
  return session === 'ip'
    ? 'one address may be several users: if the log has more to tell them apart by, use --session'
    : 'the target answers later than the log’s server did; read response times';
}
