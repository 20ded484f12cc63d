/**
 * Walks a user stack outwards: from registers and a copy of the stack, by the rules compilers write for exceptions,
 * and by frame pointers where there are none (a JIT's code). It never reads the process's memory as it is now: that
 * has moved on. It ends with the reason, and calls no stack whole that is not.
 *
 * Invariants
 *  U1  Each frame's stack pointer is above the last one's, but where a signal frame leads to another stack.
 *  U2  A register that a callee may have overwritten is unknown in its caller until a rule restores it.
 *  U3  At most `frameLimit` frames, at the cost of STACK_UNITS; what files must be read for it is the image's to pay.
 */
import { createEffort, isSpent, rethrowSpent, spend, within } from '../symbols/effort.ts';
import type { Place, ProcessImage } from '../symbols/process-image.ts';
import { type Row, RULE } from './call-frame-program.ts';
import { evaluate } from './expression.ts';
import { type Registers, setRegister, X64 } from './registers.ts';
import type { StackCopy } from './stack-copy.ts';
import { type UnwindTable, unwindTableOf } from './unwind-table.ts';

export type Frame = {
  address: bigint;
  /** The instruction there comes after a call: the call itself, a byte before, is what the line and name are of. */
  isReturnAddress: boolean;
  /** Found by `rules` of the frame before it, or by `frame-pointer`, which can skip a caller or two. */
  foundBy: 'registers' | 'rules' | 'frame-pointer' | 'call';
};

/** The first is a whole stack; the others say why the outer part is missing. */
export type UnwindEnd =
  | 'start of the thread'
  | 'copy ended'
  | 'no unwind information'
  | 'malformed unwind information'
  | 'not in code'
  | 'register not known'
  | 'stack pointer did not advance'
  | 'too many frames'
  | 'too costly to follow';

export type UserStack = { frames: Frame[]; end: UnwindEnd };

export const FRAME_LIMIT = 512;
/** A stack of 128 frames, each met for the first time, takes a tenth of it. */
const STACK_UNITS = 10_000;
const FRAME_UNITS = 1;
const WORD_BYTES = 8;
/** x86-64's DWARF number of the return address; breg16 in procedure linkage tables means the program counter. */
const X64_RETURN = 16;
/** Addresses of 64-bit ARM without what is signed into their upper bits. */
const ARM64_ADDRESS_MASK = (1n << 48n) - 1n;

export function unwind(
  image: ProcessImage,
  innermost: Registers,
  stack: StackCopy,
  frameLimit: number = FRAME_LIMIT,
): UserStack {
  const frames: Frame[] = [];
  try {
    return within(createEffort(STACK_UNITS, image.look), () =>
      walk(image, innermost, stack, frameLimit, frames),
    );
  } catch (error) {
    if (!isSpent(error)) throw error;
    return { frames, end: 'too costly to follow' };
  }
}

function walk(
  image: ProcessImage,
  innermost: Registers,
  stack: StackCopy,
  frameLimit: number,
  frames: Frame[],
): UserStack {
  const registers = { ...innermost, values: innermost.values.slice(), isKnown: innermost.isKnown.slice() };
  let isReturnAddress = false;
  let foundBy: Frame['foundBy'] = 'registers';
  for (;;) {
    if (frames.length >= frameLimit) return { frames, end: 'too many frames' };
    spend(FRAME_UNITS);
    const { pc } = registers;
    const found = image.find(isReturnAddress ? pc - 1 : pc);
    const table = found?.module ? image.readFiles(() => unwindTableOf(found.module!)) : null;
    const row = table && found!.linked >= 0 ? table.rowAt(found!.linked) : 'none';
    const isTrampoline = typeof row === 'object' && row.isSignalFrame;
    frames.push({ address: BigInt(pc), isReturnAddress: isReturnAddress && !isTrampoline, foundBy });
    const step = stepOut(image, registers, stack, found, table, row, frames.length === 1);
    if (step.end !== null) return { frames, end: step.end };
    foundBy = step.foundBy;
    isReturnAddress = !isTrampoline;
  }
}

type Step = { end: UnwindEnd } | { end: null; foundBy: Frame['foundBy'] };

function stepOut(
  image: ProcessImage,
  registers: Registers,
  stack: StackCopy,
  found: Place | null,
  table: UnwindTable | null,
  row: Row | 'none' | 'malformed',
  isFirst: boolean,
): Step {
  if (!found) return isFirst ? leaveBadCall(image, registers, stack) : { end: 'not in code' };
  if (row === 'none' || row === 'malformed') {
    if (byFramePointer(image, registers, stack)) return { end: null, foundBy: 'frame-pointer' };
    return { end: row === 'none' ? 'no unwind information' : 'malformed unwind information' };
  }
  let end: UnwindEnd | null;
  try {
    end = byRules(registers, stack, table!, row);
  } catch (error) {
    rethrowSpent(error);
    end = 'malformed unwind information';
  }
  return end === null ? { end, foundBy: 'rules' } : { end };
}

/** A call through a wild pointer stops where no code is: its return address is still where a call puts it. */
function leaveBadCall(image: ProcessImage, registers: Registers, stack: StackCopy): Step {
  const { abi, values } = registers;
  const stackPointer = Number(values[abi.stackPointer]!);
  const back = abi === X64 ? stack.readWord(stackPointer) : values[30]!;
  if (back === null || !image.find(Number(back) - 1)) return { end: 'not in code' };
  arrive(registers, Number(back), BigInt(stackPointer + (abi === X64 ? WORD_BYTES : 0)));
  return { end: null, foundBy: 'call' };
}

/** Null when it arrived in the caller. */
function byRules(registers: Registers, stack: StackCopy, table: UnwindTable, row: Row): UnwindEnd | null {
  const { abi, values, isKnown } = registers;
  const context = {
    register: (index: number) => (isKnown[index] ? values[index]! : null),
    readWord: stack.readWord,
  };
  const base =
    row.cfaRegister >= 0
      ? context.register(row.cfaRegister)
      : evaluate(table.section, row.cfaOffset, context, null);
  if (base === null) return row.cfaRegister >= 0 ? 'register not known' : 'copy ended';
  const cfa = BigInt.asUintN(64, row.cfaRegister >= 0 ? base + BigInt(row.cfaOffset) : base);
  const lastStackPointer = values[abi.stackPointer]!;
  // All rules speak of the registers as they are now: values first, then the change.
  const changes = new Map<number, bigint | null>();
  let isOutermost = false;
  for (let i = 0; i < row.rules.length; i += 3) {
    const index = row.rules[i]!;
    const value = row.rules[i + 2]!;
    const kind = row.rules[i + 1]!;
    if (index === row.returnColumn && kind === RULE.undefined) isOutermost = true;
    const saved = savedValue(kind, value, cfa, stack, table, context);
    if (saved === null && index === row.returnColumn && kind !== RULE.undefined) return 'copy ended';
    changes.set(index, saved);
  }
  if (isOutermost) return 'start of the thread';
  let back =
    changes.get(row.returnColumn) ??
    (changes.has(row.returnColumn) ? null : context.register(row.returnColumn));
  if (back === null) return 'register not known';
  if (row.isReturnSigned || abi !== X64) back &= ARM64_ADDRESS_MASK;
  const stackPointer = changes.get(abi.stackPointer) ?? cfa;
  const stays = stackPointer === lastStackPointer && Number(back) === registers.pc;
  if (
    !row.isSignalFrame &&
    (stackPointer < lastStackPointer || stays || (abi === X64 && stackPointer === lastStackPointer))
  ) {
    return 'stack pointer did not advance';
  }
  if (back === 0n) return 'start of the thread';
  if (!row.isSignalFrame) for (const index of abi.volatiles) isKnown[index] = 0;
  for (const [index, value] of changes) {
    if (value === null) isKnown[index] = 0;
    else setRegister(registers, index, value);
  }
  arrive(registers, Number(back), stackPointer);
  return null;
}

/** Null when the caller's value is not known. */
function savedValue(
  kind: number,
  value: number,
  cfa: bigint,
  stack: StackCopy,
  table: UnwindTable,
  context: { register(index: number): bigint | null; readWord(address: number): bigint | null },
): bigint | null {
  switch (kind) {
    case RULE.offset:
      return stack.readWord(Number(cfa) + value);
    case RULE.valOffset:
      return BigInt.asUintN(64, cfa + BigInt(value));
    case RULE.register:
      return context.register(value);
    case RULE.expression: {
      const address = evaluate(table.section, value, context, cfa);
      return address === null ? null : stack.readWord(Number(address));
    }
    case RULE.valExpression:
      return evaluate(table.section, value, context, cfa);
    default:
      return null;
  }
}

/** For code without rules that keeps frame pointers, as V8's does: [fp] is the caller's, [fp + 8] the return address. */
function byFramePointer(image: ProcessImage, registers: Registers, stack: StackCopy): boolean {
  const { abi, values, isKnown } = registers;
  if (!isKnown[abi.framePointer]) return false;
  const framePointer = Number(values[abi.framePointer]!);
  if (framePointer % WORD_BYTES !== 0 || framePointer < Number(values[abi.stackPointer]!)) return false;
  const callers = stack.readWord(framePointer);
  const word = stack.readWord(framePointer + WORD_BYTES);
  const back = word === null ? null : abi === X64 ? word : word & ARM64_ADDRESS_MASK;
  if (callers === null || back === null || !image.find(Number(back) - 1)) return false;
  isKnown.fill(0);
  setRegister(registers, abi.framePointer, callers);
  arrive(registers, Number(back), BigInt(framePointer + 2 * WORD_BYTES));
  return true;
}

function arrive(registers: Registers, pc: number, stackPointer: bigint): void {
  registers.pc = pc;
  setRegister(registers, registers.abi.stackPointer, stackPointer);
  if (registers.abi === X64) setRegister(registers, X64_RETURN, BigInt(pc));
}
