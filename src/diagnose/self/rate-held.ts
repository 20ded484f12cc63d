import { formatQuantile, formatShare } from '../../base/units.ts';
import { serverAtFault } from '../facts/facts.ts';
import type { LoadFacts } from '../facts/load.ts';
import { amount, ratio, sumBy } from '../facts/numbers.ts';
import { heldUpBy, isServerStill, stillText, waitsText } from '../hindrances.ts';
import { SELF } from '../limits.ts';
import { type Check, type CheckResult, EVERY_PERCENTILE, skip } from '../self-check.ts';
import { plural } from '../words.ts';
import { isStarved } from './client-state.ts';

/**
 * Open loop stays open only while requests are sent as they fall due. When connections run out, the load follows the
 * server instead: a closed loop in disguise, whose service times hide the queue. Response times still count it. Each
 * second is judged by itself: planned = sent + dropped + pending.
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
    const closed = load.seconds.filter((second) => second.closedLoop);
    const missing = planned - load.endedCount;
    const achieved = load.achievedShare;
    const all = `${formatShare(achieved)} of the planned requests came to an end`;
    const text = closed.length === 0 ? all : `${all}; ${describe(load)}`;
    const whole = { value: achieved, unit: 'share', limit: SELF.rateHeld, isLeast: true };
    const base = { ...whole, ...tailOf(load) };
    if (missing <= (1 - SELF.rateHeld) * planned + inFlightAllowance(load)) {
      if (closed.length === 0) return { ...base, verdict: 'PASS', text };
      return {
        ...base,
        verdict: 'WARN',
        text: `${text}: ${heldUpBy(load) ?? 'what was due was not sent'}, and ${withheldText(load)}`,
      };
    }
    const { main } = load.hindrances;
    if (main === 'noConnection') {
      const why = `${waitsText(load.hindrances)}; read response times`;
      return { ...base, verdict: 'WARN', text: `${text}: ${why}` };
    }
    if (isStarved(load) || main === 'clientAway' || main === 'suspended') {
      const why = isStarved(load) ? 'the client had not the CPU for this rate' : (heldUpBy(load) ?? '');
      return { ...whole, verdict: 'VOID', text: `${text}: ${why}`, spoils: EVERY_PERCENTILE };
    }
    if (serverAtFault(facts)) {
      const who = isServerStill(load.hindrances)
        ? stillText(load.hindrances)
        : 'the watched server could not keep up';
      const why = `${who}; read response times`;
      const tail = closed.length === 0 ? '' : `; ${withheldText(load)}`;
      return { ...base, verdict: 'WARN', text: `${text}: ${why}${tail}` };
    }
    return {
      ...whole,
      verdict: 'VOID',
      text: `${text}: a closed loop in disguise with ${plural(load.record.plan.connectionCount, 'connection')}`,
      spoils: ['service'],
    };
  },
} satisfies Check;

/** The slowest service times may all come from the seconds that were closed loop: as many of them as were due then. */
function tailOf(load: LoadFacts): Pick<CheckResult, 'spoils' | 'spoilsFrom'> {
  const share = closedShare(load);
  return share > 0 ? { spoils: ['service'], spoilsFrom: 1 - share } : {};
}

/** Requests due in seconds that were closed loop, over all. */
function closedShare(load: LoadFacts): number {
  const closed = load.seconds.filter((second) => second.closedLoop);
  return ratio(
    sumBy(closed, (second) => second.plannedCount),
    sumBy(load.seconds, (second) => second.plannedCount),
  );
}

function describe(load: LoadFacts): string {
  const closed = load.seconds.filter((second) => second.closedLoop);
  const originNs = load.record.startNs;
  const at = closed.slice(0, 3).map((second) => `${Math.round((second.startNs - originNs) / 1e9)} s`);
  const more = closed.length > 3 ? ', …' : '';
  const was = closed.length === 1 ? 'was' : 'were';
  return `${closed.length} of ${plural(load.seconds.length, 'second')} ${was} closed loop (at ${at.join(', ')}${more})`;
}

function withheldText(load: LoadFacts): string {
  const from = Math.max(0, 1 - closedShare(load));
  const which = from > 0 ? `service times above ${formatQuantile(from)}` : 'service times';
  return `${which}, which follow the server, are withheld`;
}

/** Requests under way when the run ends are not missing: a few times the usual number of them. */
function inFlightAllowance(load: LoadFacts): number {
  return 5 + 3 * amount(load.record.inFlight.mean);
}
