import { procFolder, readProcText } from './read-text.ts';

/** One line of /proc/PID/stat, proc_pid_stat(5). Times are since the task began, to a clock tick (10 ms). */
export type ProcessStat = {
  pid: number;
  /** Any bytes at all, line breaks and parentheses too: never parse it, never print it as it is. */
  comm: string;
  /** R, S, D, T, t, Z, X or I. */
  state: string;
  parentPid: number;
  flags: number;
  minorFaults: number;
  majorFaults: number;
  utimeNs: number;
  stimeNs: number;
  nice: number;
  threadCount: number;
  /** Ticks since boot at which it began: with the pid it names a process for good. */
  startTicks: number;
  lastCpu: number;
  /** SCHED_OTHER, SCHED_FIFO… sched(7). */
  schedPolicy: string;
  isKernelThread: boolean;
};

/** USER_HZ is 100 on every architecture this runs on; it is part of the ABI, unlike CONFIG_HZ. time(7) */
export const NS_PER_TICK = 10_000_000;

/** include/linux/sched.h */
const PF_KTHREAD = 0x0020_0000;

/** include/uapi/linux/sched.h, SCHED_*. */
const POLICY_NAMES: Record<number, string> = {
  0: 'SCHED_OTHER',
  1: 'SCHED_FIFO',
  2: 'SCHED_RR',
  3: 'SCHED_BATCH',
  5: 'SCHED_IDLE',
  6: 'SCHED_DEADLINE',
  7: 'SCHED_EXT',
};

const FIRST_FIELD_BEHIND_NAME = 3;
const POLICY_FIELD = 41;

/** Null when the text is not a whole stat line. */
export function parseStat(text: string): ProcessStat | null {
  const open = text.indexOf('(');
  // Nothing behind the name holds a parenthesis, so the last one ends it, whatever is in it.
  const close = text.lastIndexOf(')');
  if (open < 1 || close < open) return null;
  const pid = Number(text.slice(0, open));
  const fields = text.slice(close + 2).split(' ');
  if (!Number.isInteger(pid) || fields.length <= POLICY_FIELD - FIRST_FIELD_BEHIND_NAME) return null;
  const field = (number: number): number => Number(fields[number - FIRST_FIELD_BEHIND_NAME]);
  const flags = field(9);
  const policy = field(POLICY_FIELD);
  const stat: ProcessStat = {
    pid,
    comm: text.slice(open + 1, close),
    state: fields[0]!,
    parentPid: field(4),
    flags,
    minorFaults: field(10),
    majorFaults: field(12),
    utimeNs: field(14) * NS_PER_TICK,
    stimeNs: field(15) * NS_PER_TICK,
    nice: field(19),
    threadCount: field(20),
    startTicks: field(22),
    lastCpu: field(39),
    schedPolicy: POLICY_NAMES[policy] ?? `policy ${policy}`,
    isKernelThread: (flags & PF_KTHREAD) !== 0,
  };
  const numbers = [stat.parentPid, flags, stat.utimeNs, stat.stimeNs, stat.startTicks, stat.lastCpu, policy];
  return numbers.every(Number.isFinite) ? stat : null;
}

/** Of a process (all its threads together), or of one thread. Null when it vanished or is hidden. */
export function readStat(pid: number, tid?: number): ProcessStat | null {
  const text = readProcText(`${procFolder(pid, tid)}/stat`);
  return text === null ? null : parseStat(text);
}
