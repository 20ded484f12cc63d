import { cycleBucketHigh } from '../record/cycle-buckets.ts';

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
