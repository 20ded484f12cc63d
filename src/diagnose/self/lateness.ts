import { formatNs, formatShare } from '../../base/units.ts';
import type { LoadFacts } from '../facts/load.ts';
import { SELF } from '../limits.ts';
import { type Check, skip } from '../self-check.ts';
import { plural } from '../words.ts';
import { isStarved } from './client-state.ts';

/** How late the tool sent, against what it reports: at the 99th percentile, where it matters. */
export const lateness = {
  name: 'lateness',
  title: 'requests were sent on time',
  judge({ load }) {
    if (!load) return null;
    if (!load.open) return skip('closed loop: nothing is due at a time of its own');
    if (!load.lateness || !load.responseOrWorse) return skip('no request was answered');
    const lateNs = load.lateness.quantileNs(0.99);
    const responseNs = load.responseOrWorse.quantileNs(0.99);
    const share = responseNs > 0 ? Math.min(1, lateNs / responseNs) : 0;
    const text = `sends were ${formatNs(lateNs)} late at p99, ${formatShare(share)} of the p99 response time`;
    const base = { value: share, unit: 'share' };
    if (share < SELF.latenessWarn || lateNs < SELF.latenessWarnFloorNs) {
      return { ...base, limit: SELF.latenessWarn, verdict: 'PASS', text };
    }
    if (load.poolDry && !isStarved(load)) {
      const waited = `all of ${plural(load.record.inFlight.limit, 'connection')} were taken at times`;
      const why = `${text}: ${waited}, so requests waited for a free one; response times include it, service times do not`;
      return { ...base, limit: SELF.latenessWarn, verdict: 'WARN', text: why };
    }
    if (share >= SELF.latenessVoid && lateNs >= SELF.latenessVoidFloorNs) {
      const told = text + hint(load, lateNs);
      return {
        ...base,
        limit: SELF.latenessVoid,
        verdict: 'VOID',
        text: told,
        spoils: ['response', 'service'],
      };
    }
    return { ...base, limit: SELF.latenessWarn, verdict: 'WARN', text: text + hint(load, lateNs) };
  },
} satisfies Check;

/** Where sleeps end as late as sends left, not sleeping helps. */
function hint({ record }: LoadFacts, lateNs: number): string {
  const sleepsLate = record.client.timerOversleepNsP99 >= lateNs / 2;
  return sleepsLate && record.plan.spin !== true
    ? '; sleeps end late on this machine: --spin avoids them'
    : '';
}
