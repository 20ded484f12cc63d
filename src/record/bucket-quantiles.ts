/** Quantiles of times that were counted in the log-linear buckets of cycle-buckets.ts, at most 25 % wide. */
import { cycleBucketHigh, cycleBucketLow } from './cycle-buckets.ts';

/**
 * The time that a share q (0–1) of the counts did not exceed, taken to lie evenly within its bucket; never above
 * `maxNs`, which is known exactly. Null when there are too few to have such a part: a p99 takes a hundred, a median two.
 */
export function bucketQuantileNs(counts: readonly number[], q: number, maxNs: number): number | null {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0 || (q < 1 && total * (1 - q) < 1 - 1e-9)) return null;
  // 1e-9: 0.99 × 100 is 99.00000000000001 in binary.
  const rank = Math.max(1, Math.ceil(Math.min(1, q) * total - 1e-9 * total));
  if (rank === total) return maxNs;
  let seen = 0;
  for (let bucket = 0; bucket < counts.length; bucket++) {
    const count = counts[bucket]!;
    if (seen + count < rank) {
      seen += count;
      continue;
    }
    const low = cycleBucketLow(bucket);
    const high = cycleBucketHigh(bucket);
    return Math.min(maxNs, low + ((high - low) * (rank - seen)) / count);
  }
  return maxNs;
}

/** Adds `more` to `sum`, bucket by bucket. */
export function addBuckets(sum: number[], more: readonly number[]): void {
  more.forEach((count, bucket) => {
    sum[bucket] = (sum[bucket] ?? 0) + count;
  });
}
