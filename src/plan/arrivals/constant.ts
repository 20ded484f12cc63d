import type { Arrival, Schedule, ScheduleOptions } from './arrival.ts';
import { createProfile } from './profile.ts';

/** Evenly spaced: the kindest load there is, and the least like users. */
export const constant = {
  name: 'constant',
  summary: 'evenly spaced',
  openLoop: true,
  createSchedule,
} satisfies Arrival;

function createSchedule(options: ScheduleOptions): Schedule {
  const profile = createProfile(options);
  const count = Math.round(profile.total);
  let index = 0;
  return {
    nextPlannedNs: () => (index < count ? profile.atCountNs(index++) : Number.POSITIVE_INFINITY),
  };
}
