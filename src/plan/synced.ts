import { type Arrival, plannedCount, type Schedule, type ScheduleOptions } from './arrival.ts';

/** Lock-step clients: every connection's request at the same instant, then nothing until the next wave. */
export const synced = {
  name: 'synced',
  summary: 'lock-step clients: all connections at once, in waves',
  openLoop: true,
  createSchedule,
} satisfies Arrival;

function createSchedule({ ratePerSec, durationNs, connectionCount }: ScheduleOptions): Schedule {
  const count = plannedCount(ratePerSec, durationNs);
  const waveGapNs = (connectionCount * 1e9) / ratePerSec;
  let index = 0;
  return {
    nextPlannedNs() {
      if (index === count) return Number.POSITIVE_INFINITY;
      return Math.floor(index++ / connectionCount) * waveGapNs;
    },
  };
}
