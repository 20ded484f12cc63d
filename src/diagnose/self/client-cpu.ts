import { formatShare } from '../../base/units.ts';
import { SELF } from '../limits.ts';
import { type Check, EVERY_PERCENTILE, skip } from '../self-check.ts';
import { isCpuBound } from './client-state.ts';

/** CPU time of the busiest client thread. Spinning before a deadline is chosen, and not counted. */
export const clientCpu = {
  name: 'client-cpu',
  title: 'the client had CPU to spare',
  judge({ load }) {
    if (!load) return null;
    if (load.record.client.threads.length === 0) return skip('the client threads were not measured');
    const busy = load.client.busyShare;
    const text = `the busiest client thread used ${formatShare(busy)} of a CPU`;
    const base = { value: busy, unit: 'share' };
    if (isCpuBound(load)) {
      const achieved = `and ${formatShare(load.achievedShare)} of the planned requests came to an end`;
      return {
        ...base,
        limit: SELF.clientCpuVoid,
        verdict: 'VOID',
        text: `${text}, ${achieved}: the client may be the bottleneck`,
        spoils: EVERY_PERCENTILE,
      };
    }
    if (!load.open && busy >= SELF.clientCpuVoid) {
      const why = 'in closed loop the rate is then the client’s limit as much as the server’s';
      return { ...base, limit: SELF.clientCpuVoid, verdict: 'WARN', text: `${text}: ${why}` };
    }
    if (load.open && busy >= SELF.clientCpuWarn) {
      return {
        ...base,
        limit: SELF.clientCpuWarn,
        verdict: 'WARN',
        text: `${text}: more threads would be safer`,
      };
    }
    return { ...base, limit: load.open ? SELF.clientCpuWarn : SELF.clientCpuVoid, verdict: 'PASS', text };
  },
} satisfies Check;
