import { formatShare } from '../../base/units.ts';
import { SELF } from '../limits.ts';
import { type Check, skip } from '../self-check.ts';
import { isKeptWaiting } from './client-state.ts';

/** Time the client was runnable and not running: its late sends and late readings are then the machine's. */
export const clientRunQueue = {
  name: 'client-run-queue',
  title: 'the client did not wait for a CPU',
  judge({ load }) {
    if (!load) return null;
    if (load.record.client.threads.length === 0) return skip('the client threads were not measured');
    const share = load.client.runQueueShare;
    const text = `a client thread waited for a CPU ${formatShare(share)} of the time`;
    const base = { value: share, unit: 'share' };
    if (isKeptWaiting(load)) {
      return {
        ...base,
        limit: SELF.clientRunQueueVoid,
        verdict: 'VOID',
        text: `${text}, and its sends were late for it: give it CPUs of its own`,
        spoils: ['response', 'service'],
      };
    }
    const verdict = share >= SELF.clientRunQueueWarn ? 'WARN' : 'PASS';
    return { ...base, limit: SELF.clientRunQueueWarn, verdict, text };
  },
} satisfies Check;
