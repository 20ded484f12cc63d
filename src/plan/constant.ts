import { type Arrival, plannedCount, type Schedule, type ScheduleOptions } from './arrival.ts';

/** Evenly spaced: the kindest load there is, and the least like users. */
export const constant = {
  name: 'constant',
  summary: 'evenly spaced',
  openLoop: true,
  createSchedule,
} satisfies Arrival;

function createSchedule({ ratePerSec, durationNs }: ScheduleOptions): Schedule {
  const count = plannedCount(ratePerSec, durationNs);
  const gapNs = 1e9 / ratePerSec;
  let index = 0;
  // By multiplication: a sum of gaps would drift.
  return { nextPlannedNs: () => (index < count ? index++ * gapNs : Number.POSITIVE_INFINITY) };
}
