/**
 * The seam for arrival processes: when requests are due. One schedule a run, absolute, the same for the same seed;
 * it knows nothing of connections that happen to be free. registry.ts lists the processes.
 */
export type Arrival = {
  readonly name: string;
  /** One line for help and documents. */
  readonly summary: string;
  /** False: there is no schedule, each connection sends again when its reply is in. */
  readonly openLoop: boolean;
  /** The whole run's schedule; arrivals without one return an empty schedule. */
  createSchedule(options: ScheduleOptions): Schedule;
};

export type ScheduleOptions = {
  ratePerSec: number;
  durationNs: number;
  connectionCount: number;
  seed: number;
};

export type Schedule = {
  /** ns since the load began, never falling; Infinity from the end on. Allocates nothing. */
  nextPlannedNs(): number;
};

/** How many requests a rate makes due in a duration: exactly this many, in every arrival process. */
export function plannedCount(ratePerSec: number, durationNs: number): number {
  return Math.round((ratePerSec * durationNs) / 1e9);
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
