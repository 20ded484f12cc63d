const FIRST_LENGTH = 1024;

/** How many different 32-bit values there are, exactly, up to a limit at which it stops counting. */
export class DistinctCount {
  count = 0;
  readonly limit: number;
  /** Open addressing; 0 is an empty place, and the value 0 counted by itself. */
  #table: Uint32Array = new Uint32Array(FIRST_LENGTH);
  #hasZero = false;

  constructor(limit: number) {
    this.limit = limit;
  }

  add(value: number): void {
    if (this.count === this.limit) return;
    if (value === 0) {
      if (!this.#hasZero) this.count++;
      this.#hasZero = true;
      return;
    }
    if (!this.#insert(this.#table, value)) return;
    this.count++;
    if (2 * this.count > this.#table.length) this.#grow();
  }

  #insert(table: Uint32Array, value: number): boolean {
    const mask = table.length - 1;
    let at = Math.imul(value, 0x9e3779b1) >>> 0;
    for (at &= mask; table[at] !== 0; at = (at + 1) & mask) if (table[at] === value) return false;
    table[at] = value;
    return true;
  }

  #grow(): void {
    const larger = new Uint32Array(2 * this.#table.length);
    for (const value of this.#table) if (value !== 0) this.#insert(larger, value);
    this.#table = larger;
  }
}
