/**
 * The user stack of a thread that is blocked in a system call, without BPF and without stopping it: /proc tells its
 * stack and instruction pointers (proc_pid_syscall(5)), and its memory does not change while it sleeps. Other
 * registers stay unknown, which most functions do not need: they count from the stack pointer.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { readProcText } from '../proc/read-text.ts';
import { ARM64, emptyRegisters, setRegister, X64 } from './registers.ts';
import { createStackCopy, type StackRecord } from './stack-copy.ts';

const STACK_LIMIT_BYTES = 64 << 10;
const PAGE_BYTES = 4096;

/** Null when it runs just now, is gone, or may not be looked at (ptrace access is needed). */
export function readBlockedThread(
  pid: number,
  tid: number = pid,
  stackBytes: number = STACK_LIMIT_BYTES,
): StackRecord | null {
  const path = `/proc/${pid}/task/${tid}/syscall`;
  const before = readProcText(path);
  // "running", or -1 SP PC outside of calls, or NR, six arguments, SP, PC.
  const match = /0x([0-9a-f]+) 0x([0-9a-f]+)\s*$/.exec(before ?? '');
  if (!match || before!.startsWith('running')) return null;
  const stackPointer = Number.parseInt(match[1]!, 16);
  const pc = Number.parseInt(match[2]!, 16);
  // Addresses of user space only; a kernel thread has zeros.
  if (!(stackPointer > 0 && stackPointer <= Number.MAX_SAFE_INTEGER && pc <= Number.MAX_SAFE_INTEGER))
    return null;
  const bytes = readPages(`/proc/${pid}/mem`, stackPointer, stackBytes);
  // It woke up meanwhile: what was read may be of two moments.
  if (!bytes || readProcText(path) !== before) return null;
  const registers = emptyRegisters(process.arch === 'arm64' ? ARM64 : X64, pc);
  setRegister(registers, registers.abi.stackPointer, BigInt(stackPointer));
  return { registers, stack: createStackCopy(stackPointer, bytes) };
}

/** To the end of the mapping, at most `length`. */
function readPages(path: string, start: number, length: number): Uint8Array | null {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    return null;
  }
  const bytes = new Uint8Array(length);
  let count = 0;
  try {
    while (count < length) {
      const room = Math.min(length - count, PAGE_BYTES - ((start + count) % PAGE_BYTES));
      const read = readSync(fd, bytes, count, room, start + count);
      if (read === 0) break;
      count += read;
    }
  } catch {
    // Beyond the top of the stack.
  } finally {
    closeSync(fd);
  }
  return count > 0 ? bytes.subarray(0, count) : null;
}
