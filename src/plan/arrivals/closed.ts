import { type Arrival, EMPTY_SCHEDULE } from './arrival.ts';

/** As fast as replies come: finds a capacity, hides every stall from the load (coordinated omission). */
export const closed = {
  name: 'closed',
  summary: 'each connection sends again when its reply is in',
  openLoop: false,
  createSchedule: () => EMPTY_SCHEDULE,
} satisfies Arrival;
