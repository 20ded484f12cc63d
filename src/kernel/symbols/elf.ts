/**
 * Function symbols of an ELF file (elf(5), 64-bit little-endian): .symtab where it was kept, else .dynsym. The file may
 * be hostile: every offset and size is checked against what was read, and tables are bounded.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

export type ElfSymbols = {
  /** Sorted by address; addresses as in the file, before relocation. */
  addresses: BigUint64Array;
  sizes: BigUint64Array;
  names: string[];
  /** Loadable segments, to turn a file offset into an address. */
  segments: { offset: bigint; address: bigint; fileBytes: bigint }[];
};

const TABLE_LIMIT_BYTES = 64 << 20;
const HEADER_BYTES = 64;
const SECTION_BYTES = 64;
const SEGMENT_BYTES = 56;
const SYMBOL_BYTES = 24;
const SHT_SYMTAB = 2;
const SHT_DYNSYM = 11;
const PT_LOAD = 1;
const STT_FUNC = 2;

/** Null when it is not such a file, cannot be read, or is malformed. */
export function readElfSymbols(path: string): ElfSymbols | null {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    return null;
  }
  try {
    return parse((offset, length) => readExactly(fd, offset, length));
  } catch {
    return null; // malformed: a symbol is a convenience, never a reason to fail
  } finally {
    closeSync(fd);
  }
}

type Read = (offset: number, length: number) => DataView;

function parse(read: Read): ElfSymbols | null {
  const header = read(0, HEADER_BYTES);
  // \x7fELF, 64-bit, little-endian
  if (header.getUint32(0, false) !== 0x7f454c46 || header.getUint16(4, false) !== 0x0201) return null;
  const segments = readSegments(read, header);
  const sections = read(Number(header.getBigUint64(40, true)), header.getUint16(60, true) * SECTION_BYTES);
  const sectionCount = header.getUint16(60, true);
  for (const wanted of [SHT_SYMTAB, SHT_DYNSYM]) {
    for (let i = 0; i < sectionCount; i++) {
      const base = i * SECTION_BYTES;
      if (sections.getUint32(base + 4, true) !== wanted) continue;
      const stringsBase = sections.getUint32(base + 40, true) * SECTION_BYTES;
      const symbols = read(num(sections, base + 24), num(sections, base + 32));
      const strings = read(num(sections, stringsBase + 24), num(sections, stringsBase + 32));
      return { ...readSymbols(symbols, strings), segments };
    }
  }
  return { addresses: new BigUint64Array(0), sizes: new BigUint64Array(0), names: [], segments };
}

function readSegments(read: Read, header: DataView): ElfSymbols['segments'] {
  const count = header.getUint16(56, true);
  const table = read(num(header, 32), count * SEGMENT_BYTES);
  const segments: ElfSymbols['segments'] = [];
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

function readSymbols(
  symbols: DataView,
  strings: DataView,
): Pick<ElfSymbols, 'addresses' | 'sizes' | 'names'> {
  const rows: { address: bigint; bytes: bigint; name: number }[] = [];
  for (let base = 0; base + SYMBOL_BYTES <= symbols.byteLength; base += SYMBOL_BYTES) {
    const address = symbols.getBigUint64(base + 8, true);
    if ((symbols.getUint8(base + 4) & 15) !== STT_FUNC || address === 0n) continue;
    rows.push({ address, bytes: symbols.getBigUint64(base + 16, true), name: symbols.getUint32(base, true) });
  }
  rows.sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0));
  const bytes = Buffer.from(strings.buffer, strings.byteOffset, strings.byteLength);
  const nameAt = (offset: number) => {
    const end = bytes.indexOf(0, offset);
    return offset < bytes.length
      ? bytes.toString('utf8', offset, Math.min(end < 0 ? bytes.length : end, offset + 256))
      : '';
  };
  return {
    addresses: BigUint64Array.from(rows, (row) => row.address),
    sizes: BigUint64Array.from(rows, (row) => row.bytes),
    names: rows.map((row) => nameAt(row.name)),
  };
}

function num(view: DataView, offset: number): number {
  return Number(view.getBigUint64(offset, true));
}

function readExactly(fd: number, offset: number, length: number): DataView {
  if (length > TABLE_LIMIT_BYTES || offset + length > fstatSync(fd).size)
    throw new RangeError('outside the file');
  const bytes = new Uint8Array(length);
  if (readSync(fd, bytes, 0, length, offset) !== length) throw new RangeError('short read');
  return new DataView(bytes.buffer);
}
