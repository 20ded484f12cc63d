import { printable } from '../../base/printable.ts';
import { formatShare } from '../../base/units.ts';
import { observerCpu } from '../facts/observer.ts';
import { SELF } from '../limits.ts';
import { type Check, skip } from '../self-check.ts';

/** What watching cost, in CPUs: our own process, and the BPF programs that run inside the watched one. */
export const observerCost = {
  name: 'observer-cost',
  title: 'watching was cheap',
  judge({ watch }) {
    if (!watch) return null;
    const cost = observerCpu(watch.record);
    if (!cost) return skip('the cost of watching was not measured');
    const parts = [`${formatShare(cost.ownCpu)} by the observer itself`];
    if (watch.record.tier === 'bpf') {
      const dearest = cost.dearestProgram ? `, most in ${printable(cost.dearestProgram, 40)}` : '';
      parts.push(
        watch.record.cost.sampledShare > 0
          ? `${formatShare(cost.bpfCpu)} by its BPF programs${dearest}`
          : 'its BPF programs were not measured',
      );
    }
    return {
      verdict: cost.ownCpu + cost.bpfCpu > SELF.observerCost ? 'WARN' : 'PASS',
      value: cost.ownCpu + cost.bpfCpu,
      unit: 'CPUs',
      limit: SELF.observerCost,
      text: `watching used ${formatShare(cost.ownCpu + cost.bpfCpu)} of one CPU: ${parts.join(', ')}`,
    };
  },
} satisfies Check;
