/** Cuts what the kernel counts, which only grows, into windows: one CycleWindow a loop each time. */
import type { CycleWindow } from '../../record/observation.ts';
import { totals } from '../probes/layouts.ts';

const BUCKET_COUNT = 168;

/** The task's own counters from /proc, cumulative; null when the thread is gone. */
export type TaskCounters = {
  cpuNs: number;
  runDelayNs: number;
  cpuUserNs: number;
  cpuSystemNs: number;
  voluntarySwitches: number;
  involuntarySwitches: number;
  minorFaults: number;
  majorFaults: number;
};

export type WindowCutter = {
  /** The window since the last cut (or since the beginning). */
  cut(live: DataView, task: TaskCounters | null, startNs: number, durationNs: number): CycleWindow;
};

/**
 * For one loop. Allocates per window, never per cycle. Read as words, not through views (little-endian, as are the
 * machines this runs on).
 */
export function createWindowCutter(
  loopIndex: number,
  live: DataView,
  task: TaskCounters | null,
): WindowCutter {
  let before = new Uint32Array(totals.byteLength / 4);
  let now = new Uint32Array(totals.byteLength / 4);
  copyInto(before, live);
  let taskBefore = task;
  return {
    cut(live, taskNow, startNs, durationNs) {
      // One copy, for the window's end and the next one's beginning: the kernel counts on between two readings.
      copyInto(now, live);
      // Below 2^53, as differences of the high words and of the low ones: no BigInt is made.
      const grown = (field: keyof typeof totals.at) => {
        const low = totals.at[field] / 4;
        return (now[low + 1]! - before[low + 1]!) * 2 ** 32 + (now[low]! - before[low]!);
      };
      const histogram = (field: keyof typeof totals.at): [number, number][] => {
        const pairs: [number, number][] = [];
        const first = totals.at[field] / 4;
        for (let bucket = 0; bucket < BUCKET_COUNT; bucket++) {
          const count = (now[first + bucket]! - before[first + bucket]!) >>> 0;
          if (count > 0) pairs.push([bucket, count]);
        }
        return pairs;
      };
      const window: CycleWindow = {
        loopIndex,
        startNs,
        durationNs,
        cycleCount: grown('cycles'),
        peekCount: grown('peeks'),
        eventCount: grown('events'),
        timeoutCount: grown('timeouts'),
        workNs: grown('work_ns'),
        waitNs: grown('wait_ns'),
        workHistogram: histogram('work_hist'),
        eventHistogram: histogram('event_hist'),
        overshootHistogram: histogram('overshoot_hist'),
        wakeHistogram: histogram('wake_hist'),
        acceptCount: grown('accepts'),
        acceptFirstEagainCount: grown('accept_first_eagain'),
        acceptTailEagainCount: grown('accept_tail_eagain'),
        ...growth(taskBefore, taskNow),
        blockedShare: null,
      };
      [before, now] = [now, before];
      taskBefore = taskNow ?? taskBefore;
      return window;
    },
  };
}

function copyInto(target: Uint32Array, source: DataView): void {
  target.set(new Uint32Array(source.buffer, source.byteOffset, target.length));
}

function growth(before: TaskCounters | null, now: TaskCounters | null): TaskCounters {
  const grown = (field: keyof TaskCounters) => (before && now ? Math.max(0, now[field] - before[field]) : 0);
  return {
    cpuNs: grown('cpuNs'),
    runDelayNs: grown('runDelayNs'),
    cpuUserNs: grown('cpuUserNs'),
    cpuSystemNs: grown('cpuSystemNs'),
    voluntarySwitches: grown('voluntarySwitches'),
    involuntarySwitches: grown('involuntarySwitches'),
    minorFaults: grown('minorFaults'),
    majorFaults: grown('majorFaults'),
  };
}
