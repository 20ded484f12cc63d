/**
 * A worker's side of its book: it counts what its connections move. Called for each connection a few times a second, not
 * for each piece of bytes.
 */
// Invariants
//  K1  Every counting word only grows, and is written by one store: whoever reads at any moment, also after our death at
//      any moment, reads what was true then.
//  K2  A cell goes to another user and destination only when no connection is open on it and the reader has read it after
//      the last one closed.
//  K3  live() and closed() allocate nothing.
import {
  type Book,
  CELL,
  CELL_COUNT,
  HEAD,
  headAt,
  readKey,
  WORD,
  wordsAt,
  writeKey,
} from './book-memory.ts';

/** Where what finds no cell is counted: all are in use, or the names are too long. */
export const NO_ROOM = '(other)';
const NO_ROOM_CELL = 0;

export class BookWriter {
  readonly #book: Book;
  readonly #cells = new Map<string, number>();
  readonly #keys: string[] = [];
  /** Cells of each user, for its quota. */
  readonly #cellsOf = new Map<string, Set<number>>();
  readonly #cellOf: Int32Array;
  readonly #up: Float64Array;
  readonly #down: Float64Array;
  readonly #free: Int32Array;
  #freeCount: number;
  readonly #cellLimit: number;
  /** Of each cell: up to when its connections' time is counted, and the reader's pass when the last one closed. */
  readonly #countedNs = new Float64Array(CELL_COUNT);
  readonly #closedAtPass = new Int32Array(CELL_COUNT);
  #used: number;
  #next = NO_ROOM_CELL;

  /** Goes on with what a worker before it counted in `book`. `cellLimit` is for tests. */
  constructor(book: Book, connectionLimit: number, cellLimit: number = CELL_COUNT) {
    this.#book = book;
    this.#cellLimit = cellLimit;
    this.#cellOf = new Int32Array(connectionLimit);
    this.#up = new Float64Array(connectionLimit);
    this.#down = new Float64Array(connectionLimit);
    this.#free = Int32Array.from({ length: connectionLimit }, (_, i) => connectionLimit - 1 - i);
    this.#freeCount = connectionLimit;
    this.#used = book.ints[HEAD.usedCells]!;
    for (let cell = 0; cell < this.#used; cell++) {
      const head = headAt(cell);
      book.ints[head + CELL.open] = 0;
      this.#closedAtPass[cell] = book.ints[HEAD.passBegun]!;
      // One that died while it gave a cell away: that one is nobody's, as before.
      if (book.ints[head + CELL.generation]! & 1) this.#keys[cell] = '';
      else this.#name(cell, readKey(book, cell));
    }
    if (this.#used === 0) this.#give(NO_ROOM_CELL, NO_ROOM, NO_ROOM);
  }

  /** A connection begins; its number here, −1 when there are too many. */
  opened(user: string, destination: string, nowNs: number): number {
    if (this.#freeCount === 0) return -1;
    const cell = this.#cells.get(`${user}\0${destination}`) ?? this.#allot(user, destination);
    const account = this.#free[--this.#freeCount]!;
    this.#cellOf[account] = cell;
    this.#up[account] = 0;
    this.#down[account] = 0;
    this.#countTime(cell, nowNs);
    this.#book.ints[headAt(cell) + CELL.open]!++;
    this.#book.floats[wordsAt(cell) + WORD.connections]!++;
    return account;
  }

  /** Bytes that it moved so far. */
  live(account: number, upBytes: number, downBytes: number): void {
    const { floats } = this.#book;
    const words = wordsAt(this.#cellOf[account]!);
    if (upBytes > this.#up[account]!) {
      floats[words + WORD.up]! += upBytes - this.#up[account]!;
      this.#up[account] = upBytes;
    }
    if (downBytes > this.#down[account]!) {
      floats[words + WORD.down]! += downBytes - this.#down[account]!;
      this.#down[account] = downBytes;
    }
  }

  /** Whether its user's quota is used up. */
  isCut(account: number): boolean {
    return Atomics.load(this.#book.ints, headAt(this.#cellOf[account]!) + CELL.isCut) !== 0;
  }

  isUserCut(user: string): boolean {
    // All of a user's cells are marked in one pass: the first tells for all.
    for (const cell of this.#cellsOf.get(user) ?? []) {
      return Atomics.load(this.#book.ints, headAt(cell) + CELL.isCut) !== 0;
    }
    return false;
  }

  /** It is ended for its quota. To be told before closed(). */
  cut(account: number): void {
    this.#book.floats[wordsAt(this.#cellOf[account]!) + WORD.cut]!++;
  }

  /** The connection is over; what the kernel counted is what it moved. NaN: nobody else counted, or could tell. */
  closed(account: number, kernelUpBytes: number, kernelDownBytes: number, nowNs: number): void {
    const { ints, floats } = this.#book;
    const cell = this.#cellOf[account]!;
    const words = wordsAt(cell);
    const up = Number.isNaN(kernelUpBytes) ? 0 : kernelUpBytes - this.#up[account]!;
    const down = Number.isNaN(kernelDownBytes) ? 0 : kernelDownBytes - this.#down[account]!;
    if (up !== 0) floats[words + (up > 0 ? WORD.upMore : WORD.upLess)]! += Math.abs(up);
    if (down !== 0) floats[words + (down > 0 ? WORD.downMore : WORD.downLess)]! += Math.abs(down);
    if (up !== 0 || down !== 0) floats[words + WORD.differing]!++;
    this.#countTime(cell, nowNs);
    ints[headAt(cell) + CELL.open]!--;
    this.#closedAtPass[cell] = Atomics.load(ints, HEAD.passBegun);
    this.#free[this.#freeCount++] = account;
  }

  /** Counts the time of the connections that are open up to now. */
  tick(nowNs: number): void {
    for (let cell = 0; cell < this.#used; cell++) this.#countTime(cell, nowNs);
  }

  #countTime(cell: number, nowNs: number): void {
    const { ints, floats } = this.#book;
    const open = ints[headAt(cell) + CELL.open]!;
    if (open > 0) floats[wordsAt(cell) + WORD.connectionNs]! += open * (nowNs - this.#countedNs[cell]!);
    this.#countedNs[cell] = nowNs;
  }

  #allot(user: string, destination: string): number {
    const cell = this.#used < this.#cellLimit ? this.#used : this.#idleCell();
    if (cell < 0 || !this.#give(cell, user, destination)) return NO_ROOM_CELL;
    return cell;
  }

  /** One whose last connection is closed, and read since: the one that was looked at longest ago. −1: none. */
  #idleCell(): number {
    const { ints } = this.#book;
    const passDone = Atomics.load(ints, HEAD.passDone);
    for (let i = 1; i < this.#cellLimit; i++) {
      this.#next = (this.#next % (this.#cellLimit - 1)) + 1;
      if (ints[headAt(this.#next) + CELL.open] === 0 && passDone > this.#closedAtPass[this.#next]!)
        return this.#next;
    }
    return -1;
  }

  /** Gives a cell to a user and destination; false, and the cell nobody's, when the names do not fit. */
  #give(cell: number, user: string, destination: string): boolean {
    const { ints, floats } = this.#book;
    const head = headAt(cell);
    this.#forget(cell);
    if ((ints[head + CELL.generation]! & 1) === 0) Atomics.add(ints, head + CELL.generation, 1);
    const words = wordsAt(cell);
    floats.fill(0, words, words + Object.keys(WORD).length);
    ints[head + CELL.open] = 0;
    const fits = writeKey(this.#book, cell, user, destination);
    Atomics.store(ints, head + CELL.isCut, this.isUserCut(user) ? 1 : 0);
    if (fits) {
      Atomics.add(ints, head + CELL.generation, 1);
      this.#name(cell, { user, destination });
    }
    if (cell >= this.#used) {
      this.#used = cell + 1;
      Atomics.store(ints, HEAD.usedCells, this.#used);
    }
    return fits;
  }

  #name(cell: number, { user, destination }: { user: string; destination: string }): void {
    const key = `${user}\0${destination}`;
    this.#keys[cell] = key;
    this.#cells.set(key, cell);
    const cells = this.#cellsOf.get(user) ?? new Set();
    this.#cellsOf.set(user, cells.add(cell));
  }

  #forget(cell: number): void {
    const key = this.#keys[cell];
    if (!key) return;
    this.#keys[cell] = '';
    this.#cells.delete(key);
    const user = key.slice(0, key.indexOf('\0'));
    const cells = this.#cellsOf.get(user);
    cells?.delete(cell);
    if (cells?.size === 0) this.#cellsOf.delete(user);
  }
}
