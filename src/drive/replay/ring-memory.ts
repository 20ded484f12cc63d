/**
 * What lies between the reader of a log and one load thread: a ring of records, and a ring of the requests' bytes, in
 * shared memory. One thread writes, one reads; the writer waits when it is full, the reader never does.
 */
// Invariants
//  G1  Positions only grow, modulo 2^32. Of records: read ≤ written ≤ read + RECORD_LIMIT. Of bytes: freed ≤ filled ≤
//      freed + the ring's size, a power of two.
//  G2  The writer alone stores filled, written and ended, after what they tell of; the reader alone stores read and freed, after
//      it has copied what it wants.
//  G3  The bytes of a request lie in one piece: what is left at the ring's end is skipped when it is too short.

export const RECORD_LIMIT = 16_384;
/** Doubles and words of a record. */
export const F64 = { plannedNs: 0, gapNs: 1, loggedNs: 2, loggedBytes: 3 } as const;
export const U32 = { session: 0, at: 1, length: 2, meta: 3 } as const;
export const FIELDS = 4;

/** Words of the control block. */
export const RING = { written: 0, filled: 1, read: 2, freed: 3, ended: 4, room: 5, isWaiting: 6 } as const;
const CONTROL_BYTES = 32;

/** Most bytes of a ring, of all rings together, and of the smallest. */
const BYTES_MAX = 8 * 1024 * 1024;
const BYTES_TOTAL = 64 * 1024 * 1024;
const BYTES_MIN = 1024 * 1024;

export type RingMemory = {
  readonly control: SharedArrayBuffer;
  readonly records: SharedArrayBuffer;
  readonly bytes: SharedArrayBuffer;
};

/** The ring of one of so many threads. */
export function createRing(threadCount: number): RingMemory {
  const fair = 2 ** Math.floor(Math.log2(BYTES_TOTAL / threadCount));
  return {
    control: new SharedArrayBuffer(CONTROL_BYTES),
    records: new SharedArrayBuffer(RECORD_LIMIT * FIELDS * (8 + 4)),
    bytes: new SharedArrayBuffer(Math.max(BYTES_MIN, Math.min(BYTES_MAX, fair))),
  };
}

/** Views of a ring, the same on both sides. */
export function viewRing({ control, records, bytes }: RingMemory): {
  control: Int32Array;
  f64: Float64Array;
  u32: Uint32Array;
  bytes: Uint8Array;
} {
  return {
    control: new Int32Array(control),
    f64: new Float64Array(records, 0, RECORD_LIMIT * FIELDS),
    u32: new Uint32Array(records, RECORD_LIMIT * FIELDS * 8, RECORD_LIMIT * FIELDS),
    bytes: new Uint8Array(bytes),
  };
}

/** A record's last word: route, status as logged, and two marks. */
export function metaOf(route: number, loggedStatus: number, noBody: boolean, closes: boolean): number {
  return route | (loggedStatus << 8) | (noBody ? 1 << 18 : 0) | (closes ? 1 << 19 : 0);
}

export const META = {
  route: (meta: number): number => meta & 0xff,
  loggedStatus: (meta: number): number => (meta >> 8) & 0x3ff,
  noBody: (meta: number): number => (meta >> 18) & 1,
  closes: (meta: number): number => (meta >> 19) & 1,
};

/** Room enough for the writer to go on: waking it for each record would cost more than writing that. */
export function isHalfEmpty(
  control: Int32Array,
  written: number,
  filled: number,
  byteLength: number,
): boolean {
  const recordCount = (written - Atomics.load(control, RING.read)) | 0;
  const byteCount = (filled - Atomics.load(control, RING.freed)) | 0;
  return recordCount <= RECORD_LIMIT / 2 && byteCount <= byteLength / 2;
}
