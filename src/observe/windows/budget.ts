import { CYCLE_BUCKET_COUNT, cycleBucketHigh } from '../../record/cycle-buckets.ts';
import { totals } from '../probes/layouts.ts';

/** A cycle this many times the median is no longer the loop's ordinary work. */
const TIMES_MEDIAN = 20;
const FLOOR_NS = 2e6;
const CEILING_NS = 10e6;

/** Used until enough cycles were seen. */
export const FIRST_BUDGET_NS = CEILING_NS;
export const ENOUGH_CYCLES = 50;

/** The stall budget of a loop whose cycles' work has these counts by bucket: 20 × the median, from 2 ms to 10 ms. */
export function budgetFor(workCounts: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < workCounts.length; i++) total += workCounts[i]!;
  let seen = 0;
  for (let i = 0; i < workCounts.length; i++) {
    seen += workCounts[i]!;
    if (total > 0 && seen * 2 >= total) {
      return Math.min(CEILING_NS, Math.max(FLOOR_NS, TIMES_MEDIAN * cycleBucketHigh(i)));
    }
  }
  return FIRST_BUDGET_NS;
}

/** One budget for all loops, from the cycles of all of them; null while there are too few. `live`: their kernel's totals. */
export function budgetOf(live: Iterable<DataView>): number | null {
  const sum = new Float64Array(CYCLE_BUCKET_COUNT);
  let cycleCount = 0;
  for (const view of live) {
    for (let bucket = 0; bucket < CYCLE_BUCKET_COUNT; bucket++) {
      const count = view.getUint32(totals.at.work_hist + bucket * 4, true);
      sum[bucket]! += count;
      cycleCount += count;
    }
  }
  return cycleCount < ENOUGH_CYCLES ? null : budgetFor(sum);
}
