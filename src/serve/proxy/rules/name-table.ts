/**
 * Names and suffixes of names, found in one pass over a name from its end: a hash grows character by character, and is
 * looked for at each dot.
 */
// Invariants
//  N1  find() allocates nothing; names are in the form of host-name.ts.
//  N2  Equal hashes are no match: the characters are compared.
import type { Match } from './match.ts';
import type { PortTable } from './port-table.ts';

const DOT = 46;
const FNV_START = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** `text` without "*."; the suffix of "*" is empty. */
export type NameEntry = { text: string; isSuffix: boolean; ports: PortTable };

export class NameTable {
  readonly #entries: NameEntry[];
  readonly #hashes: Int32Array;
  /** Open addressing, a power of two, at most half full; −1 is free. */
  readonly #slots: Int32Array;
  readonly #everyName: PortTable | null;

  constructor(entries: readonly NameEntry[]) {
    this.#everyName = entries.find(({ text }) => text === '')?.ports ?? null;
    this.#entries = entries.filter(({ text }) => text !== '');
    this.#hashes = Int32Array.from(this.#entries, ({ text, isSuffix }) => hashOf(text, isSuffix));
    const size = 2 ** Math.ceil(Math.log2(this.#entries.length * 2 + 1));
    this.#slots = new Int32Array(size).fill(-1);
    for (let i = 0; i < this.#entries.length; i++) {
      let slot = this.#hashes[i]! & (size - 1);
      while (this.#slots[slot] !== -1) slot = (slot + 1) & (size - 1);
      this.#slots[slot] = i;
    }
  }

  /** Adds to `into` what holds for the name and port. */
  find(name: string, port: number, into: Match): void {
    if (this.#everyName !== null) this.#everyName.find(port, into);
    let hash = FNV_START;
    for (let at = name.length - 1; at >= 0; at--) {
      const code = name.charCodeAt(at);
      if (code === DOT) this.#look(name, at + 1, hash ^ 1, port, into);
      hash = Math.imul(hash ^ code, FNV_PRIME);
    }
    this.#look(name, 0, hash, port, into);
  }

  #look(name: string, start: number, hash: number, port: number, into: Match): void {
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask; this.#slots[slot] !== -1; slot = (slot + 1) & mask) {
      const index = this.#slots[slot]!;
      if (this.#hashes[index] !== hash) continue;
      const { text, isSuffix, ports } = this.#entries[index]!;
      if (isSuffix === start > 0 && endsAt(name, start, text)) {
        ports.find(port, into);
        return;
      }
    }
  }
}

/** FNV-1a from the end; of a suffix with the lowest bit turned, so that it is told from the name it ends. */
function hashOf(text: string, isSuffix: boolean): number {
  let hash = FNV_START;
  for (let at = text.length - 1; at >= 0; at--) hash = Math.imul(hash ^ text.charCodeAt(at), FNV_PRIME);
  return isSuffix ? hash ^ 1 : hash;
}

function endsAt(name: string, start: number, text: string): boolean {
  if (name.length - start !== text.length) return false;
  for (let i = 0; i < text.length; i++) if (name.charCodeAt(start + i) !== text.charCodeAt(i)) return false;
  return true;
}
