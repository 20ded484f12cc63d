import { createPrng } from '../base/prng.ts';
import { type Arrival, plannedCount, type Schedule, type ScheduleOptions } from './arrival.ts';

/** Independent users: gaps without memory. */
export const poisson = {
  name: 'poisson',
  summary: 'independent users: random gaps without memory',
  openLoop: true,
  createSchedule,
} satisfies Arrival;

/**
 * A Poisson process given its count: n points, uniform and independent over the run, in order. Of the m points still to
 * come in [t, end) the first lies at t + (end − t)(1 − U^(1/m)); so the rate asked for is met exactly, without a list.
 */
function createSchedule({ ratePerSec, durationNs, seed }: ScheduleOptions): Schedule {
  const prng = createPrng(seed);
  let left = plannedCount(ratePerSec, durationNs);
  let atNs = 0;
  return {
    nextPlannedNs() {
      if (left === 0) return Number.POSITIVE_INFINITY;
      // expm1, because U^(1/m) is within 1e-7 of 1 for a long run and the difference is what counts.
      atNs += (durationNs - atNs) * -Math.expm1(-prng.exponential(1) / left);
      left--;
      return atNs;
    },
  };
}
