/**
 * Function symbols of an ELF file: what .symtab and .dynsym name, sorted by address. Names stay in their string table
 * until they are asked for: Node's binary has a hundred thousand of them.
 */
import type { ByteSource } from './byte-source.ts';
import { spend } from './effort.ts';
import { type ElfHeader, SHT_DYNSYM, SHT_NOBITS, SHT_SYMTAB, textAt, viewOf, wordAt } from './elf-header.ts';
import { lastNotAbove } from './sorted.ts';

export type ElfSymbols = {
  /** Sorted; as linked, before relocation. */
  addresses: Float64Array;
  sizes: Float64Array;
  nameOf(index: number): string;
  /** The function an address lies in, −1 when there is none: beyond a function's end is not part of it. */
  indexAt(address: number): number;
  readonly retainedBytes: number;
};

const SYMBOL_LIMIT = 1 << 21;
/** Mangled names of C++ templates are long; a name cut short would not be demangled. */
const NAME_LIMIT_BYTES = 4096;
const SYMBOL_BYTES = 24;
/** To read, sort and lay out. */
const ROWS_PER_UNIT = 2;
const SHN_UNDEF = 0;
const STT_NOTYPE = 0;
const STT_FUNC = 2;
const STT_GNU_IFUNC = 10;
const STB_LOCAL = 0;
const STB_WEAK = 2;
/** A symbol without size (hand-written assembly, _start) reaches to the next one, but not farther than this. */
const UNSIZED_REACH_BYTES = 4096;
/** Aliases looked at per address: libc has a handful, a hostile file may have a million. */
const ALIAS_LIMIT = 32;
/** What aliases are told apart by: underscores, at most nine of them, and marks. */
const BEGINNING_BYTES = 16;

export const NO_SYMBOLS: ElfSymbols = {
  addresses: new Float64Array(0),
  sizes: new Float64Array(0),
  nameOf: () => '',
  indexAt: () => -1,
  retainedBytes: 0,
};

/** From .symtab where it was kept, else .dynsym, which holds only what is exported or imported. */
export function readSymbols(source: ByteSource, header: ElfHeader): ElfSymbols {
  for (const wanted of [SHT_SYMTAB, SHT_DYNSYM]) {
    const table = header.sections.find((section) => section.type === wanted);
    const strings = header.sections[table?.link ?? -1];
    if (!table || !strings || strings.type === SHT_NOBITS) continue;
    const length = Math.min(table.bytes, SYMBOL_LIMIT * SYMBOL_BYTES);
    const names = Buffer.from(source.read(strings.offset, strings.bytes).buffer);
    const symbols = sortSymbols(viewOf(source.read(table.offset, length)), names, codeOf(header));
    if (symbols.addresses.length > 0) return symbols;
  }
  return NO_SYMBOLS;
}

/** Flags of executable sections, by index: labels without a type count only there. */
function codeOf(header: ElfHeader): Uint8Array {
  const SHF_EXECINSTR = 4;
  return Uint8Array.from(header.sections, ({ flags }) => (flags & SHF_EXECINSTR ? 1 : 0));
}

/** Works on doubles: a quarter of a million BigInts would hold up the observer for 0.2 s. */
function sortSymbols(symbols: DataView, names: Buffer, isCode: Uint8Array): ElfSymbols {
  const rowCount = Math.floor(symbols.byteLength / SYMBOL_BYTES);
  spend(rowCount / ROWS_PER_UNIT);
  const rows = new Uint32Array(rowCount);
  const keys = new Float64Array(rowCount);
  let count = 0;
  for (let row = 0; row < rowCount; row++) {
    const base = row * SYMBOL_BYTES;
    if (!isFunction(symbols, base, isCode)) continue;
    const address = wordAt(symbols, base + 8);
    // An address of 0: imported, not defined here.
    if (!(address > 0)) continue;
    keys[row] = address;
    rows[count++] = row;
  }
  const order = sortRows(rows.subarray(0, count), keys);
  const addresses = new Float64Array(count);
  const sizes = new Float64Array(count);
  const nameOffsets = new Uint32Array(count);
  const bindings = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const base = order[i]! * SYMBOL_BYTES;
    addresses[i] = keys[order[i]!]!;
    sizes[i] = wordAt(symbols, base + 16);
    nameOffsets[i] = symbols.getUint32(base, true);
    bindings[i] = symbols.getUint8(base + 4) >>> 4;
  }
  const beginningOf = (index: number) => textAt(names, nameOffsets[index]!, BEGINNING_BYTES);
  const nameOf = (index: number) => textAt(names, nameOffsets[index] ?? names.length, NAME_LIMIT_BYTES);
  return {
    addresses,
    sizes,
    nameOf,
    retainedBytes: count * 21 + names.length,
    indexAt: (address) => bestAt(addresses, sizes, bindings, beginningOf, address),
  };
}

/**
 * By address. Numbers sort ten times as fast without a comparing function, so address and row go into one: by the lower
 * half first, and where some have an upper half, by that among those in order.
 */
function sortRows(rows: Uint32Array, keys: Float64Array): Uint32Array {
  const HALF = 2 ** 32;
  const low = sortBy(rows, (row) => keys[row]! % HALF);
  return low.every((row) => keys[row]! < HALF) ? low : sortBy(low, (row) => Math.floor(keys[row]! / HALF));
}

/** Stable. `keyOf` gives 32 bits at most, of which 53 − 21 fit beside a place. */
function sortBy(rows: Uint32Array, keyOf: (row: number) => number): Uint32Array {
  const packed = new Float64Array(rows.length);
  for (let place = 0; place < rows.length; place++)
    packed[place] = keyOf(rows[place]!) * SYMBOL_LIMIT + place;
  packed.sort();
  const sorted = new Uint32Array(rows.length);
  for (let place = 0; place < rows.length; place++) sorted[place] = rows[packed[place]! % SYMBOL_LIMIT]!;
  return sorted;
}

function isFunction(symbols: DataView, base: number, isCode: Uint8Array): boolean {
  const type = symbols.getUint8(base + 4) & 15;
  const section = symbols.getUint16(base + 6, true);
  if (section === SHN_UNDEF) return false;
  return type === STT_FUNC || type === STT_GNU_IFUNC || (type === STT_NOTYPE && isCode[section] === 1);
}

/** Of several names for one address the one people know: not local, not weak, without leading underscores. */
function bestAt(
  addresses: Float64Array,
  sizes: Float64Array,
  bindings: Uint8Array,
  beginningOf: (index: number) => string,
  address: number,
): number {
  const last = lastNotAbove(addresses, address);
  let best = -1;
  let bestRank = Number.POSITIVE_INFINITY;
  for (let i = last; i >= 0 && i > last - ALIAS_LIMIT; i--) {
    const size = sizes[i]!;
    const isNearest = addresses[i] === addresses[last];
    // Names of one address compete; a farther one counts when it spans what lies between, as around a label in it.
    if (best >= 0 && sizes[best]! > 0 && addresses[i] !== addresses[best]) break;
    if (
      size > 0
        ? address - addresses[i]! >= size
        : !isNearest || address - addresses[i]! >= UNSIZED_REACH_BYTES
    ) {
      continue;
    }
    const rank = rankOf(beginningOf(i), size, bindings[i]!);
    if (rank < bestRank) [best, bestRank] = [i, rank];
  }
  return best;
}

function rankOf(name: string, size: number, binding: number): number {
  const isCodeMark = name === '' || /^\$[xadt](\.|$)/.test(name); // mapping symbols of arm64
  if (isCodeMark) return Number.POSITIVE_INFINITY;
  const underscores = name.startsWith('_Z') || name.startsWith('_R') ? 0 : /^_*/.exec(name)![0].length;
  const bindingRank = binding === STB_LOCAL ? 2 : binding === STB_WEAK ? 1 : 0;
  return (size > 0 ? 0 : 1000) + Math.min(underscores, 9) * 10 + bindingRank;
}
