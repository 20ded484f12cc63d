/**
 * Latency histograms: HdrHistogram's layout (1 ns to 1 h, three significant digits) over a plain typed array, so that
 * recording is one shift and one increment: 5 ns where hdr-histogram-js takes 70. histogram-text.ts has the
 * interchange format, which the tests compare with that library's.
 */
export const HIGHEST_NS = 3_600_000_000_000;
export const SIGNIFICANT_DIGITS = 3;
/** 2 × 10^3 rounded up to a power of two: values up to here are counted exactly, then in steps of 2, 4, 8… */
const SUB_BUCKETS = 2048;
const HALF = SUB_BUCKETS / 2;
const HALF_BITS = 10;

/** Length of a counts array: 32 doublings of 1024 steps, and the lower half of the first. */
export const HISTOGRAM_BUCKETS = 33 * HALF;

/** Bucket of a time; negative counts as 0, more than an hour as an hour. Allocates nothing. */
export function bucketOf(valueNs: number): number {
  if (valueNs < 0x40000000) {
    const value = valueNs < 0 ? 0 : valueNs | 0;
    const doubling = 21 - Math.clz32(value | (SUB_BUCKETS - 1));
    return doubling * HALF + (value >> doubling);
  }
  const capped = Math.min(valueNs, HIGHEST_NS);
  const high = (capped / 0x100000) | 0;
  const doubling = 31 + 20 - HALF_BITS - Math.clz32(high);
  return doubling * HALF + (high >> (doubling - 20));
}

/** Smallest time of a bucket, ns. */
export function bucketLowNs(bucket: number): number {
  if (bucket < SUB_BUCKETS) return bucket;
  const doubling = Math.floor(bucket / HALF) - 1;
  return ((bucket % HALF) + HALF) * 2 ** doubling;
}

/** Largest whole time of a bucket, ns. */
export function bucketHighNs(bucket: number): number {
  return bucketLowNs(bucket + 1) - 1;
}

/** A histogram at rest: for adding up, asking and writing. Hot paths count into a Uint32Array with bucketOf(). */
export type Histogram = {
  readonly counts: Float64Array;
  totalCount: number;
};

export function createHistogram(): Histogram {
  return { counts: new Float64Array(HISTOGRAM_BUCKETS), totalCount: 0 };
}

/** Counts one time. */
export function recordNs(histogram: Histogram, valueNs: number, count = 1): void {
  histogram.counts[bucketOf(valueNs)]! += count;
  histogram.totalCount += count;
}

/** Adds bucket counts, of another histogram or of a hot path's array. */
export function addCounts(histogram: Histogram, counts: ArrayLike<number>): void {
  const own = histogram.counts;
  let added = 0;
  for (let i = 0; i < own.length; i++) {
    const count = counts[i]!;
    if (count === 0) continue;
    own[i]! += count;
    added += count;
  }
  histogram.totalCount += added;
}

/** Adds up any number of histograms into a new one. */
export function mergeHistograms(histograms: Iterable<Histogram>): Histogram {
  const sum = createHistogram();
  for (const histogram of histograms) addCounts(sum, histogram.counts);
  return sum;
}

export type QuantileNs = {
  valueNs: number;
  /** The true quantile is this or more: it falls among requests that were never answered. */
  atLeast: boolean;
};

/**
 * The smallest time that a share q (0–1) of the requests did not exceed. A request without an answer, known by its age
 * in `censored`, is taken to be slower than every answered one, so that losses never flatter. Null when empty.
 */
export function quantileNs(answered: Histogram, censored: Histogram | null, q: number): QuantileNs | null {
  const total = answered.totalCount + (censored?.totalCount ?? 0);
  if (total === 0) return null;
  const rank = rankOf(q, total);
  if (rank <= answered.totalCount) {
    return { valueNs: bucketHighNs(bucketAtRank(answered.counts, null, rank)), atLeast: false };
  }
  return {
    valueNs: bucketLowNs(bucketAtRank(answered.counts, censored!.counts, rank)),
    atLeast: true,
  };
}

/** Which of `total` times in ascending order the quantile q (0–1) is, from 1. */
export function rankOf(q: number, total: number): number {
  // 1e-9: 0.99 × 100 is 99.00000000000001 in binary, and would skip a request.
  return Math.max(1, Math.ceil(Math.min(1, q) * total - 1e-9 * total));
}

function bucketAtRank(counts: Float64Array, more: Float64Array | null, rank: number): number {
  let seen = 0;
  for (let i = 0; i < counts.length; i++) {
    seen += counts[i]! + (more === null ? 0 : more[i]!);
    if (seen >= rank) return i;
  }
  return counts.length - 1;
}
