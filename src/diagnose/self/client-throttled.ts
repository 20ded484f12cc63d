import { formatNs } from '../../base/units.ts';
import { SELF } from '../limits.ts';
import { type Check, EVERY_PERCENTILE } from '../self-check.ts';
import { isThrottled } from './client-state.ts';

/** A CPU quota on the client stops it in mid-request, in open and closed loop alike. */
export const clientThrottled = {
  name: 'client-throttled',
  title: 'no CPU quota stopped the client',
  judge({ load }) {
    if (!load) return null;
    const share = load.client.throttledShare;
    const base = { unit: 'share', limit: SELF.clientThrottledWarn };
    if (share === null) return { ...base, value: 0, verdict: 'PASS', text: 'the client has no CPU quota' };
    const { throttledNs, wallNs } = load.record.client;
    // The kernel adds up over CPUs, so the sum may exceed the length of the run.
    const text = `the client’s CPU quota stopped its threads for ${formatNs(throttledNs ?? 0)}, in a run of ${formatNs(wallNs)}`;
    if (isThrottled(load)) {
      const limit = SELF.clientThrottledVoid;
      return { ...base, value: share, limit, verdict: 'VOID', text, spoils: EVERY_PERCENTILE };
    }
    return { ...base, value: share, verdict: share >= SELF.clientThrottledWarn ? 'WARN' : 'PASS', text };
  },
} satisfies Check;
