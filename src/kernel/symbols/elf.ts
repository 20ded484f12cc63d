/**
 * Function symbols of an ELF file (elf(5), 64-bit little-endian): .symtab where it was kept, else .dynsym. The file may
 * be hostile: every offset and size is checked against what was read, and tables are bounded.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

export type ElfSymbols = {
  /** Sorted; as in the file, before relocation. */
  addresses: BigUint64Array;
  sizes: BigUint64Array;
  /** Names stay in the string table until they are asked for. */
  nameOf(index: number): string;
  segments: ElfSegment[];
};

/** A loadable segment, to turn a file offset into an address. */
export type ElfSegment = { offset: bigint; address: bigint; fileBytes: bigint };

const TABLE_LIMIT_BYTES = 64 << 20;
const SYMBOL_LIMIT = 1 << 20;
const NAME_LIMIT_BYTES = 256;
const HEADER_BYTES = 64;
const SECTION_BYTES = 64;
const SEGMENT_BYTES = 56;
const SYMBOL_BYTES = 24;
const SHT_SYMTAB = 2;
const SHT_DYNSYM = 11;
const PT_LOAD = 1;
const STT_FUNC = 2;

/** Null when it is not such a file, cannot be read, or is malformed. Never blocks on what is no regular file. */
export function readElfSymbols(path: string): ElfSymbols | null {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return null;
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) return null;
    return parse((offset, length) => readExactly(fd, offset, length, stat.size));
  } catch {
    return null; // malformed: a symbol is a convenience, never a reason to fail
  } finally {
    closeSync(fd);
  }
}

type Read = (offset: number, length: number) => DataView<ArrayBuffer>;

function parse(read: Read): ElfSymbols | null {
  const header = read(0, HEADER_BYTES);
  // \x7fELF, 64-bit, little-endian
  if (header.getUint32(0, false) !== 0x7f454c46 || header.getUint16(4, false) !== 0x0201) return null;
  const segments = readSegments(read, header);
  const sectionCount = header.getUint16(60, true);
  const sections = read(wordAt(header, 40), sectionCount * SECTION_BYTES);
  for (const wanted of [SHT_SYMTAB, SHT_DYNSYM]) {
    for (let i = 0; i < sectionCount; i++) {
      const base = i * SECTION_BYTES;
      if (sections.getUint32(base + 4, true) !== wanted) continue;
      const stringsBase = sections.getUint32(base + 40, true) * SECTION_BYTES;
      const symbols = read(wordAt(sections, base + 24), wordAt(sections, base + 32));
      const strings = read(wordAt(sections, stringsBase + 24), wordAt(sections, stringsBase + 32));
      return { ...readSymbols(symbols, strings), segments };
    }
  }
  return { addresses: new BigUint64Array(0), sizes: new BigUint64Array(0), nameOf: () => '', segments };
}

function readSegments(read: Read, header: DataView): ElfSegment[] {
  const count = header.getUint16(56, true);
  const table = read(wordAt(header, 32), count * SEGMENT_BYTES);
  const segments: ElfSegment[] = [];
  for (let i = 0; i < count; i++) {
    const base = i * SEGMENT_BYTES;
    if (table.getUint32(base, true) !== PT_LOAD) continue;
    segments.push({
      offset: table.getBigUint64(base + 8, true),
      address: table.getBigUint64(base + 16, true),
      fileBytes: table.getBigUint64(base + 32, true),
    });
  }
  return segments;
}

/** Works on halves of addresses: a quarter of a million BigInts would hold up the observer for 0.2 s. */
function readSymbols(symbols: DataView, strings: DataView<ArrayBuffer>): Omit<ElfSymbols, 'segments'> {
  const rowCount = Math.min(SYMBOL_LIMIT, Math.floor(symbols.byteLength / SYMBOL_BYTES));
  const rows = new Uint32Array(rowCount);
  const keys = new Float64Array(rowCount);
  let count = 0;
  for (let row = 0; row < rowCount; row++) {
    const base = row * SYMBOL_BYTES;
    if ((symbols.getUint8(base + 4) & 15) !== STT_FUNC) continue;
    const address = symbols.getUint32(base + 12, true) * 2 ** 32 + symbols.getUint32(base + 8, true);
    // An address of 0: imported, not defined here. Addresses that a double cannot hold are no user addresses.
    if (address === 0 || address > Number.MAX_SAFE_INTEGER) continue;
    keys[row] = address;
    rows[count++] = row;
  }
  const order = rows.subarray(0, count).sort((a, b) => keys[a]! - keys[b]!);
  const addresses = new BigUint64Array(count);
  const sizes = new BigUint64Array(count);
  order.forEach((row, index) => {
    addresses[index] = symbols.getBigUint64(row * SYMBOL_BYTES + 8, true);
    sizes[index] = symbols.getBigUint64(row * SYMBOL_BYTES + 16, true);
  });
  const nameOffsets = order.map((row) => symbols.getUint32(row * SYMBOL_BYTES, true));
  const bytes = Buffer.from(strings.buffer, strings.byteOffset, strings.byteLength);
  return {
    addresses,
    sizes,
    nameOf(index) {
      const from = nameOffsets[index] ?? bytes.length;
      if (from >= bytes.length) return '';
      const end = bytes.indexOf(0, from);
      return bytes.toString('utf8', from, Math.min(end < 0 ? bytes.length : end, from + NAME_LIMIT_BYTES));
    },
  };
}

function wordAt(view: DataView, offset: number): number {
  return Number(view.getBigUint64(offset, true));
}

function readExactly(fd: number, offset: number, length: number, fileBytes: number): DataView<ArrayBuffer> {
  if (length > TABLE_LIMIT_BYTES || offset + length > fileBytes) throw new RangeError('outside the file');
  const bytes = new Uint8Array(length);
  if (readSync(fd, bytes, 0, length, offset) !== length) throw new RangeError('short read');
  return new DataView(bytes.buffer);
}
