import { CYCLE_BUCKET_COUNT, cycleBucketHigh, cycleBucketLow } from '../../record/cycle-buckets.ts';
import { amount } from './numbers.ts';

type Pairs = readonly (readonly [bucket: number, count: number])[];

/** Adds sparse window histograms into one dense array of counts. */
export function sumHistograms(histograms: Iterable<Pairs>): Float64Array {
  const counts = new Float64Array(CYCLE_BUCKET_COUNT);
  for (const pairs of histograms) {
    for (const pair of pairs) {
      const bucket = pair[0];
      const count = pair[1];
      if (Number.isInteger(bucket) && bucket >= 0 && bucket < counts.length) counts[bucket]! += amount(count);
    }
  }
  return counts;
}

/** The middle of the bucket that holds quantile q; null when nothing was counted. */
export function histogramQuantile(counts: Float64Array, q: number): number | null {
  let total = 0;
  // By index: an iterator makes an object for each of some hundred counts, several times a second in a live watch.
  for (let bucket = 0; bucket < counts.length; bucket++) total += counts[bucket]!;
  if (total === 0) return null;
  let seen = 0;
  for (let bucket = 0; bucket < counts.length; bucket++) {
    seen += counts[bucket]!;
    if (seen >= q * total) {
      return Math.floor((cycleBucketLow(bucket) + cycleBucketHigh(bucket) - 1) / 2);
    }
  }
  return null;
}
