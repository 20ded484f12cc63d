/**
 * Registers of a stopped user thread, in DWARF's numbering, from the kernel's struct pt_regs. x86-64: System V ABI
 * figure 3.36 and arch/x86/include/uapi/asm/ptrace.h; arm64: AADWARF64 and uapi/asm/ptrace.h (struct user_pt_regs).
 */
import { REGISTER_LIMIT } from './call-frame-program.ts';

export type Abi = {
  readonly name: 'x64' | 'arm64';
  readonly stackPointer: number;
  readonly framePointer: number;
  /** Registers a callee may overwrite: unknown in a caller, unless the callee's rules say where they are. */
  readonly volatiles: readonly number[];
  /** Bytes of struct pt_regs that describe user registers. */
  readonly contextBytes: number;
};

/** A call leaves its return address on the stack, in register 16 as far as DWARF is concerned. */
export const X64: Abi = {
  name: 'x64',
  stackPointer: 7,
  framePointer: 6,
  volatiles: [0, 1, 2, 4, 5, 8, 9, 10, 11],
  contextBytes: 168,
};

/** A call leaves its return address in register 30. */
export const ARM64: Abi = {
  name: 'arm64',
  stackPointer: 31,
  framePointer: 29,
  volatiles: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18],
  contextBytes: 272,
};

export type Registers = {
  readonly abi: Abi;
  pc: number;
  readonly values: BigUint64Array;
  /** 1 where the value is known. */
  readonly isKnown: Uint8Array;
};

/** User code segment of 64-bit programs, __USER_CS. arch/x86/include/asm/segment.h */
const USER_CS = 0x33;
/** Words of struct pt_regs of x86-64, by DWARF number: rax, rdx, rcx, rbx, rsi, rdi, rbp, rsp, r8 … r15. */
const X64_WORDS = [10, 12, 11, 5, 13, 14, 4, 19, 9, 8, 7, 6, 3, 2, 1, 0];
const X64_RETURN = 16;

export function emptyRegisters(abi: Abi, pc: number): Registers {
  const values = new BigUint64Array(REGISTER_LIMIT);
  const registers = { abi, pc, values, isKnown: new Uint8Array(REGISTER_LIMIT) };
  if (abi === X64) setRegister(registers, X64_RETURN, BigInt(pc));
  return registers;
}

export function setRegister(registers: Registers, index: number, value: bigint): void {
  registers.values[index] = value;
  registers.isKnown[index] = 1;
}

/** Null when these are not the registers of a 64-bit program (a kernel thread, 32-bit code), or too few bytes. */
export function readRegisters(abi: Abi, bytes: Uint8Array): Registers | null {
  if (bytes.length < abi.contextBytes) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, abi.contextBytes);
  const word = (index: number) => view.getBigUint64(index * 8, true);
  if (abi === X64) {
    if (word(17) !== BigInt(USER_CS)) return null;
    const registers = emptyRegisters(abi, Number(word(16)));
    for (const [index, at] of X64_WORDS.entries()) setRegister(registers, index, word(at));
    return registers;
  }
  // PSTATE: execution state in bit 4 (0: AArch64), exception level in bits 3 and 2 (0: user).
  if ((word(33) & 0x1fn) !== 0n) return null;
  const registers = emptyRegisters(abi, Number(word(32)));
  for (let index = 0; index <= 31; index++) setRegister(registers, index, word(index));
  return registers;
}
