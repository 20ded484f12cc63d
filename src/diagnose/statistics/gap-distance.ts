/** How far apart two distributions of times are: the Kolmogorov–Smirnov distance, of samples that were counted in buckets. */
import { bucketHighNs, bucketLowNs } from '../../record/histogram.ts';
import type { SparseHistogram } from '../../record/sparse-histogram.ts';

/**
 * The largest difference between the two shares of times up to x, over all x: 0 alike, 1 nothing in common. Times that
 * differ by `toleranceNs` or less count as equal: with 0 it is the plain distance. Each bucket stands for its middle.
 * Null when either is empty.
 */
export function gapDistance(a: SparseHistogram, b: SparseHistogram, toleranceNs: number): number | null {
  if (a.totalCount === 0 || b.totalCount === 0) return null;
  return Math.max(excess(a, b, toleranceNs), excess(b, a, toleranceNs));
}

/** sup F(x) − G(x + tolerance): largest where F steps up, so at its values. */
function excess(f: SparseHistogram, g: SparseHistogram, toleranceNs: number): number {
  let below = 0;
  let reached = 0;
  let at = 0;
  let most = 0;
  for (let i = 0; i < f.buckets.length; i++) {
    below += f.counts[i]!;
    const limitNs = middleNs(f.buckets[i]!) + toleranceNs;
    while (at < g.buckets.length && middleNs(g.buckets[at]!) <= limitNs) reached += g.counts[at++]!;
    most = Math.max(most, below / f.totalCount - reached / g.totalCount);
  }
  return most;
}

function middleNs(bucket: number): number {
  return (bucketLowNs(bucket) + bucketHighNs(bucket)) / 2;
}
