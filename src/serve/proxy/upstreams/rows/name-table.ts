/**
 * Rows by name: open addressing in one typed array of a fixed size, because a Map that grows to 20 000 names copies them
 * all within one cycle of the loop.
 */
import { hashText } from '../lists/mix.ts';

const EMPTY = -1;

export class NameTable {
  readonly #rows: Int32Array;
  readonly #names: (string | null)[];
  readonly #hashes: Uint32Array;
  readonly #mask: number;

  /** `limit`: rows are below it. */
  constructor(limit: number) {
    let size = 16;
    while (size < limit * 2) size *= 2;
    this.#mask = size - 1;
    this.#rows = new Int32Array(size).fill(EMPTY);
    this.#names = new Array<string | null>(limit).fill(null);
    this.#hashes = new Uint32Array(limit);
  }

  /** null for a row without a name. */
  nameOf(row: number): string | null {
    return this.#names[row]!;
  }

  hashOf(row: number): number {
    return this.#hashes[row]!;
  }

  /** The row of a name; −1 when it has none. */
  find(name: string): number {
    return this.#rows[this.#place(name, hashText(name))]!;
  }

  /** Gives a row without a name a name that no row has. */
  add(row: number, name: string): void {
    const hash = hashText(name);
    this.#names[row] = name;
    this.#hashes[row] = hash;
    this.#rows[this.#place(name, hash)] = row;
  }

  /** Takes a row's name away, and moves up those that stood behind it (Knuth, The Art of Computer Programming, 6.4 R). */
  remove(row: number): void {
    let hole = this.#place(this.#names[row]!, this.#hashes[row]!);
    this.#names[row] = null;
    for (let at = (hole + 1) & this.#mask; this.#rows[at] !== EMPTY; at = (at + 1) & this.#mask) {
      const home = this.#hashes[this.#rows[at]!]! & this.#mask;
      if (((at - home) & this.#mask) < ((at - hole) & this.#mask)) continue;
      this.#rows[hole] = this.#rows[at]!;
      hole = at;
    }
    this.#rows[hole] = EMPTY;
  }

  /** Where a name is, or would be. */
  #place(name: string, hash: number): number {
    let at = hash & this.#mask;
    for (;;) {
      const row = this.#rows[at]!;
      if (row === EMPTY || (this.#hashes[row] === hash && this.#names[row] === name)) return at;
      at = (at + 1) & this.#mask;
    }
  }
}
