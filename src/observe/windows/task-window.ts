/** Windows of the proc tier: what one thread's counters in /proc grew by. */
import { readStat } from '../../kernel/proc/process-stat.ts';
import { readStatus } from '../../kernel/proc/process-status.ts';
import { readSchedstat } from '../../kernel/proc/schedstat.ts';
import type { CycleWindow } from '../../record/observation.ts';
import type { TaskCounters } from './cycle-windows.ts';

/** Null when the thread is gone. Without the scheduler's account (CONFIG_SCHED_INFO) CPU time is in ticks, delay 0. */
export function readTaskCounters(pid: number, tid: number): TaskCounters | null {
  const stat = readStat(pid, tid);
  const status = readStatus(pid, tid);
  if (stat === null || status === null) return null;
  const schedstat = readSchedstat(pid, tid);
  return {
    cpuNs: schedstat?.cpuNs ?? stat.utimeNs + stat.stimeNs,
    runDelayNs: schedstat?.runDelayNs ?? 0,
    cpuUserNs: stat.utimeNs,
    cpuSystemNs: stat.stimeNs,
    voluntarySwitches: status.voluntarySwitches,
    involuntarySwitches: status.involuntarySwitches,
    minorFaults: stat.minorFaults,
    majorFaults: stat.majorFaults,
  };
}

/** What was added between two readings. */
export function growth(before: TaskCounters, now: TaskCounters): TaskCounters {
  const grown = { ...now };
  for (const field of Object.keys(now) as (keyof TaskCounters)[])
    grown[field] = Math.max(0, now[field] - before[field]);
  return grown;
}

/** A window in which no cycle could be seen. */
export function emptyWindow(
  loopIndex: number,
  startNs: number,
  durationNs: number,
): Omit<CycleWindow, keyof TaskCounters> {
  return {
    loopIndex,
    startNs,
    durationNs,
    cycleCount: 0,
    peekCount: 0,
    eventCount: 0,
    timeoutCount: 0,
    workNs: 0,
    waitNs: 0,
    workHistogram: [],
    eventHistogram: [],
    overshootHistogram: [],
    wakeHistogram: [],
    acceptCount: 0,
    acceptFirstEagainCount: 0,
    acceptTailEagainCount: 0,
    blockedShare: null,
  };
}
