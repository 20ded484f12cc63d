import type { ArrivalParams, Parameters } from '../parameters.ts';
import { createProfile, type RateSpan } from './profile.ts';

/**
 * The seam for arrival processes: when requests are due. One schedule a run (or stage), absolute, the same for the same
 * seed; it knows nothing of connections that happen to be free. registry.ts lists the processes,
 * docs/reference/arrivals.md shows each, arrival.contract.ts says what every one must do.
 */
export type Arrival = {
  readonly name: string;
  /** One line for help and documents. */
  readonly summary: string;
  /** False: there is no schedule, each connection sends again when its reply is in. */
  readonly openLoop: boolean;
  /** What may be set, in the order of a bare list; absent: nothing. */
  readonly parameters?: Parameters;
  /** How many requests are due in all, where it is not the integral of the rate over the whole duration. */
  expectedCount?(options: ScheduleOptions): number;
  /**
   * The whole schedule, with exactly the expected count; arrivals without one return an empty schedule. Throws USAGE when
   * parameters do not go together with the rate or the duration.
   */
  createSchedule(options: ScheduleOptions): Schedule;
};

export type ScheduleOptions = RateSpan & {
  connectionCount: number;
  seed: number;
  /** Different streams of one seed are independent. Default 0. */
  stream?: number;
  /** Of the process; what is absent has its default. */
  params?: ArrivalParams;
};

export type Schedule = {
  /** ns since the load began, never falling; Infinity from the end on. Allocates nothing. */
  nextPlannedNs(): number;
};

export const EMPTY_SCHEDULE: Schedule = { nextPlannedNs: () => Number.POSITIVE_INFINITY };

/** How many requests a constant rate makes due in a duration: exactly this many. */
export function plannedCount(ratePerSec: number, durationNs: number): number {
  return Math.round((ratePerSec * durationNs) / 1e9);
}

/** How many requests an arrival process makes due: the integral of the rate, rounded, unless it says otherwise. */
export function expectedCount(arrival: Arrival, options: ScheduleOptions): number {
  if (!arrival.openLoop) return 0;
  return Math.round(arrival.expectedCount?.(options) ?? createProfile(options).total);
}

/** Every `of`-th arrival of a schedule, from number `index` on: one thread's part of it. */
export function stripe(schedule: Schedule, index: number, of: number): Schedule {
  if (of === 1) return schedule;
  let skip = index;
  return {
    nextPlannedNs() {
      for (; skip > 0; skip--) schedule.nextPlannedNs();
      skip = of - 1;
      return schedule.nextPlannedNs();
    },
  };
}
