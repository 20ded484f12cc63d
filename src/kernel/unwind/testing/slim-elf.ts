/**
 * Small ELF files that unwind as large ones do: the entries of .eh_frame for a few addresses, and the names of the
 * functions there. A recorded stack and the slim files of its programs make a test that needs neither.
 */

import type { ByteSource } from '../../symbols/byte-source.ts';
import { type ElfHeader, readElfHeader } from '../../symbols/elf-header.ts';
import { readSymbols } from '../../symbols/elf-symbols.ts';
import { openEhFrame } from '../eh-frame.ts';
import { readUnwindSections } from '../unwind-table.ts';

const HEADER_BYTES = 64;
const SEGMENT_BYTES = 56;
const SECTION_BYTES = 64;
const SYMBOL_BYTES = 24;

/** `addresses` as linked. Only files whose pointers are 4 bytes relative to their place (as on Linux all are). */
export function slimElf(source: ByteSource, addresses: readonly number[]): Buffer {
  const header = readElfHeader(source);
  const { ehFrame, address } = slimFrames(source, header, addresses);
  const { symbols, names } = slimSymbols(source, header, addresses);
  const segments = Buffer.concat(header.segments.map(segmentBytes));
  const parts = [segments, ehFrame, symbols, names];
  const offsets = parts.map((_, i) => parts.slice(0, i).reduce((at, part) => at + part.length, HEADER_BYTES));
  const sectionNames = Buffer.from('\0.eh_frame\0.dynsym\0.dynstr\0.text\0');
  const namesAt = offsets[3]! + names.length;
  const row = (
    name: number,
    type: number,
    flags: number,
    at: number,
    offset: number,
    bytes: number,
    link: number,
  ) => {
    const section = Buffer.alloc(SECTION_BYTES);
    section.writeUInt32LE(name, 0);
    section.writeUInt32LE(type, 4);
    section.writeUInt32LE(flags, 8);
    section.writeBigUInt64LE(BigInt(at), 16);
    section.writeBigUInt64LE(BigInt(offset), 24);
    section.writeBigUInt64LE(BigInt(bytes), 32);
    section.writeUInt32LE(link, 40);
    section.writeBigUInt64LE(BigInt(link > 0 ? SYMBOL_BYTES : 0), 56);
    return section;
  };
  const sections = [
    row(0, 0, 0, 0, 0, 0, 0),
    row(1, 1, 2, address, offsets[1]!, ehFrame.length, 0),
    row(11, 11, 2, 0, offsets[2]!, symbols.length, 3),
    row(19, 3, 0, 0, offsets[3]!, names.length, 0),
    row(0, 3, 0, 0, namesAt, sectionNames.length, 0),
  ];
  const elf = Buffer.alloc(HEADER_BYTES);
  elf.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  elf.writeUInt16LE(3, 16);
  elf.writeUInt16LE(header.machine, 18);
  elf.writeBigUInt64LE(BigInt(HEADER_BYTES), 32);
  elf.writeBigUInt64LE(BigInt(namesAt + sectionNames.length), 40);
  elf.writeUInt32LE(1, 20);
  elf.writeUInt16LE(HEADER_BYTES, 52);
  elf.writeUInt16LE(SEGMENT_BYTES, 54);
  elf.writeUInt16LE(header.segments.length, 56);
  elf.writeUInt16LE(SECTION_BYTES, 58);
  elf.writeUInt16LE(sections.length, 60);
  elf.writeUInt16LE(4, 62);
  return Buffer.concat([elf, ...parts, sectionNames, ...sections]);
}

function segmentBytes({ offset, address, fileBytes, executable }: ElfHeader['segments'][number]): Buffer {
  const bytes = Buffer.alloc(SEGMENT_BYTES);
  bytes.writeUInt32LE(1, 0);
  bytes.writeUInt32LE(executable ? 5 : 4, 4);
  bytes.writeBigUInt64LE(BigInt(offset), 8);
  bytes.writeBigUInt64LE(BigInt(address), 16);
  bytes.writeBigUInt64LE(BigInt(fileBytes), 32);
  return bytes;
}

function slimFrames(source: ByteSource, header: ElfHeader, addresses: readonly number[]) {
  const sections = readUnwindSections(source, header)!;
  const { section } = sections;
  const frames = openEhFrame(section, sections.header);
  const view = new DataView(section.bytes.buffer, section.bytes.byteOffset, section.bytes.byteLength);
  const chunks: Buffer[] = [];
  const cieAt = new Map<number, number>();
  const done = new Set<number>();
  let length = 0;
  const append = (bytes: Buffer) => {
    chunks.push(bytes);
    length += bytes.length;
    return length - bytes.length;
  };
  for (const address of addresses) {
    const fde = frames.find(address);
    if (!fde || done.has(fde.start)) continue;
    done.add(fde.start);
    // An entry ends where its instructions do; its length says where it began.
    let from = fde.from - 8;
    while (from >= 0 && view.getUint32(from, true) + from + 4 !== fde.to) from--;
    const cieFrom = from + 4 - view.getUint32(from + 4, true);
    let cie = cieAt.get(cieFrom);
    if (cie === undefined) {
      const bytes = section.bytes.slice(cieFrom, cieFrom + 4 + view.getUint32(cieFrom, true));
      cie = append(Buffer.from(bytes));
      cieAt.set(cieFrom, cie);
    }
    const bytes = Buffer.from(section.bytes.slice(from, fde.to));
    bytes.writeUInt32LE(length + 4 - cie, 4);
    bytes.writeInt32LE(fde.start - (section.address + length + 8), 8);
    append(bytes);
  }
  return { ehFrame: Buffer.concat([...chunks, Buffer.alloc(4)]), address: section.address };
}

function slimSymbols(source: ByteSource, header: ElfHeader, addresses: readonly number[]) {
  const table = readSymbols(source, header);
  const rows = [Buffer.alloc(SYMBOL_BYTES)];
  let names = '\0';
  for (const index of new Set(addresses.map((address) => table.indexAt(address)))) {
    if (index < 0) continue;
    const row = Buffer.alloc(SYMBOL_BYTES);
    row.writeUInt32LE(names.length, 0);
    row.writeUInt8(0x12, 4);
    row.writeUInt16LE(1, 6);
    row.writeBigUInt64LE(BigInt(table.addresses[index]!), 8);
    row.writeBigUInt64LE(BigInt(table.sizes[index]!), 16);
    rows.push(row);
    names += `${table.nameOf(index)}\0`;
  }
  return { symbols: Buffer.concat(rows), names: Buffer.from(names) };
}
