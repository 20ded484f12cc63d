/** Where a thread is in the kernel at this moment. proc_pid_syscall(5), proc_pid_wchan(5) */
import { procFolder, readProcText } from './read-text.ts';

/** Number −1: blocked, but not in a system call (a page fault, a stop). */
export type CurrentSyscall = { number: number; args: bigint[] };

export function parseCurrentSyscall(text: string): CurrentSyscall | 'running' | null {
  const line = text.trim();
  if (line === 'running') return 'running';
  const fields = line.split(' ');
  const number = Number(fields[0]);
  if (line === '' || !Number.isInteger(number)) return null;
  if (number === -1) return { number, args: [] };
  const args = fields.slice(1, 7);
  if (args.length < 6 || !args.every((arg) => /^0x[0-9a-f]{1,16}$/.test(arg))) return null;
  return { number, args: args.map(BigInt) };
}

/** Null when the thread vanished, or when we may not trace it (PTRACE_MODE_ATTACH, so also Yama). */
export function readCurrentSyscall(pid: number, tid: number): CurrentSyscall | 'running' | null {
  const text = readProcText(`${procFolder(pid, tid)}/syscall`);
  return text === null ? null : parseCurrentSyscall(text);
}

/** Kernel function a thread sleeps in. Null when it runs, vanished, is hidden, or the kernel tells nobody ("0"). */
export function readWchan(pid: number, tid: number): string | null {
  const text = readProcText(`${procFolder(pid, tid)}/wchan`)?.trim();
  return text && text !== '0' ? text : null;
}
