/**
 * Replies beside the log that was replayed: status by status, and body by size. In shared memory: a load thread writes,
 * the main thread adds up when the load is over.
 */
// Invariant
//  R1  reply() allocates nothing; a status that no HTTP has counts as 0.
const STATUSES = 1000;
const SIZE = { equal: 0, larger: 1, smaller: 2, unknown: 3, moreBytes: 4, fewerBytes: 5 } as const;
const SIZE_FIELDS = 6;
/** Pages that no status touches are never there. */
const BYTES = (SIZE_FIELDS + STATUSES * STATUSES) * 8;

export type SizesCompared = Record<keyof typeof SIZE, number>;

export function createReplyMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(BYTES);
}

export class ReplyComparison {
  readonly #sizes: Float64Array;
  readonly #matrix: Float64Array;

  constructor(memory: SharedArrayBuffer) {
    this.#sizes = new Float64Array(memory, 0, SIZE_FIELDS);
    this.#matrix = new Float64Array(memory, SIZE_FIELDS * 8);
  }

  /** A whole reply. Logged status 0 and bytes −1, either side: not known. */
  reply(loggedStatus: number, status: number, loggedBytes: number, bytes: number): void {
    this.#matrix[inRange(loggedStatus) * STATUSES + inRange(status)]!++;
    const sizes = this.#sizes;
    if (loggedBytes < 0 || bytes < 0) sizes[SIZE.unknown]!++;
    else if (bytes === loggedBytes) sizes[SIZE.equal]!++;
    else if (bytes > loggedBytes) {
      sizes[SIZE.larger]!++;
      sizes[SIZE.moreBytes]! += bytes - loggedBytes;
    } else {
      sizes[SIZE.smaller]!++;
      sizes[SIZE.fewerBytes]! += loggedBytes - bytes;
    }
  }
}

function inRange(status: number): number {
  return status > 0 && status < STATUSES ? status : 0;
}

/** Of all threads together; the matrix without its empty cells, in order of status. */
export function compareReplies(memories: readonly SharedArrayBuffer[]): {
  statusMatrix: [logged: number, came: number, count: number][];
  sizes: SizesCompared;
} {
  const sizes: SizesCompared = { equal: 0, larger: 0, smaller: 0, unknown: 0, moreBytes: 0, fewerBytes: 0 };
  const sums = new Map<number, number>();
  for (const memory of memories) {
    const fields = new Float64Array(memory, 0, SIZE_FIELDS);
    for (const [name, index] of Object.entries(SIZE)) sizes[name as keyof typeof SIZE] += fields[index]!;
    const matrix = new Float64Array(memory, SIZE_FIELDS * 8);
    for (let cell = 0; cell < matrix.length; cell++) {
      if (matrix[cell]! > 0) sums.set(cell, (sums.get(cell) ?? 0) + matrix[cell]!);
    }
  }
  const statusMatrix = [...sums]
    .sort(([a], [b]) => a - b)
    .map(([cell, count]): [number, number, number] => [Math.floor(cell / STATUSES), cell % STATUSES, count]);
  return { statusMatrix, sizes };
}
