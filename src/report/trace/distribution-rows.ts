/** Histograms as rows: by halves of a power of two where there are few, else by powers of two. */
import { cycleBucketHigh, cycleBucketLow } from '../../record/cycle-buckets.ts';

export type DistributionRow = { lowNs: number; highNs: number; count: number };

/** More rows than this are drawn coarser. */
const ROW_LIMIT = 16;
const BUCKETS_AN_OCTAVE = 4;

/** From the first used bucket to the last, gaps included; empty when nothing was counted. */
export function distributionRows(buckets: readonly number[]): DistributionRow[] {
  const first = buckets.findIndex((count) => count > 0);
  if (first < 0) return [];
  const last = buckets.findLastIndex((count) => count > 0);
  for (const step of [1, 2, BUCKETS_AN_OCTAVE]) {
    const rows = rowsOf(buckets, first, last, step);
    if (rows.length <= ROW_LIMIT || step === BUCKETS_AN_OCTAVE) return rows;
  }
  return [];
}

function rowsOf(buckets: readonly number[], first: number, last: number, step: number): DistributionRow[] {
  const rows: DistributionRow[] = [];
  // Bucket 4 begins the first power of two, so that every fourth one begins another.
  const from = first - (first % step);
  for (let bucket = from; bucket <= last; bucket += step) {
    const end = Math.min(buckets.length, bucket + step);
    rows.push({
      lowNs: cycleBucketLow(bucket),
      highNs: cycleBucketHigh(end - 1),
      count: buckets.slice(bucket, end).reduce((sum, count) => sum + count, 0),
    });
  }
  return rows;
}
