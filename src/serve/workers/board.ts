/**
 * Shared memory between a master and its workers: the accept lock, and a row of counters for each worker, written by
 * the worker once a cycle and readable at any time, also when the worker hangs or is dead.
 */
import { createSharedMemory, mapSharedMemory, type SharedMemory } from '../../kernel/shared-memory.ts';

/** A cache line of its own for the lock. */
const LOCK_BYTES = 64;
const ROW_WORDS = 32;
const ROW_BYTES = ROW_WORDS * 8;

/** Words of a row. */
export const ROW = {
  elapsedNs: 0,
  waitNs: 1,
  waits: 2,
  peeks: 3,
  events: 4,
  accepts: 5,
  acceptsEmpty: 6,
  acceptsInVain: 7,
  systemCalls: 8,
  shortages: 9,
  requests: 10,
  bad: 11,
  slowReaders: 12,
  timedOut: 13,
  connections: 14,
  turnsTaken: 15,
  mostEvents: 16,
  isProxy: 17,
  refused: 18,
  unreached: 19,
  resets: 20,
  upBytes: 21,
  downBytes: 22,
} as const;

export type Row = Float64Array;

export class Board {
  readonly rowCount: number;
  readonly #memory: SharedMemory;
  readonly #lockWords: Int32Array;
  readonly #rows: Float64Array;

  private constructor(memory: SharedMemory, rowCount: number) {
    this.#memory = memory;
    this.rowCount = rowCount;
    this.#lockWords = new Int32Array(memory.buffer, 0, LOCK_BYTES / 4);
    this.#rows = new Float64Array(memory.buffer, LOCK_BYTES, rowCount * ROW_WORDS);
  }

  static create(rowCount: number): Board {
    const byteLength = LOCK_BYTES + rowCount * ROW_BYTES;
    return new Board(createSharedMemory('loopscope-workers', byteLength), rowCount);
  }

  /** In a worker: maps the board whose descriptor it inherited. */
  static inherit(fd: number, rowCount: number): Board {
    return new Board(mapSharedMemory(fd, LOCK_BYTES + rowCount * ROW_BYTES), rowCount);
  }

  get fd(): number {
    return this.#memory.fd;
  }

  get lockWords(): Int32Array {
    return this.#lockWords;
  }

  row(index: number): Row {
    return this.#rows.subarray(index * ROW_WORDS, (index + 1) * ROW_WORDS);
  }

  /** No row or lock of it may be touched afterwards. */
  [Symbol.dispose](): void {
    this.#memory[Symbol.dispose]();
  }
}

/** A row in this process's own memory, for a server without workers. */
export function privateRow(): Row {
  return new Float64Array(ROW_WORDS);
}
