/**
 * DWARF expressions (DWARF 5 section 2.5) as call frame information uses them: procedure linkage tables, signal
 * frames, realigned stacks. Bounded in steps and depth; null for what cannot be evaluated.
 */
import { spend } from '../symbols/effort.ts';
import { cursorAt, readSleb, readU8, readUleb, take } from './dwarf-cursor.ts';
import type { SectionBytes } from './eh-frame.ts';

export type ExpressionContext = {
  /** Null when not known. */
  register(index: number): bigint | null;
  /** Eight bytes of the target's memory; null when we have no copy of them. */
  readWord(address: number): bigint | null;
};

const STEP_LIMIT = 512;
const STEP_UNITS = 0.25;
const DEPTH_LIMIT = 64;

/** A block preceded by its length, at `at`. Throws RangeError when it is malformed. */
export function evaluate(
  section: SectionBytes,
  at: number,
  context: ExpressionContext,
  initial: bigint | null,
): bigint | null {
  const cursor = cursorAt(section.bytes, section.address, at);
  const length = readUleb(cursor);
  const from = take(cursor, length);
  cursor.at = from;
  cursor.end = from + length;
  const stack: bigint[] = initial === null ? [] : [initial];
  for (let steps = 0; cursor.at < cursor.end; steps++) {
    spend(STEP_UNITS);
    if (steps > STEP_LIMIT || stack.length > DEPTH_LIMIT) throw new RangeError('expression without end');
    const opcode = readU8(cursor);
    if (opcode === 0x2f || opcode === 0x28) {
      // DW_OP_skip, DW_OP_bra
      const distance = cursor.view.getInt16(take(cursor, 2), true);
      if (opcode === 0x2f || pop(stack) !== 0n) {
        cursor.at += distance;
        if (cursor.at < from || cursor.at > cursor.end) throw new RangeError('branch outside the expression');
      }
      continue;
    }
    const value = push(opcode, cursor, stack, context);
    if (value === null) return null;
    if (value !== undefined) stack.push(BigInt.asUintN(64, value));
  }
  return pop(stack);
}

type Cursor = ReturnType<typeof cursorAt>;

/** The value an operation leaves; undefined when it leaves none or did so itself; null when not known. */
function push(
  opcode: number,
  cursor: Cursor,
  stack: bigint[],
  context: ExpressionContext,
): bigint | null | undefined {
  if (opcode >= 0x30 && opcode <= 0x4f) return BigInt(opcode - 0x30); // DW_OP_lit0 and on
  if (opcode >= 0x70 && opcode <= 0x8f) return based(context, opcode - 0x70, readSleb(cursor)); // DW_OP_breg0 and on
  if (opcode === 0x92) return based(context, readUleb(cursor), readSleb(cursor)); // DW_OP_bregx
  if (opcode >= 0x08 && opcode <= 0x11) return constant(opcode, cursor);
  switch (opcode) {
    case 0x03: // DW_OP_addr
      return cursor.view.getBigUint64(take(cursor, 8), true);
    case 0x06: // DW_OP_deref
      return dereference(context, pop(stack), 8);
    case 0x94: // DW_OP_deref_size
      return dereference(context, pop(stack), readU8(cursor));
    case 0x12: // DW_OP_dup
      return peek(stack, 0);
    case 0x13: // DW_OP_drop
      pop(stack);
      return undefined;
    case 0x14: // DW_OP_over
      return peek(stack, 1);
    case 0x15: // DW_OP_pick
      return peek(stack, readU8(cursor));
    case 0x16: // DW_OP_swap
      stack.push(...[pop(stack), pop(stack)]);
      return undefined;
    case 0x17: {
      // DW_OP_rot
      const [first, second, third] = [pop(stack), pop(stack), pop(stack)];
      stack.push(first, third, second);
      return undefined;
    }
    case 0x23: // DW_OP_plus_uconst
      return pop(stack) + BigInt(readUleb(cursor));
    case 0x96: // DW_OP_nop
      return undefined;
    default:
      return calculate(opcode, stack);
  }
}

function constant(opcode: number, cursor: Cursor): bigint {
  switch (opcode) {
    case 0x08:
      return BigInt(readU8(cursor));
    case 0x09:
      return BigInt(cursor.view.getInt8(take(cursor, 1)));
    case 0x0a:
      return BigInt(cursor.view.getUint16(take(cursor, 2), true));
    case 0x0b:
      return BigInt(cursor.view.getInt16(take(cursor, 2), true));
    case 0x0c:
      return BigInt(cursor.view.getUint32(take(cursor, 4), true));
    case 0x0d:
      return BigInt(cursor.view.getInt32(take(cursor, 4), true));
    case 0x0e:
    case 0x0f:
      return cursor.view.getBigUint64(take(cursor, 8), true);
    case 0x10:
      return BigInt(readUleb(cursor));
    default:
      return BigInt(readSleb(cursor));
  }
}

function calculate(opcode: number, stack: bigint[]): bigint {
  const right = pop(stack);
  const signed = BigInt.asIntN(64, right);
  if (opcode === 0x19) return signed < 0n ? -signed : signed; // DW_OP_abs
  if (opcode === 0x1f) return -signed; // DW_OP_neg
  if (opcode === 0x20) return ~right; // DW_OP_not
  const left = pop(stack);
  const signedLeft = BigInt.asIntN(64, left);
  switch (opcode) {
    case 0x1a: // DW_OP_and
      return left & right;
    case 0x1b: // DW_OP_div
      return signedLeft / divisor(signed);
    case 0x1c: // DW_OP_minus
      return left - right;
    case 0x1d: // DW_OP_mod
      return left % divisor(right);
    case 0x1e: // DW_OP_mul
      return left * right;
    case 0x21: // DW_OP_or
      return left | right;
    case 0x22: // DW_OP_plus
      return left + right;
    case 0x24: // DW_OP_shl
      return right < 64n ? left << right : 0n;
    case 0x25: // DW_OP_shr
      return right < 64n ? left >> right : 0n;
    case 0x26: // DW_OP_shra
      return signedLeft >> (right < 64n ? right : 63n);
    case 0x27: // DW_OP_xor
      return left ^ right;
    case 0x29: // DW_OP_eq
      return left === right ? 1n : 0n;
    case 0x2a: // DW_OP_ge
      return signedLeft >= signed ? 1n : 0n;
    case 0x2b: // DW_OP_gt
      return signedLeft > signed ? 1n : 0n;
    case 0x2c: // DW_OP_le
      return signedLeft <= signed ? 1n : 0n;
    case 0x2d: // DW_OP_lt
      return signedLeft < signed ? 1n : 0n;
    case 0x2e: // DW_OP_ne
      return left !== right ? 1n : 0n;
    default:
      throw new RangeError(`unknown operation ${opcode}`);
  }
}

function based(context: ExpressionContext, register: number, offset: number): bigint | null {
  const value = context.register(register);
  return value === null ? null : value + BigInt(offset);
}

function dereference(context: ExpressionContext, address: bigint, bytes: number): bigint | null {
  if (bytes < 1 || bytes > 8) throw new RangeError('impossible size');
  if (address > BigInt(Number.MAX_SAFE_INTEGER)) return null;
  const word = context.readWord(Number(address));
  return word === null ? null : BigInt.asUintN(bytes * 8, word);
}

function divisor(value: bigint): bigint {
  if (value === 0n) throw new RangeError('division by zero');
  return value;
}

function pop(stack: bigint[]): bigint {
  const value = stack.pop();
  if (value === undefined) throw new RangeError('stack empty');
  return value;
}

function peek(stack: bigint[], depth: number): bigint {
  const value = stack[stack.length - 1 - depth];
  if (value === undefined) throw new RangeError('stack empty');
  return value;
}
