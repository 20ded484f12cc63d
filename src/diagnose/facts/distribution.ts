import { bucketHighNs, bucketLowNs } from '../../record/histogram.ts';
import { timesIn } from '../../record/histogram-text.ts';
import { mergeSparse, type SparseHistogram, sparseQuantile } from '../../record/sparse-histogram.ts';
import { ratio } from './numbers.ts';

/** What the rules ask of latencies. Values are ns. */
export type Distribution = {
  count: number;
  /** Of the answered requests. */
  meanNs: number;
  /** q from 0 to 1. A lower bound where it falls among requests without an answer. */
  quantileNs(q: number): number;
  /** Share of requests above a limit, 0–1; those without an answer are. */
  shareAbove(limitNs: number): number;
};

/**
 * Encoded histograms as one: of answered requests, and of the ages of requests that never got an answer, each taken to
 * be slower than every answered one. Null when none can be read or all are empty.
 */
export function distributionOf(
  answered: readonly string[],
  unanswered: readonly string[] = [],
): Distribution | null {
  const known = mergeSparse(answered.map(timesIn));
  const never = mergeSparse(unanswered.map(timesIn));
  const count = known.totalCount + never.totalCount;
  if (count === 0) return null;
  return {
    count,
    meanNs: meanOf(known),
    quantileNs: (q) => sparseQuantile(known, never, q)?.valueNs ?? 0,
    shareAbove: (limitNs) => ratio(countAbove(known, limitNs) + never.totalCount, count),
  };
}

/** Each bucket stands for its middle. */
function meanOf({ buckets, counts, totalCount }: SparseHistogram): number {
  let sum = 0;
  buckets.forEach((bucket, i) => {
    sum += (counts[i]! * (bucketLowNs(bucket) + bucketHighNs(bucket))) / 2;
  });
  return totalCount > 0 ? sum / totalCount : 0;
}

function countAbove({ buckets, counts }: SparseHistogram, limitNs: number): number {
  let above = 0;
  for (let i = buckets.length - 1; i >= 0 && bucketLowNs(buckets[i]!) > limitNs; i--) above += counts[i]!;
  return above;
}
