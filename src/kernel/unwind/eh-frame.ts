/**
 * .eh_frame: which bytes say how to unwind at an address. LSB core 10.6; .eh_frame_hdr's sorted table is searched in
 * place; without one the section is walked once. Everything may be hostile: offsets are checked, loops bounded.
 */
import { rethrowSpent, spend } from '../symbols/effort.ts';
import {
  cursorAt,
  DW_EH_PE_omit,
  type DwarfCursor,
  readEncoded,
  readFormat,
  readSleb,
  readU8,
  readU32,
  readU64,
  readUleb,
  take,
} from './dwarf-cursor.ts';

/** Bytes of a section and the address they are linked at. */
export type SectionBytes = { bytes: Uint8Array; address: number };

export type Cie = {
  codeAlign: number;
  dataAlign: number;
  returnColumn: number;
  pointerEncoding: number;
  hasAugmentationData: boolean;
  /** Of a frame that a signal handler returns to: nothing was called there. */
  isSignalFrame: boolean;
  /** Its instructions, in .eh_frame. */
  from: number;
  to: number;
};

export type Fde = { cie: Cie; start: number; end: number; from: number; to: number };

export type EhFrame = {
  readonly section: SectionBytes;
  /** Null where nothing covers that address. Throws RangeError when what does is malformed. */
  find(address: number): Fde | null;
};

const FDE_LIMIT = 1 << 21;
const CIE_LIMIT = 4096;
/** To step over an entry, and to read one. */
const STEP_UNITS = 0.25;
const ENTRY_UNITS = 1;
const CIE_UNITS = 4;
const AUGMENTATION_LIMIT_BYTES = 16;
/** In .eh_frame_hdr: two 4-byte numbers relative to its own start; no linker writes another table. */
const HEADER_TABLE_ENCODING = 0x3b;
const HEADER_ROW_BYTES = 8;

export function openEhFrame(section: SectionBytes, header: SectionBytes | null): EhFrame {
  const cies = new Map<number, Cie>();
  const search = (header && searchHeader(section, header)) ?? searchIndex(section, cies);
  return {
    section,
    find(address) {
      const at = search(address);
      if (at < 0) return null;
      const fde = parseEntry(section, at, cies);
      return fde && address >= fde.start && address < fde.end ? fde : null;
    },
  };
}

/** Offset in .eh_frame of the entry that may cover an address, −1 when there is none. */
type Search = (address: number) => number;

/** Null when the header has no table of the one usual kind. */
function searchHeader(section: SectionBytes, header: SectionBytes): Search | null {
  let count: number;
  const cursor = cursorAt(header.bytes, header.address);
  try {
    if (readU8(cursor) !== 1) return null;
    const [pointerEncoding, countEncoding, tableEncoding] = [readU8(cursor), readU8(cursor), readU8(cursor)];
    readEncoded(cursor, pointerEncoding, header.address);
    if (countEncoding === DW_EH_PE_omit || tableEncoding !== HEADER_TABLE_ENCODING) return null;
    count = readEncoded(cursor, countEncoding, header.address);
  } catch {
    return null;
  }
  const table = cursor.at;
  const { view } = cursor;
  count = Math.min(count, Math.floor((header.bytes.length - table) / HEADER_ROW_BYTES));
  if (count <= 0) return null;
  return (address) => {
    const wanted = address - header.address;
    let low = 0;
    let high = count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (view.getInt32(table + middle * HEADER_ROW_BYTES, true) <= wanted) low = middle + 1;
      else high = middle;
    }
    if (low === 0) return -1;
    const at =
      view.getInt32(table + (low - 1) * HEADER_ROW_BYTES + 4, true) + header.address - section.address;
    return at >= 0 && at < section.bytes.length ? at : -1;
  };
}

/** Walks the section at the first question. */
function searchIndex(section: SectionBytes, cies: Map<number, Cie>): Search {
  let index: { starts: Float64Array; offsets: Uint32Array } | null = null;
  return (address) => {
    index ??= walk(section, cies);
    let low = 0;
    let high = index.starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (index.starts[middle]! <= address) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? -1 : index.offsets[low - 1]!;
  };
}

function walk(section: SectionBytes, cies: Map<number, Cie>) {
  const rows: { start: number; offset: number }[] = [];
  const { bytes } = section;
  for (let at = 0; at + 8 <= bytes.length && rows.length < FDE_LIMIT; ) {
    spend(STEP_UNITS);
    const cursor = cursorAt(bytes, section.address, at);
    let to: number;
    try {
      to = entryEnd(cursor);
    } catch {
      break;
    }
    // A length of zero ends what one object file brought; the linker may have put more behind it.
    if (to > at + 4) {
      try {
        const fde = parseEntry(section, at, cies);
        if (fde) rows.push({ start: fde.start, offset: at });
      } catch (error) {
        rethrowSpent(error);
        // One entry that we do not understand hides no others.
      }
    }
    at = to;
  }
  rows.sort((a, b) => a.start - b.start);
  return {
    starts: Float64Array.from(rows, ({ start }) => start),
    offsets: Uint32Array.from(rows, ({ offset }) => offset),
  };
}

/** Reads the length of an entry; returns where it ends. */
function entryEnd(cursor: DwarfCursor): number {
  const short = readU32(cursor);
  const length = short === 0xffffffff ? readU64(cursor) : short;
  const end = cursor.at + length;
  if (end > cursor.end) throw new RangeError('entry beyond the section');
  return end;
}

/** Null for what is a CIE. */
function parseEntry(section: SectionBytes, at: number, cies: Map<number, Cie>): Fde | null {
  spend(ENTRY_UNITS);
  const cursor = cursorAt(section.bytes, section.address, at);
  cursor.end = entryEnd(cursor);
  const back = cursor.at;
  const cieDistance = readU32(cursor);
  if (cieDistance === 0) return null;
  const cieAt = back - cieDistance;
  let cie = cies.get(cieAt);
  if (!cie) {
    cie = parseCie(section, cieAt);
    if (cies.size < CIE_LIMIT) cies.set(cieAt, cie);
  }
  const start = readEncoded(cursor, cie.pointerEncoding);
  const length = readFormat(cursor, cie.pointerEncoding & 0x0f);
  if (cie.hasAugmentationData) take(cursor, readUleb(cursor));
  return { cie, start, end: start + Math.abs(length), from: cursor.at, to: cursor.end };
}

function parseCie(section: SectionBytes, at: number): Cie {
  if (at < 0) throw new RangeError('no such CIE');
  spend(CIE_UNITS);
  const cursor = cursorAt(section.bytes, section.address, at);
  cursor.end = entryEnd(cursor);
  if (readU32(cursor) !== 0) throw new RangeError('not a CIE');
  const version = readU8(cursor);
  if (version !== 1 && version !== 3) throw new RangeError('unknown version of CIE');
  const augmentation = readText(cursor);
  const cie: Cie = {
    codeAlign: readUleb(cursor),
    dataAlign: readSleb(cursor),
    returnColumn: version === 1 ? readU8(cursor) : readUleb(cursor),
    pointerEncoding: 0,
    hasAugmentationData: augmentation.startsWith('z'),
    isSignalFrame: false,
    from: 0,
    to: cursor.end,
  };
  if (cie.hasAugmentationData) {
    const length = readUleb(cursor);
    const after = cursor.at + length;
    readAugmentation(cursor, augmentation, cie);
    cursor.at = after;
  } else if (augmentation !== '') {
    throw new RangeError('unknown augmentation'); // "eh" of gcc 2: its layout differs
  }
  cie.from = take(cursor, 0);
  return cie;
}

function readAugmentation(cursor: DwarfCursor, augmentation: string, cie: Cie): void {
  for (const letter of augmentation.slice(1)) {
    if (letter === 'R') cie.pointerEncoding = readU8(cursor);
    else if (letter === 'L') readU8(cursor);
    else if (letter === 'P') {
      const encoding = readU8(cursor);
      if (encoding !== DW_EH_PE_omit) readEncoded(cursor, encoding & 0x7f);
    } else if (letter === 'S') cie.isSignalFrame = true;
    // B: return addresses signed with the other key; G: tagged stack. Neither changes how to unwind.
    else if (letter !== 'B' && letter !== 'G') return; // the length says where it ends
  }
}

function readText(cursor: DwarfCursor): string {
  let text = '';
  for (let i = 0; i < AUGMENTATION_LIMIT_BYTES; i++) {
    const byte = readU8(cursor);
    if (byte === 0) return text;
    text += String.fromCharCode(byte);
  }
  throw new RangeError('augmentation without end');
}
