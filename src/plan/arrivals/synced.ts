import { LoopscopeError } from '../../base/errors.ts';
import { type Parameters, readParams } from '../parameters.ts';
import type { Arrival, Schedule, ScheduleOptions } from './arrival.ts';
import { createProfile } from './profile.ts';

const PARAMETERS = {
  wave: {
    kind: 'count',
    default: null,
    min: 1,
    max: 1_000_000,
    summary: 'requests in one wave; default: one for each connection',
  },
  everyNs: {
    kind: 'duration',
    default: null,
    min: 100e3,
    max: 3600e9,
    summary: 'time between waves, instead of their size',
  },
} as const satisfies Parameters;

/** Lock-step clients: every connection's request at the same instant, then nothing until the next wave. */
export const synced = {
  name: 'synced',
  summary: 'lock-step clients: all connections at once, in waves',
  openLoop: true,
  parameters: PARAMETERS,
  createSchedule,
} satisfies Arrival;

/** Of a request: lifts a number over the rounding of a product that should be a whole period. */
const HAIR = 1e-6;

/** Each request is due when the wave's first is: the first of its size, or of its period. */
function createSchedule(options: ScheduleOptions): Schedule {
  const { wave, everyNs } = readParams(PARAMETERS, options.params);
  if (wave !== null && everyNs !== null) {
    throw new LoopscopeError(
      'USAGE',
      '--arrival synced: wave and every: the rate and one of them give the other',
      'leave one out',
    );
  }
  const profile = createProfile(options);
  const count = Math.round(profile.total);
  const size = wave ?? options.connectionCount;
  let index = 0;
  return {
    nextPlannedNs() {
      if (index === count) return Number.POSITIVE_INFINITY;
      const number = index++;
      if (everyNs === null) return profile.atCountNs(Math.floor(number / size) * size);
      return Math.floor(profile.atCountNs(number + HAIR) / everyNs) * everyNs;
    },
  };
}
