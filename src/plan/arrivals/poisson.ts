import { createPrng } from '../../base/prng.ts';
import type { Arrival, Schedule, ScheduleOptions } from './arrival.ts';
import { createProfile } from './profile.ts';

/** Independent users: gaps without memory. */
export const poisson = {
  name: 'poisson',
  summary: 'independent users: random gaps without memory',
  openLoop: true,
  createSchedule,
} satisfies Arrival;

/**
 * A Poisson process given its count: n points, uniform and independent on the count axis, in order. Of the m points
 * still to come in [x, total) the first lies at x + (total − x)(1 − U^(1/m)); so the rate asked for is met exactly,
 * without a list.
 */
function createSchedule(options: ScheduleOptions): Schedule {
  const profile = createProfile(options);
  const prng = createPrng(options.seed, options.stream);
  let left = Math.round(profile.total);
  let at = 0;
  let lastNs = 0;
  return {
    nextPlannedNs() {
      if (left === 0) return Number.POSITIVE_INFINITY;
      // expm1, because U^(1/m) is within 1e-7 of 1 for a long run and the difference is what counts.
      at += (profile.total - at) * -Math.expm1(-prng.exponential(1) / left);
      left--;
      // A ramp's inverse may step back by a rounding where two counts are nearly one.
      lastNs = Math.max(lastNs, profile.atCountNs(at));
      return lastNs;
    },
  };
}
