import { formatNs, formatShare } from '../../base/units.ts';
import { bucketHighNs } from '../../record/histogram.ts';
import { timesIn } from '../../record/histogram-text.ts';
import { mergeSparse, type SparseHistogram } from '../../record/sparse-histogram.ts';
import type { LoadFacts } from '../facts/load.ts';
import { SELF } from '../limits.ts';
import { type Check, skip } from '../self-check.ts';
import { percent, tailQuantile } from './sample-size.ts';

/**
 * A reply that comes while the client's loop is busy waits until the turn is over, and that wait is measured as the
 * server's. How long turns are, counted once for each event they handled, tells how long events waited.
 */
export const clientQueueing = {
  name: 'client-queueing',
  title: 'replies did not queue in the client',
  judge({ load }) {
    if (!load) return null;
    const turns = turnsOf(load);
    if (!turns) return skip('not seen: how long the client’s turns were was not recorded');
    if (!load.response) return skip('no request was answered');
    const q = tailQuantile(load.response.count);
    if (q === null) return skip(`too few replies to tell (${load.response.count})`);
    const waitNs = waitQuantileNs(turns, q);
    const responseNs = load.response.quantileNs(q);
    const share = responseNs > 0 ? Math.min(1, waitNs / responseNs) : 0;
    const at = `p${percent(q)}`;
    const waited = `replies waited ${formatNs(waitNs)} in the client at ${at}`;
    const text = `${waited}, ${formatShare(share)} of the ${at} response time`;
    const base = { value: share, unit: 'share' };
    if (share < SELF.queueingWarn || waitNs < SELF.queueingFloorNs) {
      return { ...base, limit: SELF.queueingWarn, verdict: 'PASS', text };
    }
    // As many replies at once as there are connections are the nature of a closed loop.
    if (load.open && share >= SELF.queueingVoid && waitNs >= SELF.latenessVoidFloorNs) {
      return { ...base, limit: SELF.queueingVoid, verdict: 'VOID', text, spoils: ['response', 'service'] };
    }
    return {
      ...base,
      limit: SELF.queueingWarn,
      verdict: 'WARN',
      text: `${text}: more threads would be faster to read`,
    };
  },
} satisfies Check;

function turnsOf(load: LoadFacts): SparseHistogram | null {
  const turns = mergeSparse(load.record.client.threads.map((thread) => timesIn(thread.turns ?? '')));
  return turns.totalCount > 0 ? turns : null;
}

/**
 * An event comes at any moment of the turn before the one that handles it: of a turn of length d it waits between 0
 * and d. So P(wait > x) is the mean of 1 − x ÷ d over events with d > x. Found by bisection.
 */
function waitQuantileNs({ buckets, counts, totalCount }: SparseHistogram, q: number): number {
  const lengths = Array.from(buckets, (bucket, i): [ns: number, count: number] => [
    bucketHighNs(bucket),
    counts[i]!,
  ]);
  const shareAbove = (ns: number) =>
    lengths.reduce((sum, [length, count]) => (length > ns ? sum + count * (1 - ns / length) : sum), 0) /
    totalCount;
  let low = 0;
  let high = lengths.at(-1)?.[0] ?? 0;
  for (let i = 0; i < 60 && high - low > 1; i++) {
    const middle = (low + high) / 2;
    if (shareAbove(middle) > 1 - q) low = middle;
    else high = middle;
  }
  return high;
}
