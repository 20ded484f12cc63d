import { procFolder, readProcText } from './read-text.ts';

/** What /proc/PID/status has and stat has not. proc_pid_status(5) */
export type ProcessStatus = {
  /** Effective user. */
  uid: number;
  /** Pid of an attached tracer, 0 when none. */
  tracerPid: number;
  /** As the kernel lists them: "0-3,8". */
  cpusAllowed: string;
  voluntarySwitches: number;
  involuntarySwitches: number;
  threadCount: number;
};

/** Null when a line is missing. The name is escaped in this file, so it cannot forge a line. */
export function parseStatus(text: string): ProcessStatus | null {
  const uid = /^Uid:\t\d+\t(\d+)/m.exec(text)?.[1];
  const tracerPid = /^TracerPid:\t(\d+)/m.exec(text)?.[1];
  const cpusAllowed = /^Cpus_allowed_list:\t([\d,-]*)$/m.exec(text)?.[1];
  const voluntary = /^voluntary_ctxt_switches:\t(\d+)/m.exec(text)?.[1];
  const involuntary = /^nonvoluntary_ctxt_switches:\t(\d+)/m.exec(text)?.[1];
  const threads = /^Threads:\t(\d+)/m.exec(text)?.[1];
  if (!uid || !tracerPid || cpusAllowed === undefined || !voluntary || !involuntary || !threads) return null;
  return {
    uid: Number(uid),
    tracerPid: Number(tracerPid),
    cpusAllowed,
    voluntarySwitches: Number(voluntary),
    involuntarySwitches: Number(involuntary),
    threadCount: Number(threads),
  };
}

/** Switches are those of one thread: of the main thread when no tid is given. Null when it vanished or is hidden. */
export function readStatus(pid: number, tid?: number): ProcessStatus | null {
  const text = readProcText(`${procFolder(pid, tid)}/status`);
  return text === null ? null : parseStatus(text);
}
