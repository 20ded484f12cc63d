import { readProcText } from './read-text.ts';

/**
 * How late the kernel may end this thread's timed waits, ns. The file is there for any tid, though not under task/.
 * Null without CAP_SYS_NICE over it, or when it vanished. proc_pid_timerslack_ns(5)
 */
export function readTimerSlackNs(tid: number): number | null {
  const text = readProcText(`/proc/${tid}/timerslack_ns`)?.trim();
  return text && /^\d+$/.test(text) ? Number(text) : null;
}
