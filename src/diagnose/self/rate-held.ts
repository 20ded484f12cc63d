import { formatShare } from '../../base/units.ts';
import { serverAtFault } from '../facts/facts.ts';
import type { LoadFacts } from '../facts/load.ts';
import { amount } from '../facts/numbers.ts';
import { SELF } from '../limits.ts';
import { type Check, EVERY_PERCENTILE, skip } from '../self-check.ts';
import { plural } from '../words.ts';
import { isStarved } from './client-state.ts';

/**
 * Open loop stays open only while requests end as fast as they fall due. When connections run out, the load follows
 * the server instead: a closed loop in disguise, whose service times hide the queue. Response times still count it.
 */
export const rateHeld = {
  name: 'rate-held',
  title: 'the planned rate was held',
  judge(facts) {
    const { load } = facts;
    if (!load) return null;
    if (!load.open) return skip('closed loop: no rate was planned');
    const { planned } = load.record.counts;
    if (!(planned > 0)) return skip('nothing was planned');
    const short = secondsShort(load);
    const missing = planned - load.endedCount;
    const achieved = load.achievedShare;
    const base = { value: achieved, unit: 'share', limit: SELF.rateHeld };
    const all = `${formatShare(achieved)} of the planned requests came to an end`;
    const text = short === 0 ? all : `${all}; ${short} of ${load.seconds.length} seconds fell short`;
    if (missing <= (1 - SELF.rateHeld) * planned + inFlightAllowance(load)) {
      return { ...base, verdict: short === 0 ? 'PASS' : 'WARN', text };
    }
    if (isStarved(load)) {
      const why = 'the client had not the CPU for this rate';
      return { ...base, verdict: 'VOID', text: `${text}: ${why}`, spoils: EVERY_PERCENTILE };
    }
    if (serverAtFault(facts)) {
      const why = 'the watched server could not keep up; read response times, not service times';
      return { ...base, verdict: 'WARN', text: `${text}: ${why}` };
    }
    return {
      ...base,
      verdict: 'VOID',
      text: `${text}: a closed loop in disguise with ${plural(load.record.inFlight.limit, 'connection')}`,
      spoils: ['service'],
    };
  },
} satisfies Check;

/** Seconds in which the backlog grew by more than half a per cent of what was planned. */
function secondsShort(load: LoadFacts): number {
  const allowance = inFlightAllowance(load);
  let short = 0;
  for (const second of load.seconds) {
    const missing = second.plannedCount - second.endedCount;
    if (missing > (1 - SELF.rateHeld) * second.plannedCount + allowance) short++;
  }
  return short;
}

/** Requests under way when a second or the run ends are not missing: a few times the usual number of them. */
function inFlightAllowance(load: LoadFacts): number {
  return 5 + 3 * amount(load.record.inFlight.mean);
}
