/** The functions of one ELF file by name: what can be probed, and what became of a name that cannot. */
import { inflateSync, zstdDecompressSync } from 'node:zlib';
import { upTo } from '../../../base/ends.ts';
import type { ByteSource } from '../../../kernel/symbols/byte-source.ts';
import { withFile } from '../../../kernel/symbols/byte-source.ts';
import { DEBUG_FOLDER } from '../../../kernel/symbols/debug-file.ts';
import { demangle } from '../../../kernel/symbols/demangle/demangle.ts';
import {
  type ElfHeader,
  type ElfSection,
  findSection,
  readElfHeader,
  SHT_DYNSYM,
  SHT_SYMTAB,
  textAt,
  viewOf,
} from '../../../kernel/symbols/elf-header.ts';
import type { ElfModule } from '../../../kernel/symbols/elf-module.ts';

/** A function with code of its own. */
export type NamedFunction = {
  /** As the symbol table has it, without a library's version. */
  symbol: string;
  /** Where its first instruction is in the file. */
  fileOffset: number;
};

export type SymbolTable = {
  functions: NamedFunction[];
  /** It has a full symbol table, of its own or in a debug file; without, only exported functions have names. */
  hasLocals: boolean;
};

const SYMBOL_BYTES = 24;
const STT_GNU_IFUNC = 10;
const SHF_COMPRESSED = 0x800;
const DEBUG_TEXT_LIMIT_BYTES = 256 << 20;

const tables = new WeakMap<ElfModule, SymbolTable>();

/** Read once for each module. */
export function symbolTableOf(module: ElfModule): SymbolTable {
  const known = tables.get(module);
  if (known) return known;
  const symbols = module.symbols();
  const functions: NamedFunction[] = [];
  for (let i = 0; i < symbols.addresses.length; i++) {
    const fileOffset = fileOffsetOf(module.header, symbols.addresses[i]!);
    const symbol = upTo(symbols.nameOf(i), '@');
    if (fileOffset >= 0 && symbol !== '') functions.push({ symbol, fileOffset });
  }
  const own = module.header.sections.some(({ type }) => type === SHT_SYMTAB);
  const exported = module.read((source) => countExported(source, module.header)) ?? 0;
  const table = { functions, hasLocals: own || functions.length > exported };
  tables.set(module, table);
  return table;
}

/** −1 for what is no code of this file. */
function fileOffsetOf(header: ElfHeader, address: number): number {
  const segment = header.segments.find(
    ({ executable, address: from, fileBytes }) => executable && address >= from && address < from + fileBytes,
  );
  return segment ? address - segment.address + segment.offset : -1;
}

function countExported(_source: ByteSource, header: ElfHeader): number {
  const section = header.sections.find(({ type }) => type === SHT_DYNSYM);
  return section ? section.bytes / SYMBOL_BYTES : 0;
}

/** "ns::f(int) const" → "ns::f"; a C name is its own, and so is one of something inside a function (a lambda). */
export function plainName(symbol: string): string {
  if (!/^_(Z|R)/.test(symbol)) return symbol;
  const name = demangle(symbol);
  const open = name.indexOf('(', name.startsWith('(anonymous namespace)') ? 1 : 0);
  if (open <= 0) return name;
  const rest = name.slice(closingOf(name, open) + 1);
  return /::|\[clone/.test(rest) ? name : name.slice(0, open);
}

/** Where the parenthesis that opens at `open` closes; the end when it does not. */
function closingOf(text: string, open: number): number {
  let depth = 0;
  for (let i = open; i < text.length; i++) {
    if (text[i] === '(') depth++;
    else if (text[i] === ')' && --depth === 0) return i;
  }
  return text.length;
}

/** What a name is in a file where it is no function to probe. */
export type NameFate = 'imported' | 'ifunc' | 'inlined' | 'unknown';

export function fateOf(module: ElfModule, name: string): NameFate {
  const entry = module.read((source) => symbolEntry(source, module.header, name)) ?? null;
  if (entry === 'ifunc' || entry === 'imported') return entry;
  return isInDebugText(module, name) ? 'inlined' : 'unknown';
}

/** A function that is chosen when the program starts: its symbol names the code that chooses, not the function. */
export function isIndirect(module: ElfModule, name: string): boolean {
  return module.read((source) => symbolEntry(source, module.header, name)) === 'ifunc';
}

function symbolEntry(source: ByteSource, header: ElfHeader, name: string): 'ifunc' | 'imported' | null {
  let found: 'imported' | null = null;
  for (const table of header.sections) {
    if (table.type !== SHT_SYMTAB && table.type !== SHT_DYNSYM) continue;
    const strings = header.sections[table.link];
    if (!strings) continue;
    const names = Buffer.from(source.read(strings.offset, strings.bytes).buffer);
    const rows = viewOf(source.read(table.offset, table.bytes));
    const wanted = Buffer.from(name);
    for (let at = 0; at + SYMBOL_BYTES <= rows.byteLength; at += SYMBOL_BYTES) {
      const from = rows.getUint32(at, true);
      if (!startsWith(names, from, wanted)) continue;
      if (upTo(textAt(names, from, wanted.length + 64), '@') !== name) continue;
      if ((rows.getUint8(at + 4) & 15) === STT_GNU_IFUNC) return 'ifunc';
      if (rows.getUint16(at + 6, true) === 0) found = 'imported';
    }
  }
  return found;
}

function startsWith(bytes: Buffer, from: number, wanted: Buffer): boolean {
  if (from + wanted.length > bytes.length) return false;
  return bytes.compare(wanted, 0, wanted.length, from, from + wanted.length) === 0;
}

/** Debug information knows a function by name that the symbol table does not: all its calls were inlined. */
function isInDebugText(module: ElfModule, name: string): boolean {
  const look = (source: ByteSource, header: ElfHeader) => {
    const section = findSection(header, '.debug_str');
    return section ? debugText(source, section).includes(Buffer.from(`\0${name}\0`)) : false;
  };
  if (module.read((source) => look(source, module.header))) return true;
  const { buildId } = module.header;
  if (buildId === null || buildId.length < 3) return false;
  const path = `${DEBUG_FOLDER}/.build-id/${buildId.slice(0, 2)}/${buildId.slice(2)}.debug`;
  return withFile(path, (source) => look(source, readElfHeader(source)), { trusted: true }) ?? false;
}

/** A section of text, unpacked: elf(5), Elf64_Chdr. */
function debugText(source: ByteSource, section: ElfSection): Buffer {
  const bytes = Buffer.from(source.read(section.offset, section.bytes).buffer);
  if ((section.flags & SHF_COMPRESSED) === 0) return bytes;
  const kind = bytes.readUInt32LE(0);
  const options = { maxOutputLength: DEBUG_TEXT_LIMIT_BYTES };
  return kind === 2
    ? zstdDecompressSync(bytes.subarray(24), options)
    : inflateSync(bytes.subarray(24), options);
}
