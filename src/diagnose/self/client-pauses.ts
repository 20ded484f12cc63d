import { formatNs, formatShare } from '../../base/units.ts';
import { amount, ratio } from '../facts/numbers.ts';
import { SELF } from '../limits.ts';
import { type Check, skip } from '../self-check.ts';

/** Time in which the client could do nothing though it had a CPU: garbage collection, and CPUs taken by the hypervisor. */
export const clientPauses = {
  name: 'client-pauses',
  title: 'nothing made the client stand still',
  judge({ load, run }) {
    if (!load) return null;
    const { client } = load.record;
    if (!(client.wallNs > 0)) return skip('the client was not measured');
    const threads = Math.max(1, client.threads.length);
    const garbage = ratio(amount(client.gcPauseNs), client.wallNs * threads);
    const cpus = Math.max(1, run.header.environment.cpuCount);
    const stolen = client.stealNs === undefined ? null : ratio(client.stealNs, client.wallNs * cpus);
    const share = Math.min(1, garbage + (stolen ?? 0));
    const steal =
      stolen === null ? '' : `; the hypervisor took ${formatNs(amount(client.stealNs))} from ${cpus} CPUs`;
    const text =
      `garbage collection stopped client threads for ${formatNs(amount(client.gcPauseNs))}${steal} ` +
      `(${formatShare(share)} of the time)`;
    const base = { value: share, unit: 'share', limit: SELF.pausesWarn };
    if (share < SELF.pausesWarn) return { ...base, verdict: 'PASS', text };
    return { ...base, verdict: 'WARN', text: `${text}: the p99 includes these pauses` };
  },
} satisfies Check;
