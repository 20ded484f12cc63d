/**
 * Which rows changed, told by one writer to any number of readers in other threads and processes: a ring of row numbers
 * and a count. A reader that fell behind by more than the ring looks at all rows instead.
 */
// Invariants
//  C1  One writer. An entry is stored before the count that covers it (Atomics.store publishes).
//  C2  A reader takes an entry only if the count, read again after it, says that it was not written over.
const ENTRY_COUNT = 1 << 16;
const MASK = ENTRY_COUNT - 1;

export const LOG_WORDS: number = 1 + ENTRY_COUNT;

export class ChangeLog {
  /** Word 0 counts entries, modulo 2^32. */
  readonly #words: Int32Array;

  constructor(words: Int32Array) {
    this.#words = words;
  }

  /** Entries ever written, modulo 2^32. */
  get count(): number {
    return Atomics.load(this.#words, 0);
  }

  /** By the writer alone. */
  append(row: number): void {
    const count = this.#words[0]!;
    this.#words[1 + (count & MASK)] = row;
    Atomics.store(this.#words, 0, (count + 1) | 0);
  }

  /** The row of an entry; −1 when it has been written over. */
  entry(index: number): number {
    const row = this.#words[1 + (index & MASK)]!;
    return (this.count - index) >>> 0 > ENTRY_COUNT - 1 ? -1 : row;
  }
}

/** One reader's place in a log. */
export class LogReader {
  readonly #log: ChangeLog;
  readonly #rowCount: number;
  #next: number;
  /** Where looking at all rows has come to; rowCount when it is not under way. */
  #sweep: number;

  /** Begins with a look at all rows, or, with 'news', with the next change. */
  constructor(log: ChangeLog, rowCount: number, from: 'all' | 'news' = 'all') {
    this.#log = log;
    this.#rowCount = rowCount;
    this.#next = log.count;
    this.#sweep = from === 'all' ? 0 : rowCount;
  }

  /** Whether next() has something, cheaply. */
  get isBehind(): boolean {
    return this.#sweep < this.#rowCount || this.#next !== this.#log.count;
  }

  /** Looks at all rows again. */
  restart(): void {
    this.#next = this.#log.count;
    this.#sweep = 0;
  }

  /** A row to look at; −1 when there is none for now. */
  next(): number {
    if (this.#sweep < this.#rowCount) return this.#sweep++;
    if (this.#next === this.#log.count) return -1;
    const row = this.#log.entry(this.#next);
    if (row >= 0) {
      this.#next = (this.#next + 1) | 0;
      return row;
    }
    this.restart();
    return this.#sweep++;
  }
}
