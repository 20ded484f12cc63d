import { LoopscopeError } from '../../base/errors.ts';
import { createPrng } from '../../base/prng.ts';
import { NumberHeap } from '../number-heap.ts';
import { type Parameters, readParams } from '../parameters.ts';
import { type Arrival, EMPTY_SCHEDULE, type Schedule, type ScheduleOptions } from './arrival.ts';
import { createProfile } from './profile.ts';

const PARAMETERS = {
  byNs: {
    kind: 'duration',
    default: 1e6,
    min: 0,
    max: 60e9,
    summary: 'each request is late by a random time of up to this, uniformly',
  },
} as const satisfies Parameters;

/** Arrivals out of order that are held at most: jitter × rate. */
const MAX_HELD_COUNT = 1_000_000;

/** A metronome with a shaky hand: evenly spaced, each delayed by its own random time. */
export const jitter = {
  name: 'jitter',
  summary: 'evenly spaced, each delayed by a random time of up to by (1ms)',
  openLoop: true,
  parameters: PARAMETERS,
  createSchedule,
} satisfies Arrival;

/** Delays longer than a gap change the order: what may still be overtaken waits in a heap. */
function createSchedule(options: ScheduleOptions): Schedule {
  const { byNs } = readParams(PARAMETERS, options.params);
  const { durationNs, ratePerSec, toRatePerSec = ratePerSec } = options;
  const profile = createProfile(options);
  const count = Math.round(profile.total);
  if (count === 0) return EMPTY_SCHEDULE;
  const heldCount = Math.ceil((byNs / 1e9) * Math.max(ratePerSec, toRatePerSec)) + 2;
  if (heldCount > MAX_HELD_COUNT) {
    throw new LoopscopeError(
      'USAGE',
      `--arrival jitter: by: ${heldCount} requests would be out of order at once, at most ${MAX_HELD_COUNT} can be`,
      'make it shorter, or choose --arrival poisson',
    );
  }
  const prng = createPrng(options.seed, options.stream);
  const held = new NumberHeap(Math.min(count, heldCount));
  let index = 0;
  let slotNs = 0;
  return {
    nextPlannedNs() {
      // A slot beyond the earliest held one cannot come before it any more.
      while (index < count && slotNs <= held.min) {
        // Nothing is delayed past the end.
        held.push(slotNs + prng.next() * Math.min(byNs, durationNs - slotNs));
        index++;
        slotNs = profile.atCountNs(index);
      }
      return held.pop();
    },
  };
}
