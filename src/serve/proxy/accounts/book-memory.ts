/**
 * Memory of accounts: a book for each place of a worker, of cells that only ever grow, each for one user and destination.
 * A worker writes its book and nobody else does, but for the words marked as the reader's; the reader may look at any
 * time, also when the worker hangs or is dead. What a dead worker counted is still there, and the next one in its place
 * goes on with the same cells.
 */
import { createSharedMemory, mapSharedMemory, type SharedMemory } from '../../../kernel/shared-memory.ts';

/** Users and destinations of one worker at once. Pages that are not touched cost nothing. */
export const CELL_COUNT = 16_384;
/** For the user's name, a byte of 0 and the destination, in UTF-8: 255 bytes of SOCKS, a host name and a port. */
const KEY_BYTES = 544;
const WORD_COUNT = 10;
const CELL_HEAD_BYTES = 16;
const KEY_OFFSET = CELL_HEAD_BYTES + WORD_COUNT * 8;
const CELL_BYTES = KEY_OFFSET + KEY_BYTES;
const HEAD_BYTES = 64;
const BOOK_BYTES = HEAD_BYTES + CELL_COUNT * CELL_BYTES;

/** Int32 words of a book's head. */
export const HEAD = {
  /** Cells that were ever used: those below. */
  usedCells: 0,
  /** The reader's: passes over the book that were begun, and that were finished. */
  passBegun: 1,
  passDone: 2,
} as const;

/** Int32 words of a cell's head. */
export const CELL = {
  /** Odd while the cell is given to another user and destination. */
  generation: 0,
  /** Connections that are open. */
  open: 1,
  keyBytes: 2,
  /** The reader's: 1 when the user's quota is used up. */
  isCut: 3,
} as const;

/** Float64 words of a cell, behind its head. They only grow: what is too much is counted in another one. */
export const WORD = {
  up: 0,
  down: 1,
  /** What the kernel counted beyond the data path, and what it counted less, known at close. */
  upMore: 2,
  upLess: 3,
  downMore: 4,
  downLess: 5,
  connections: 6,
  connectionNs: 7,
  differing: 8,
  cut: 9,
} as const;

/** Views on one book, and where its parts lie. */
export type Book = {
  readonly ints: Int32Array;
  readonly floats: Float64Array;
  readonly bytes: Uint8Array;
};

/** Index of a cell's head in `ints`. */
export function headAt(cell: number): number {
  return (HEAD_BYTES + cell * CELL_BYTES) >> 2;
}

/** Index of a cell's words in `floats`. */
export function wordsAt(cell: number): number {
  return (HEAD_BYTES + cell * CELL_BYTES + CELL_HEAD_BYTES) >> 3;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** False when the names are too long together. */
export function writeKey({ ints, bytes }: Book, cell: number, user: string, destination: string): boolean {
  const at = HEAD_BYTES + cell * CELL_BYTES + KEY_OFFSET;
  const text = `${user}\0${destination}`;
  const { read, written } = encoder.encodeInto(text, bytes.subarray(at, at + KEY_BYTES));
  ints[headAt(cell) + CELL.keyBytes] = written;
  return read === text.length;
}

export function readKey({ ints, bytes }: Book, cell: number): { user: string; destination: string } {
  const at = HEAD_BYTES + cell * CELL_BYTES + KEY_OFFSET;
  const byteLength = Math.min(Math.max(ints[headAt(cell) + CELL.keyBytes]!, 0), KEY_BYTES);
  const text = decoder.decode(bytes.slice(at, at + byteLength));
  const split = text.indexOf('\0');
  return { user: text.slice(0, split), destination: text.slice(split + 1) };
}

/** The books of all places, in memory that workers inherit. */
export class Books {
  readonly bookCount: number;
  readonly #memory: SharedMemory;

  private constructor(memory: SharedMemory, bookCount: number) {
    this.#memory = memory;
    this.bookCount = bookCount;
  }

  static create(bookCount: number): Books {
    return new Books(createSharedMemory('loopscope-accounts', bookCount * BOOK_BYTES), bookCount);
  }

  /** In a worker: maps the books whose descriptor it inherited. */
  static inherit(fd: number, bookCount: number): Books {
    return new Books(mapSharedMemory(fd, bookCount * BOOK_BYTES), bookCount);
  }

  get fd(): number {
    return this.#memory.fd;
  }

  book(index: number): Book {
    return bookOn(this.#memory.buffer, index * BOOK_BYTES);
  }

  /** No book of it may be touched afterwards. */
  [Symbol.dispose](): void {
    this.#memory[Symbol.dispose]();
  }
}

/** A book in this process's own memory. */
export function privateBook(): Book {
  return bookOn(new ArrayBuffer(BOOK_BYTES), 0);
}

function bookOn(buffer: ArrayBuffer, offset: number): Book {
  return {
    ints: new Int32Array(buffer, offset, BOOK_BYTES >> 2),
    floats: new Float64Array(buffer, offset, BOOK_BYTES >> 3),
    bytes: new Uint8Array(buffer, offset, BOOK_BYTES),
  };
}
