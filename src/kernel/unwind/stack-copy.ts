/**
 * The record of one user stack, as a BPF program copies it: registers, and memory from the stack pointer upwards.
 *
 *   offset 0    struct pt_regs of the task (bpf_task_pt_regs; x86-64: 168 bytes, arm64: 272), one read
 *   then        __u32 byteCount: how much of the stack follows; __u32 flags: 0
 *   then        that many bytes, from the stack pointer up
 *
 * Pages are read one by one until one fails (the top of the stack, or a page that is not in memory).
 */
import { type Abi, ARM64, type Registers, readRegisters, X64 } from './registers.ts';

export type StackCopy = {
  /** The address of the first byte, and of the first one behind. */
  readonly start: number;
  readonly end: number;
  /** Null outside of the copy. */
  readWord(address: number): bigint | null;
};

export type StackRecord = { registers: Registers; stack: StackCopy };

const COUNT_BYTES = 8;

export function createStackCopy(start: number, bytes: Uint8Array): StackCopy {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const last = bytes.length - 8;
  return {
    start,
    end: start + bytes.length,
    readWord(address) {
      const at = address - start;
      return at >= 0 && at <= last ? view.getBigUint64(at, true) : null;
    },
  };
}

/** Null when the task has no 64-bit user registers, or the record is cut short. */
export function decodeStackRecord(
  bytes: Uint8Array,
  abi: Abi = process.arch === 'arm64' ? ARM64 : X64,
): StackRecord | null {
  const registers = readRegisters(abi, bytes);
  const from = abi.contextBytes + COUNT_BYTES;
  if (!registers || bytes.length < from) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const byteCount = Math.min(view.getUint32(abi.contextBytes, true), bytes.length - from);
  const start = Number(registers.values[abi.stackPointer]!);
  return { registers, stack: createStackCopy(start, bytes.subarray(from, from + byteCount)) };
}
