/**
 * ELF files made to be dear: as many symbols as one likes, with names as long, and rules for unwinding that take as many
 * instructions. All of a file is one segment of code, linked at its offsets.
 */

import { truncateSync, writeFileSync } from 'node:fs';

export type Craft = {
  symbolCount?: number;
  /** Rows of the symbol table behind those, which are a hole in the file: they cost no disk to make, and reading all the same. */
  emptyRowCount?: number;
  /** Of each symbol's name; the names are "s0…", "s1…". */
  nameBytes?: number;
  /** Instructions of the one function's call frame programme, after its CIE says CFA = rsp + 8, return address at CFA − 8. */
  program?: Uint8Array;
};

const HEADER_BYTES = 64;
const SEGMENT_BYTES = 56;
const SECTION_BYTES = 64;
const SYMBOL_BYTES = 24;
/** Where the code begins; a page that the symbols are spread over. */
export const CODE_AT = 0x1000;
export const CODE_BYTES = 0x1000;
const [PT_LOAD, PF_RX] = [1, 5];
const [SHT_PROGBITS, SHT_SYMTAB, SHT_STRTAB] = [1, 2, 3];
const STT_FUNC = 2;

export function writeCraftedElf(path: string, craft: Craft = {}): void {
  const elf = craftElf(craft);
  writeFileSync(path, elf);
  truncateSync(path, elf.length + (craft.emptyRowCount ?? 0) * SYMBOL_BYTES);
}

/** All of the file but its hole. */
export function craftElf({
  symbolCount = 1,
  emptyRowCount = 0,
  nameBytes = 8,
  program = new Uint8Array(0),
}: Craft = {}): Buffer {
  const frames = ehFrame(program);
  const framesAt = CODE_AT + CODE_BYTES;
  const stringsAt = framesAt + frames.length;
  const stringBytes = 1 + symbolCount * (nameBytes + 1);
  const names = Buffer.from('\0.eh_frame\0.symtab\0.strtab\0.shstrtab\0');
  const namesAt = stringsAt + stringBytes;
  const sectionsAt = namesAt + names.length;
  const symbolsAt = sectionsAt + 5 * SECTION_BYTES;
  const elf = Buffer.alloc(symbolsAt + (symbolCount + 1) * SYMBOL_BYTES);
  elf.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  elf.writeUInt16LE(3, 16);
  elf.writeUInt16LE(62, 18);
  elf.writeBigUInt64LE(BigInt(HEADER_BYTES), 32);
  elf.writeBigUInt64LE(BigInt(sectionsAt), 40);
  elf.writeUInt16LE(SEGMENT_BYTES, 54);
  elf.writeUInt16LE(1, 56);
  elf.writeUInt16LE(5, 60);
  elf.writeUInt16LE(4, 62);
  elf.writeUInt32LE(PT_LOAD, HEADER_BYTES);
  elf.writeUInt32LE(PF_RX, HEADER_BYTES + 4);
  for (const at of [32, 40]) elf.writeBigUInt64LE(BigInt(elf.length), HEADER_BYTES + at);
  elf.set(frames, framesAt);
  elf.set(names, namesAt);
  for (let i = 0; i < symbolCount; i++) {
    const name = 1 + i * (nameBytes + 1);
    elf.write(`s${i}`.padEnd(nameBytes, 'x').slice(0, nameBytes), stringsAt + name, 'latin1');
    const at = symbolsAt + (i + 1) * SYMBOL_BYTES;
    elf.writeUInt32LE(name, at);
    elf.writeUInt8(STT_FUNC, at + 4);
    elf.writeUInt16LE(1, at + 6);
    elf.writeBigUInt64LE(BigInt(CODE_AT + (i % CODE_BYTES)), at + 8);
    elf.writeBigUInt64LE(BigInt(CODE_BYTES), at + 16);
  }
  const section = (index: number, name: string, type: number, at: number, bytes: number, link = 0) => {
    const header = sectionsAt + index * SECTION_BYTES;
    elf.writeUInt32LE(names.indexOf(`\0${name}\0`) + 1, header);
    elf.writeUInt32LE(type, header + 4);
    for (const place of [16, 24]) elf.writeBigUInt64LE(BigInt(at), header + place);
    elf.writeBigUInt64LE(BigInt(bytes), header + 32);
    elf.writeUInt32LE(link, header + 40);
  };
  section(1, '.eh_frame', SHT_PROGBITS, framesAt, frames.length);
  section(2, '.symtab', SHT_SYMTAB, symbolsAt, (symbolCount + 1 + emptyRowCount) * SYMBOL_BYTES, 3);
  section(3, '.strtab', SHT_STRTAB, stringsAt, stringBytes);
  section(4, '.shstrtab', SHT_STRTAB, namesAt, names.length);
  return elf;
}

/** One CIE, and one FDE over all of the code. */
function ehFrame(program: Uint8Array): Buffer {
  // Version 1, no augmentation, code alignment 1, data alignment −8, return address in column 16; def_cfa r7 8, offset r16 1.
  const cie = [1, 0, 1, 0x78, 16, 0x0c, 7, 8, 0x90, 1, 0, 0];
  const entries = Buffer.alloc(4 + 4 + cie.length + 4 + 4 + 16 + program.length + 4);
  entries.writeUInt32LE(4 + cie.length, 0);
  entries.set(cie, 8);
  const fde = 8 + cie.length;
  entries.writeUInt32LE(4 + 16 + program.length, fde);
  entries.writeUInt32LE(fde + 4, fde + 4);
  entries.writeBigUInt64LE(BigInt(CODE_AT), fde + 8);
  entries.writeBigUInt64LE(BigInt(CODE_BYTES), fde + 16);
  entries.set(program, fde + 24);
  return entries;
}
