/**
 * Names for the entries of a procedure linkage table, which have no symbols of their own: "memcpy@plt", as gdb and
 * objdump call them. Each entry jumps through a slot that a relocation fills in with the address of a function.
 * x86-64 only: `ff 25 disp32`, jmp *disp32(%rip). System V ABI, figure 5.2.
 */
import type { ByteSource } from './byte-source.ts';
import { spend } from './effort.ts';
import { type ElfHeader, EM_X86_64, findSection, textAt, viewOf, wordAt } from './elf-header.ts';
import { lastNotAbove } from './sorted.ts';

export type PltSymbols = {
  /** The entry that an address lies in; null elsewhere. */
  find(address: number): { name: string; offset: number } | null;
  readonly retainedBytes: number;
};

const TABLES = ['.plt', '.plt.sec', '.plt.got'];
const TABLE_LIMIT_BYTES = 4 << 20;
const SHT_RELA = 4;
const RELOCATION_BYTES = 24;
const RELOCATION_LIMIT = 1 << 19;
const SYMBOL_BYTES = 24;
const R_X86_64_GLOB_DAT = 6;
const R_X86_64_JUMP_SLOT = 7;
const ENTRY_BYTES = 16;
const JUMP = Buffer.from([0xff, 0x25]);
const NAME_LIMIT_BYTES = 4096;

const NONE: PltSymbols = { find: () => null, retainedBytes: 0 };

export function readPltSymbols(source: ByteSource, header: ElfHeader): PltSymbols {
  if (header.machine !== EM_X86_64) return NONE;
  const entries = jumpsOf(source, header);
  if (entries.length === 0) return NONE;
  const nameOfSlot = slotNames(source, header);
  const named: { address: number; bytes: number; name: string }[] = [];
  for (const { address, bytes, slot } of entries) {
    const name = nameOfSlot.get(slot);
    if (name) named.push({ address, bytes, name: `${name}@plt` });
  }
  named.sort((a, b) => a.address - b.address);
  const addresses = Float64Array.from(named, ({ address }) => address);
  return {
    retainedBytes: named.length * 100,
    find(address) {
      const index = lastNotAbove(addresses, address);
      const entry = named[index];
      return entry && address < entry.address + entry.bytes
        ? { name: entry.name, offset: address - entry.address }
        : null;
    },
  };
}

function jumpsOf(source: ByteSource, header: ElfHeader) {
  const jumps: { address: number; bytes: number; slot: number }[] = [];
  for (const name of TABLES) {
    const section = findSection(header, name);
    if (!section || !(section.bytes <= TABLE_LIMIT_BYTES)) continue;
    const entryBytes = section.entryBytes === 8 ? 8 : ENTRY_BYTES;
    const bytes = source.read(section.offset, section.bytes);
    const code = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    // Found by the library's search: byte by byte, before it is compiled, a large table takes 50 ms.
    for (let at = code.indexOf(JUMP); at >= 0 && at + 6 <= code.length; at = code.indexOf(JUMP, at + 6)) {
      spend(0.5);
      const slot = section.address + at + 6 + code.readInt32LE(at + 2);
      jumps.push({ address: section.address + at - (at % entryBytes), bytes: entryBytes, slot });
    }
  }
  return jumps;
}

/** By the address of the slot that a relocation fills. */
function slotNames(source: ByteSource, header: ElfHeader): Map<number, string> {
  const names = new Map<number, string>();
  // A file has one of each.
  for (const name of ['.rela.plt', '.rela.dyn']) {
    const section = findSection(header, name);
    if (section?.type !== SHT_RELA) continue;
    const symbols = header.sections[section.link];
    const strings = header.sections[symbols?.link ?? -1];
    if (!symbols || !strings) continue;
    const length = Math.min(section.bytes, RELOCATION_LIMIT * RELOCATION_BYTES);
    const rows = viewOf(source.read(section.offset, length));
    spend(length / RELOCATION_BYTES);
    const table = viewOf(source.read(symbols.offset, symbols.bytes));
    const text = Buffer.from(source.read(strings.offset, strings.bytes).buffer);
    for (let at = 0; at + RELOCATION_BYTES <= rows.byteLength; at += RELOCATION_BYTES) {
      const type = rows.getUint32(at + 8, true);
      const symbol = rows.getUint32(at + 12, true) * SYMBOL_BYTES;
      if (type !== R_X86_64_JUMP_SLOT && type !== R_X86_64_GLOB_DAT) continue;
      if (symbol + SYMBOL_BYTES > table.byteLength) continue;
      names.set(wordAt(rows, at), textAt(text, table.getUint32(symbol, true), NAME_LIMIT_BYTES));
    }
  }
  return names;
}
