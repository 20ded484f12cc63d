import { procFolder, readProcText } from './read-text.ts';

/** The scheduler's own account of one thread. Documentation/scheduler/sched-stats.rst, last section. */
export type Schedstat = {
  /** Time on a CPU. */
  cpuNs: number;
  /** Time runnable but not on a CPU: run queue, and CPU quota too. */
  runDelayNs: number;
  timeslices: number;
};

/** Null when the text is not three numbers, or when they are all 0: the kernel then keeps no account (CONFIG_SCHED_INFO). */
export function parseSchedstat(text: string): Schedstat | null {
  const match = /^(\d+) (\d+) (\d+)\s*$/.exec(text);
  if (!match) return null;
  const stat = { cpuNs: Number(match[1]), runDelayNs: Number(match[2]), timeslices: Number(match[3]) };
  // A thread that exists has been given a CPU at least once.
  return stat.cpuNs + stat.runDelayNs + stat.timeslices === 0 ? null : stat;
}

/** Null when the thread vanished, is hidden, or no account is kept. */
export function readSchedstat(pid: number, tid: number): Schedstat | null {
  const text = readProcText(`${procFolder(pid, tid)}/schedstat`);
  return text === null ? null : parseSchedstat(text);
}
