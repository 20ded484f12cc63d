/**
 * Histograms as reports and rules read them: a second of requests fills some hundreds of the 33 792 buckets, so what is
 * kept, added up and asked is the buckets in use, in ascending order.
 */
import { bucketHighNs, bucketLowNs, HISTOGRAM_BUCKETS, type QuantileNs, rankOf } from './histogram.ts';

/** Buckets of histogram.ts in ascending order, and how many times each counted. */
export type SparseHistogram = { buckets: Uint16Array; counts: Float64Array; totalCount: number };

export const NO_TIMES: SparseHistogram = {
  buckets: new Uint16Array(0),
  counts: new Float64Array(0),
  totalCount: 0,
};

/** Room to add up in; all zero between calls. */
const sums = new Float64Array(HISTOGRAM_BUCKETS);

/** Adds up any number of them. One alone is returned as it is. */
export function mergeSparse(parts: readonly SparseHistogram[]): SparseHistogram {
  const used = parts.filter(({ totalCount }) => totalCount > 0);
  if (used.length <= 1) return used[0] ?? NO_TIMES;
  let low = HISTOGRAM_BUCKETS;
  let high = -1;
  for (const { buckets, counts } of used) {
    for (let i = 0; i < buckets.length; i++) sums[buckets[i]!]! += counts[i]!;
    low = Math.min(low, buckets[0]!);
    high = Math.max(high, buckets.at(-1)!);
  }
  const merged = between(sums, low, high);
  sums.fill(0, low, high + 1);
  return merged;
}

function between(counts: Float64Array, low: number, high: number): SparseHistogram {
  let used = 0;
  for (let i = low; i <= high; i++) if (counts[i]! > 0) used++;
  const sparse = { buckets: new Uint16Array(used), counts: new Float64Array(used), totalCount: 0 };
  let at = 0;
  for (let i = low; i <= high; i++) {
    if (!(counts[i]! > 0)) continue;
    sparse.buckets[at] = i;
    sparse.counts[at++] = counts[i]!;
    sparse.totalCount += counts[i]!;
  }
  return sparse;
}

/** As quantileNs() of histogram.ts. */
export function sparseQuantile(
  answered: SparseHistogram,
  censored: SparseHistogram,
  q: number,
): QuantileNs | null {
  const total = answered.totalCount + censored.totalCount;
  if (total === 0) return null;
  const rank = rankOf(q, total);
  if (rank <= answered.totalCount) {
    return { valueNs: bucketHighNs(bucketAtRank(answered, rank)), atLeast: false };
  }
  return { valueNs: bucketLowNs(bucketAtRank(mergeSparse([answered, censored]), rank)), atLeast: true };
}

function bucketAtRank({ buckets, counts }: SparseHistogram, rank: number): number {
  let seen = 0;
  for (let i = 0; i < buckets.length; i++) {
    seen += counts[i]!;
    if (seen >= rank) return buckets[i]!;
  }
  return buckets.at(-1)!;
}
