/**
 * The log-linear buckets that the BPF side counts cycles in: four to each power of two, so a bucket is at most
 * 25 % wide. Bucket i < 4 holds the value i. src/observe/bpf/buckets.bpf.h has the same arithmetic; a test compares.
 */
export const CYCLE_BUCKET_COUNT = 168;

/** Bucket of a non-negative integer below 2^43; larger values land in the last bucket. */
export function cycleBucketOf(value: number): number {
  if (value < 4) return value < 0 ? 0 : Math.floor(value);
  const octave = Math.floor(Math.log2(value));
  const exact = 2 ** octave > value ? octave - 1 : octave;
  const sub = Math.floor(value / 2 ** (exact - 2)) & 3;
  return Math.min(CYCLE_BUCKET_COUNT - 1, exact * 4 + sub - 4);
}

/** Smallest value of a bucket. */
export function cycleBucketLow(bucket: number): number {
  if (bucket < 4) return bucket;
  const octave = Math.floor((bucket + 4) / 4);
  return 2 ** octave + ((bucket + 4) % 4) * 2 ** (octave - 2);
}

/** First value above a bucket. */
export function cycleBucketHigh(bucket: number): number {
  return bucket >= CYCLE_BUCKET_COUNT - 1 ? 2 ** 43 : cycleBucketLow(bucket + 1);
}
