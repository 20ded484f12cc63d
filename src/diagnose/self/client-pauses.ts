import { formatNs, formatShare } from '../../base/units.ts';
import { amount, ratio } from '../facts/numbers.ts';
import { SELF } from '../limits.ts';
import { type Check, skip } from '../self-check.ts';

/** Two clocks read one after the other differ by less. */
const SUSPENDED_NS = 1e6;

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
    const suspendedNs = amount(load.record.waits?.suspendedNs);
    const share = Math.min(1, garbage + (stolen ?? 0) + ratio(suspendedNs, client.wallNs));
    const pauses = [
      suspendedNs >= SUSPENDED_NS && `the machine was suspended for ${formatNs(suspendedNs)}`,
      amount(client.gcPauseNs) > 0 &&
        `garbage collection stopped client threads for ${formatNs(client.gcPauseNs)}`,
      stolen !== null &&
        stolen > 0 &&
        `the hypervisor took ${formatNs(amount(client.stealNs))} from ${cpus} CPUs`,
    ].filter((pause) => pause !== false);
    const text =
      pauses.length > 0
        ? `${pauses.join('; ')} (${formatShare(share)} of the time)`
        : 'nothing stopped the client';
    const base = { value: share, unit: 'share', limit: SELF.pausesWarn };
    if (share < SELF.pausesWarn) return { ...base, verdict: 'PASS', text };
    return { ...base, verdict: 'WARN', text: `${text}: the p99 includes these pauses` };
  },
} satisfies Check;
