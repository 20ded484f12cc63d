/**
 * Reads the numbers of DWARF and .eh_frame from bytes that may be hostile: whatever lies outside throws RangeError,
 * as does a number that a double cannot hold exactly (no address of user space does not fit).
 */
export type DwarfCursor = {
  at: number;
  end: number;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** The address `bytes` are linked at. */
  readonly address: number;
};

/** Pointer encodings of .eh_frame: format in the low half, what it is relative to in the high half. LSB 10.5.1 */
export const DW_EH_PE_omit = 0xff;
const DW_EH_PE_absptr = 0x00;
const DW_EH_PE_uleb128 = 0x01;
const DW_EH_PE_udata2 = 0x02;
const DW_EH_PE_udata4 = 0x03;
const DW_EH_PE_udata8 = 0x04;
const DW_EH_PE_sleb128 = 0x09;
const DW_EH_PE_sdata2 = 0x0a;
const DW_EH_PE_sdata4 = 0x0b;
const DW_EH_PE_sdata8 = 0x0c;
const DW_EH_PE_pcrel = 0x10;
const DW_EH_PE_datarel = 0x30;
const DW_EH_PE_aligned = 0x50;
const LEB_LIMIT_BYTES = 10;

export function cursorAt(bytes: Uint8Array, address: number, at = 0, end = bytes.length): DwarfCursor {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { at, end: Math.min(end, bytes.length), bytes, view, address };
}

/** Moves on by `length` bytes; returns where they begin. */
export function take(cursor: DwarfCursor, length: number): number {
  const from = cursor.at;
  if (!(length >= 0 && from + length <= cursor.end)) throw new RangeError('outside the section');
  cursor.at = from + length;
  return from;
}

export function readU8(cursor: DwarfCursor): number {
  return cursor.bytes[take(cursor, 1)]!;
}

export function readU16(cursor: DwarfCursor): number {
  return cursor.view.getUint16(take(cursor, 2), true);
}

export function readU32(cursor: DwarfCursor): number {
  return cursor.view.getUint32(take(cursor, 4), true);
}

export function readI32(cursor: DwarfCursor): number {
  return cursor.view.getInt32(take(cursor, 4), true);
}

export function readU64(cursor: DwarfCursor): number {
  return exact(Number(cursor.view.getBigUint64(take(cursor, 8), true)));
}

export function readI64(cursor: DwarfCursor): number {
  return exact(Number(cursor.view.getBigInt64(take(cursor, 8), true)));
}

export function readUleb(cursor: DwarfCursor): number {
  let value = 0;
  let scale = 1;
  for (let i = 0; i < LEB_LIMIT_BYTES; i++) {
    const byte = readU8(cursor);
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return exact(value);
    scale *= 128;
  }
  throw new RangeError('number without end');
}

export function readSleb(cursor: DwarfCursor): number {
  let value = 0;
  let scale = 1;
  for (let i = 0; i < LEB_LIMIT_BYTES; i++) {
    const byte = readU8(cursor);
    value += (byte & 0x7f) * scale;
    scale *= 128;
    if (byte < 0x80) return exact(byte & 0x40 ? value - scale : value);
  }
  throw new RangeError('number without end');
}

/** An encoded pointer; `dataAddress` is what DW_EH_PE_datarel refers to. An indirect one gives its slot's address. */
export function readEncoded(cursor: DwarfCursor, encoding: number, dataAddress = 0): number {
  if (encoding === DW_EH_PE_aligned) {
    const misaligned = (cursor.address + cursor.at) % 8;
    if (misaligned) take(cursor, 8 - misaligned);
    return readU64(cursor);
  }
  const place = cursor.address + cursor.at;
  const value = readFormat(cursor, encoding & 0x0f);
  switch (encoding & 0x70) {
    case 0:
      return value;
    case DW_EH_PE_pcrel:
      return value === 0 ? 0 : value + place;
    case DW_EH_PE_datarel:
      return value + dataAddress;
    default:
      // Relative to text or function: no linker for Linux writes them.
      throw new RangeError('unknown pointer encoding');
  }
}

export function readFormat(cursor: DwarfCursor, format: number): number {
  switch (format) {
    case DW_EH_PE_absptr:
    case DW_EH_PE_udata8:
      return readU64(cursor);
    case DW_EH_PE_uleb128:
      return readUleb(cursor);
    case DW_EH_PE_udata2:
      return readU16(cursor);
    case DW_EH_PE_udata4:
      return readU32(cursor);
    case DW_EH_PE_sleb128:
      return readSleb(cursor);
    case DW_EH_PE_sdata2:
      return cursor.view.getInt16(take(cursor, 2), true);
    case DW_EH_PE_sdata4:
      return readI32(cursor);
    case DW_EH_PE_sdata8:
      return readI64(cursor);
    default:
      throw new RangeError('unknown pointer format');
  }
}

function exact(value: number): number {
  if (!Number.isSafeInteger(value)) throw new RangeError('number too large');
  return value;
}
