import { createPrng } from '../../base/prng.ts';
import { type Parameters, readParams } from '../parameters.ts';
import type { Arrival, Schedule, ScheduleOptions } from './arrival.ts';
import { betaVariate } from './gamma-variate.ts';
import { createProfile } from './profile.ts';

const PARAMETERS = {
  cv: {
    kind: 'number',
    default: 2,
    min: 0.05,
    max: 10,
    summary: 'standard deviation ÷ mean of the gaps: 1 is Poisson, more is burstier, less more even',
  },
} as const satisfies Parameters;

/** Burstiness with one knob: independent gaps of a gamma distribution, whose shape is 1 ÷ cv². */
export const gamma = {
  name: 'gamma',
  summary: 'random gaps as bursty as cv says: 1 is Poisson, 3 comes in clumps',
  openLoop: true,
  parameters: PARAMETERS,
  createSchedule,
} satisfies Arrival;

/**
 * A gamma renewal process given its count. n arrivals divide the count axis into n + 1 gaps; gamma gaps given their sum
 * are Dirichlet, and its parts can be broken off one by one: of what is left, with m gaps after this one, a share of
 * Beta(shape, m × shape). With cv = 1 that is the Poisson process of poisson.ts.
 */
function createSchedule(options: ScheduleOptions): Schedule {
  const { cv } = readParams(PARAMETERS, options.params);
  const shape = 1 / (cv * cv);
  const profile = createProfile(options);
  const prng = createPrng(options.seed, options.stream);
  let left = Math.round(profile.total);
  let at = 0;
  let lastNs = 0;
  return {
    nextPlannedNs() {
      if (left === 0) return Number.POSITIVE_INFINITY;
      at += (profile.total - at) * betaVariate(prng, shape, left * shape);
      left--;
      // A ramp's inverse may step back by a rounding where two counts are nearly one.
      lastNs = Math.max(lastNs, profile.atCountNs(at));
      return lastNs;
    },
  };
}
