/**
 * The call frame programme: DWARF 5 section 6.4.2 and the GNU and AArch64 additions. Runs a CIE's and an FDE's
 * instructions up to an address and gives the row of rules in force there. Bounded and paid: hostile programmes end.
 */
import { spend } from '../symbols/effort.ts';
import {
  cursorAt,
  type DwarfCursor,
  readEncoded,
  readSleb,
  readU8,
  readU16,
  readU32,
  readUleb,
  take,
} from './dwarf-cursor.ts';
import type { Fde, SectionBytes } from './eh-frame.ts';

/** How the caller's value of a register is found. Unlisted registers keep their value. */
export const RULE = {
  undefined: 1,
  offset: 2,
  valOffset: 3,
  register: 4,
  expression: 5,
  valExpression: 6,
} as const;

export type Row = {
  /** The register the CFA (the caller's stack pointer) is counted from; −1: `cfaOffset` is where an expression is. */
  cfaRegister: number;
  cfaOffset: number;
  /** Threes of register, rule, value; values of expressions are the place in .eh_frame of a length and a block. */
  rules: Int32Array;
  returnColumn: number;
  isSignalFrame: boolean;
  /** AArch64: the return address carries an authentication code. */
  isReturnSigned: boolean;
};

/** x0–x30, sp and what lies between, of AArch64; x86-64 has 17. Vector registers never lead to a frame. */
export const REGISTER_LIMIT = 64;
/** The longest function met so far, an interpreter's loop, has 12 000. */
const INSTRUCTION_LIMIT = 1 << 17;
const INSTRUCTIONS_PER_UNIT = 64;
const REMEMBER_LIMIT = 128;
const REMEMBER_UNITS = 0.25;

type State = {
  cfaRegister: number;
  cfaOffset: number;
  kinds: Uint8Array;
  values: Int32Array;
  isReturnSigned: boolean;
};

/** Throws RangeError for a programme that is malformed or without end. */
export function rowAt(section: SectionBytes, fde: Fde, address: number): Row {
  const { cie } = fde;
  const state = emptyState();
  run(
    cursorAt(section.bytes, section.address, cie.from, cie.to),
    fde,
    state,
    state,
    Number.POSITIVE_INFINITY,
  );
  const initial = copyOf(state);
  run(cursorAt(section.bytes, section.address, fde.from, fde.to), fde, state, initial, address);
  if (state.cfaRegister === NO_CFA) throw new RangeError('no CFA');
  const rules: number[] = [];
  state.kinds.forEach((kind, register) => {
    if (kind !== 0) rules.push(register, kind, state.values[register]!);
  });
  return {
    cfaRegister: state.cfaRegister,
    cfaOffset: state.cfaOffset,
    rules: Int32Array.from(rules),
    returnColumn: cie.returnColumn,
    isSignalFrame: cie.isSignalFrame,
    isReturnSigned: state.isReturnSigned,
  };
}

const NO_CFA = -2;
const CFA_EXPRESSION = -1;

function emptyState(): State {
  return {
    cfaRegister: NO_CFA,
    cfaOffset: 0,
    kinds: new Uint8Array(REGISTER_LIMIT),
    values: new Int32Array(REGISTER_LIMIT),
    isReturnSigned: false,
  };
}

function copyOf(state: State): State {
  return { ...state, kinds: state.kinds.slice(), values: state.values.slice() };
}

function restoreFrom(state: State, saved: State): void {
  state.cfaRegister = saved.cfaRegister;
  state.cfaOffset = saved.cfaOffset;
  state.isReturnSigned = saved.isReturnSigned;
  state.kinds.set(saved.kinds);
  state.values.set(saved.values);
}

function run(cursor: DwarfCursor, fde: Fde, state: State, initial: State, address: number): void {
  const { codeAlign } = fde.cie;
  const remembered: State[] = [];
  let location = fde.start;
  for (let count = 0; cursor.at < cursor.end; count++) {
    if (count % INSTRUCTIONS_PER_UNIT === INSTRUCTIONS_PER_UNIT - 1) spend(1);
    if (count > INSTRUCTION_LIMIT) throw new RangeError('programme without end');
    const opcode = readU8(cursor);
    const low = opcode & 0x3f;
    switch (opcode & 0xc0) {
      case 0x40: // DW_CFA_advance_loc
        location += low * codeAlign;
        break;
      case 0x80: // DW_CFA_offset
        setRule(state, low, RULE.offset, readUleb(cursor) * fde.cie.dataAlign);
        continue;
      case 0xc0: // DW_CFA_restore
        restoreRule(state, initial, low);
        continue;
      default:
        if (opcode === 0x0a) {
          if (remembered.length >= REMEMBER_LIMIT) throw new RangeError('too many states remembered');
          spend(REMEMBER_UNITS);
          remembered.push(copyOf(state));
          continue;
        }
        if (opcode === 0x0b) {
          const saved = remembered.pop();
          if (!saved) throw new RangeError('no state remembered');
          restoreFrom(state, saved);
          continue;
        }
        if (opcode === 0 || opcode > 4) {
          execute(opcode, cursor, fde, state, initial);
          continue;
        }
        location = advance(opcode, cursor, fde, location);
    }
    if (location > address) return;
  }
}

/** DW_CFA_set_loc, advance_loc1, advance_loc2, advance_loc4. */
function advance(opcode: number, cursor: DwarfCursor, fde: Fde, location: number): number {
  if (opcode === 1) return readEncoded(cursor, fde.cie.pointerEncoding);
  const delta = opcode === 2 ? readU8(cursor) : opcode === 3 ? readU16(cursor) : readU32(cursor);
  return location + delta * fde.cie.codeAlign;
}

function execute(opcode: number, cursor: DwarfCursor, fde: Fde, state: State, initial: State): void {
  const { dataAlign } = fde.cie;
  switch (opcode) {
    case 0x00: // DW_CFA_nop
      return;
    case 0x05: // DW_CFA_offset_extended
      setRule(state, readUleb(cursor), RULE.offset, readUleb(cursor) * dataAlign);
      return;
    case 0x06: // DW_CFA_restore_extended
      restoreRule(state, initial, readUleb(cursor));
      return;
    case 0x07: // DW_CFA_undefined
      setRule(state, readUleb(cursor), RULE.undefined, 0);
      return;
    case 0x08: // DW_CFA_same_value
      setRule(state, readUleb(cursor), 0, 0);
      return;
    case 0x09: // DW_CFA_register
      setRule(state, readUleb(cursor), RULE.register, readUleb(cursor));
      return;
    case 0x0c: // DW_CFA_def_cfa
      setCfa(state, readUleb(cursor), readUleb(cursor));
      return;
    case 0x0d: // DW_CFA_def_cfa_register
      setCfa(state, readUleb(cursor), state.cfaOffset);
      return;
    case 0x0e: // DW_CFA_def_cfa_offset
      setCfa(state, state.cfaRegister, readUleb(cursor));
      return;
    case 0x0f: // DW_CFA_def_cfa_expression
      state.cfaRegister = CFA_EXPRESSION;
      state.cfaOffset = takeBlock(cursor);
      return;
    case 0x10: // DW_CFA_expression
      setRule(state, readUleb(cursor), RULE.expression, takeBlock(cursor));
      return;
    case 0x11: // DW_CFA_offset_extended_sf
      setRule(state, readUleb(cursor), RULE.offset, readSleb(cursor) * dataAlign);
      return;
    case 0x12: // DW_CFA_def_cfa_sf
      setCfa(state, readUleb(cursor), readSleb(cursor) * dataAlign);
      return;
    case 0x13: // DW_CFA_def_cfa_offset_sf
      setCfa(state, state.cfaRegister, readSleb(cursor) * dataAlign);
      return;
    case 0x14: // DW_CFA_val_offset
      setRule(state, readUleb(cursor), RULE.valOffset, readUleb(cursor) * dataAlign);
      return;
    case 0x15: // DW_CFA_val_offset_sf
      setRule(state, readUleb(cursor), RULE.valOffset, readSleb(cursor) * dataAlign);
      return;
    case 0x16: // DW_CFA_val_expression
      setRule(state, readUleb(cursor), RULE.valExpression, takeBlock(cursor));
      return;
    case 0x2c: // DW_CFA_AARCH64_negate_ra_state_with_pc
    case 0x2d: // DW_CFA_AARCH64_negate_ra_state
      state.isReturnSigned = !state.isReturnSigned;
      return;
    case 0x2e: // DW_CFA_GNU_args_size: of interest to exceptions only
      readUleb(cursor);
      return;
    case 0x2f: // DW_CFA_GNU_negative_offset_extended
      setRule(state, readUleb(cursor), RULE.offset, -readUleb(cursor) * dataAlign);
      return;
    default:
      throw new RangeError(`unknown call frame instruction ${opcode}`);
  }
}

function setRule(state: State, register: number, kind: number, value: number): void {
  if (register >= REGISTER_LIMIT) return; // a vector register
  if (value !== (value | 0)) throw new RangeError('offset too large');
  state.kinds[register] = kind;
  state.values[register] = value;
}

function restoreRule(state: State, initial: State, register: number): void {
  if (register >= REGISTER_LIMIT) return;
  state.kinds[register] = initial.kinds[register]!;
  state.values[register] = initial.values[register]!;
}

function setCfa(state: State, register: number, offset: number): void {
  if (register >= REGISTER_LIMIT || offset !== (offset | 0)) throw new RangeError('impossible CFA');
  state.cfaRegister = register;
  state.cfaOffset = offset;
}

/** Steps over a block; returns where its length stands. */
function takeBlock(cursor: DwarfCursor): number {
  const at = cursor.at;
  take(cursor, readUleb(cursor));
  return at;
}
