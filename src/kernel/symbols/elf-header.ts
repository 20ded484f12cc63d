/**
 * The skeleton of an ELF file (elf(5), 64-bit little-endian): segments, sections, build-id. The file may be hostile:
 * counts are bounded, offsets checked by the reader, and what does not fit in a double is no user address.
 */
import type { ByteSource } from './byte-source.ts';
import { rethrowSpent, spend } from './effort.ts';

/** A loadable segment, to turn a file offset into an address. */
export type ElfSegment = { offset: number; address: number; fileBytes: number; executable: boolean };

export type ElfSection = {
  name: string;
  type: number;
  flags: number;
  address: number;
  offset: number;
  bytes: number;
  /** Index of another section, for symbol tables: of their strings. */
  link: number;
  /** Of tables: bytes of one row. */
  entryBytes: number;
};

export type ElfHeader = {
  machine: number;
  segments: ElfSegment[];
  /** Where .eh_frame_hdr is mapped, from PT_GNU_EH_FRAME: it survives the removal of section headers. */
  ehFrameHeader: { offset: number; address: number; bytes: number } | null;
  /** Empty when the section headers were removed. */
  sections: ElfSection[];
  /** Hexadecimal, as file(1) prints it; null when the linker wrote none. */
  buildId: string | null;
};

/** e_machine. <elf.h> */
export const EM_X86_64 = 62;
export const SHT_SYMTAB = 2;
export const SHT_NOBITS = 8;
export const SHT_DYNSYM = 11;

const HEADER_BYTES = 64;
const SECTION_BYTES = 64;
const SEGMENT_BYTES = 56;
const PT_LOAD = 1;
const PT_NOTE = 4;
const PT_GNU_EH_FRAME = 0x6474e550;
const PF_X = 1;
const NT_GNU_BUILD_ID = 3;
const GNU = 0x00554e47;
const NOTE_LIMIT_BYTES = 64 << 10;
const SECTION_NAME_LIMIT_BYTES = 64;
const BUILD_ID_LIMIT_BYTES = 64;
/** Of ten thousand programs and libraries of distributions none has half as many. */
const SEGMENT_LIMIT = 128;
const SECTION_LIMIT = 512;
const NOTE_LIMIT = 16;
const NAMES_LIMIT_BYTES = 1 << 20;
const SECTION_UNITS = 2;

/** Throws RangeError or TypeError when it is no such file. */
export function readElfHeader(source: ByteSource): ElfHeader {
  const header = viewOf(source.read(0, HEADER_BYTES));
  // \x7fELF, 64-bit, little-endian
  if (header.getUint32(0, false) !== 0x7f454c46 || header.getUint16(4, false) !== 0x0201) {
    throw new TypeError('not a 64-bit little-endian ELF file');
  }
  const result: ElfHeader = {
    machine: header.getUint16(18, true),
    segments: [],
    ehFrameHeader: null,
    sections: [],
    buildId: null,
  };
  readSegments(source, header, result);
  try {
    result.sections = readSections(source, header);
  } catch (error) {
    rethrowSpent(error);
    // Cut off or overwritten, as by packers: segments alone are enough to unwind.
  }
  return result;
}

export function findSection(header: ElfHeader, name: string): ElfSection | null {
  return header.sections.find((section) => section.name === name && section.type !== SHT_NOBITS) ?? null;
}

/** The address a file offset is linked at; −1 outside all segments. */
export function linkedAddress(segments: readonly ElfSegment[], offset: number): number {
  for (const segment of segments) {
    if (offset >= segment.offset && offset < segment.offset + segment.fileBytes) {
      return offset - segment.offset + segment.address;
    }
  }
  return -1;
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A 64-bit word as a double; NaN when it cannot hold it, so that every comparison with it fails. */
export function wordAt(view: DataView, offset: number): number {
  const value = view.getUint32(offset + 4, true) * 2 ** 32 + view.getUint32(offset, true);
  return value <= Number.MAX_SAFE_INTEGER ? value : Number.NaN;
}

function readSegments(source: ByteSource, header: DataView, result: ElfHeader): void {
  const count = Math.min(header.getUint16(56, true), SEGMENT_LIMIT);
  let noteCount = 0;
  const table = viewOf(source.read(wordAt(header, 32), count * SEGMENT_BYTES));
  for (let i = 0; i < count; i++) {
    const base = i * SEGMENT_BYTES;
    const type = table.getUint32(base, true);
    const offset = wordAt(table, base + 8);
    const address = wordAt(table, base + 16);
    const fileBytes = wordAt(table, base + 32);
    if (type === PT_LOAD) {
      const executable = (table.getUint32(base + 4, true) & PF_X) !== 0;
      result.segments.push({ offset, address, fileBytes, executable });
    } else if (type === PT_GNU_EH_FRAME) {
      result.ehFrameHeader = { offset, address, bytes: fileBytes };
    } else if (type === PT_NOTE && result.buildId === null && noteCount++ < NOTE_LIMIT) {
      result.buildId = buildIdOf(source, offset, fileBytes);
    }
  }
}

/** Notes are a header of three words, then name and contents, each padded to 4. elf(5) */
function buildIdOf(source: ByteSource, offset: number, length: number): string | null {
  let notes: DataView;
  if (!(length <= NOTE_LIMIT_BYTES)) return null;
  try {
    notes = viewOf(source.read(offset, length));
  } catch (error) {
    rethrowSpent(error);
    return null;
  }
  for (let at = 0; at + 16 <= length; ) {
    const nameBytes = notes.getUint32(at, true);
    const contentBytes = notes.getUint32(at + 4, true);
    const from = at + 12 + ((nameBytes + 3) & ~3);
    if (nameBytes > length || contentBytes > length || from + contentBytes > length) return null;
    if (notes.getUint32(at + 8, true) === NT_GNU_BUILD_ID && notes.getUint32(at + 12, true) === GNU) {
      const bytes = Math.min(contentBytes, BUILD_ID_LIMIT_BYTES);
      return Buffer.from(notes.buffer, notes.byteOffset + from, bytes).toString('hex') || null;
    }
    at = from + ((contentBytes + 3) & ~3);
  }
  return null;
}

function readSections(source: ByteSource, header: DataView): ElfSection[] {
  const at = wordAt(header, 40);
  if (at === 0) return [];
  let count = header.getUint16(60, true);
  let namesIndex = header.getUint16(62, true);
  if (count === 0 || namesIndex === 0xffff) {
    // More than fit in 16 bits: the true numbers are in the first section's size and link.
    const first = viewOf(source.read(at, SECTION_BYTES));
    if (count === 0) count = wordAt(first, 32);
    if (namesIndex === 0xffff) namesIndex = first.getUint32(40, true);
  }
  count = Math.min(count, SECTION_LIMIT);
  spend(count * SECTION_UNITS);
  const table = viewOf(source.read(at, count * SECTION_BYTES));
  const sections: ElfSection[] = [];
  for (let base = 0; base < table.byteLength; base += SECTION_BYTES) {
    sections.push({
      name: '',
      type: table.getUint32(base + 4, true),
      flags: table.getUint32(base + 8, true),
      address: wordAt(table, base + 16),
      offset: wordAt(table, base + 24),
      bytes: wordAt(table, base + 32),
      link: table.getUint32(base + 40, true),
      entryBytes: wordAt(table, base + 56),
    });
  }
  const strings = sections[namesIndex];
  if (strings && strings.type !== SHT_NOBITS && strings.bytes <= NAMES_LIMIT_BYTES) {
    const names = Buffer.from(source.read(strings.offset, strings.bytes).buffer);
    sections.forEach((section, i) => {
      section.name = textAt(names, table.getUint32(i * SECTION_BYTES, true), SECTION_NAME_LIMIT_BYTES);
    });
  }
  return sections;
}

/** A string that ends with a zero byte; '' outside the table. */
export function textAt(table: Buffer, offset: number, limitBytes: number): string {
  if (!(offset < table.length)) return '';
  const limit = Math.min(table.length, offset + limitBytes);
  const end = table.subarray(offset, limit).indexOf(0);
  return table.toString('utf8', offset, end < 0 ? limit : offset + end);
}
