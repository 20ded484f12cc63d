/** The other side of a book: what was counted since it was last read, by whoever writes accounts down. */
import { type Book, CELL, CELL_COUNT, HEAD, headAt, readKey, WORD, wordsAt } from './book-memory.ts';
import { isNoUsage, noUsage, type Usage } from './usage.ts';

const WORDS = Object.keys(WORD).length;

/** What one user and destination moved since the last pass. Valid within the call. */
export type UsageVisitor = (user: string, destination: string, more: Readonly<Usage>) => void;

export class BookReader {
  readonly #book: Book;
  /** Of each cell: whose it was when last read, and what it held then. */
  readonly #keys: ({ user: string; destination: string } | null)[] = [];
  #generations = new Int32Array(0);
  #seen = new Float64Array(0);
  readonly #now = new Float64Array(WORDS);

  constructor(book: Book) {
    this.#book = book;
  }

  /** Visits each user and destination that moved anything since the last call. */
  read(visit: UsageVisitor): void {
    const { ints } = this.#book;
    const pass = Atomics.load(ints, HEAD.passBegun) + 1;
    Atomics.store(ints, HEAD.passBegun, pass);
    const used = Math.min(Atomics.load(ints, HEAD.usedCells), CELL_COUNT);
    if (used > this.#generations.length) this.#makeRoom(used);
    for (let cell = 0; cell < used; cell++) this.#readCell(cell, visit);
    Atomics.store(ints, HEAD.passDone, pass);
  }

  /** Connections that are open, by user and destination. */
  open(visit: (user: string, destination: string, open: number) => void): void {
    for (let cell = 0; cell < this.#keys.length; cell++) {
      const [key, open] = [this.#keys[cell], this.#book.ints[headAt(cell) + CELL.open]!];
      if (key && open > 0) visit(key.user, key.destination, open);
    }
  }

  /** Marks the cells of users whose quota is used up, and takes the mark from the others. */
  mark(isCut: (user: string) => boolean): void {
    for (let cell = 0; cell < this.#keys.length; cell++) {
      const key = this.#keys[cell];
      if (key) Atomics.store(this.#book.ints, headAt(cell) + CELL.isCut, isCut(key.user) ? 1 : 0);
    }
  }

  /** Most places of workers are never taken, and most books stay short. */
  #makeRoom(cellCount: number): void {
    const room = Math.min(CELL_COUNT, Math.max(64, cellCount * 2));
    const [generations, seen] = [this.#generations, this.#seen];
    this.#generations = new Int32Array(room);
    this.#generations.set(generations);
    this.#seen = new Float64Array(room * WORDS);
    this.#seen.set(seen);
  }

  #readCell(cell: number, visit: UsageVisitor): void {
    const { ints, floats } = this.#book;
    const head = headAt(cell);
    const generation = Atomics.load(ints, head + CELL.generation);
    // Being given to another: all that it held was read in a pass before, or it could not be (K2).
    if (generation & 1 || generation === 0) return;
    const isNew = generation !== this.#generations[cell];
    const key = isNew ? readKey(this.#book, cell) : this.#keys[cell]!;
    const words = wordsAt(cell);
    const seenAt = cell * WORDS;
    let isSame = !isNew;
    for (let word = 0; word < WORDS; word++) {
      this.#now[word] = floats[words + word]!;
      isSame &&= this.#now[word] === this.#seen[seenAt + word];
    }
    if (isSame) return;
    if (Atomics.load(ints, head + CELL.generation) !== generation) return;
    const seen = this.#seen.subarray(seenAt, seenAt + WORDS);
    if (isNew) {
      this.#generations[cell] = generation;
      this.#keys[cell] = key;
      seen.fill(0);
    }
    const more = usageBetween(seen, this.#now);
    seen.set(this.#now);
    if (!isNoUsage(more)) visit(key.user, key.destination, more);
  }
}

function usageBetween(before: Float64Array, now: Float64Array): Usage {
  const grown = (word: number) => now[word]! - before[word]!;
  const corrections = [WORD.upMore, WORD.upLess, WORD.downMore, WORD.downLess].map(grown);
  const [upMore, upLess, downMore, downLess] = corrections as [number, number, number, number];
  return {
    ...noUsage(),
    upBytes: grown(WORD.up) + upMore - upLess,
    downBytes: grown(WORD.down) + downMore - downLess,
    connections: grown(WORD.connections),
    connectionNs: grown(WORD.connectionNs),
    differingConnections: grown(WORD.differing),
    differingBytes: corrections.reduce((sum, bytes) => sum + bytes, 0),
    cutConnections: grown(WORD.cut),
  };
}
