/** A user stack as a BPF program copies it: the registers of a thread, and memory from its stack pointer upwards. */
import { type Abi, ARM64, type Registers, readRegisters, X64 } from './registers.ts';

export type StackCopy = {
  /** The address of the first byte, and of the first one behind. */
  readonly start: number;
  readonly end: number;
  /** Null outside of the copy. */
  readWord(address: number): bigint | null;
};

export type StackRecord = { registers: Registers; stack: StackCopy };

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

/**
 * From struct pt_regs of the task (bpf_task_pt_regs; x86-64: the first 168 bytes, arm64: 272) and the bytes from its stack
 * pointer up. Null when these are not the registers of a 64-bit program.
 */
export function decodeStackRecord(
  registerBytes: Uint8Array,
  stackBytes: Uint8Array,
  abi: Abi = process.arch === 'arm64' ? ARM64 : X64,
): StackRecord | null {
  const registers = readRegisters(abi, registerBytes);
  if (!registers) return null;
  return { registers, stack: createStackCopy(Number(registers.values[abi.stackPointer]!), stackBytes) };
}
