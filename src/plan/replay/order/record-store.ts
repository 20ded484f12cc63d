/**
 * Requests that wait for their turn: figures in columns, bytes in segments that are filled one after another and used
 * again when all that is in them has left. Requests leave in about the order in which they came, so segments do too.
 *
 * Invariants
 *  R1  No more than LIMIT_BYTES in segments and SLOT_LIMIT requests, a quarter at first; reserve() says so before.
 *  R2  #live[s] requests lie in segment s; it is free when that is 0 and it is not the one that is filled.
 *  R3  reserve(), commit() and free() allocate nothing once the segments are there, but for a request larger than one.
 */
const SEGMENT_BYTES = 256 * 1024;
const LIMIT_BYTES = 24 * 1024 * 1024;
const SEGMENT_LIMIT: number = LIMIT_BYTES / SEGMENT_BYTES;
/** So many at first: the first request is not to wait until all the memory is full. */
const FIRST_SEGMENTS: number = SEGMENT_LIMIT / 4;
/** Larger than a segment: so many at a time have one of their own. */
const LARGE_LIMIT = 64;
export const SLOT_LIMIT: number = 1 << 18;

export const FLAG = { noBody: 1, closes: 2, coarse: 4 } as const;

export class RecordStore {
  readonly startNs: Float64Array;
  /** In which order they came: of those that start at the same time the first goes first. */
  readonly sequence: Float64Array;
  readonly offset: Uint32Array;
  readonly length: Uint32Array;
  /** Bytes of filler behind them. */
  readonly fillBytes: Uint32Array;
  readonly session: Uint32Array;
  readonly route: Uint8Array;
  readonly method: Uint8Array;
  readonly flags: Uint8Array;
  readonly status: Uint16Array;
  readonly loggedBytes: Float64Array;
  readonly loggedNs: Float64Array;
  /** Where the reserved bytes are to be written. */
  bytes: Uint8Array = new Uint8Array(0);
  at = 0;
  count = 0;
  readonly #slotLimit: number;
  readonly #segmentLimit: number;
  readonly #segmentOf: Uint16Array;
  /** Behind the segments: those of single large requests. */
  readonly #segments: (Uint8Array | null)[];
  readonly #live: Uint32Array;
  readonly #freeSegments: number[] = [];
  readonly #freeSlots: Uint32Array;
  #freeSlotCount = 0;
  #usedSlots = 0;
  #madeSegments = 0;
  #allowedSegments: number;
  #current = -1;
  #filled = 0;
  #target = -1;
  #largeBytes = 0;
  #sequence = 0;

  constructor(slotLimit: number = SLOT_LIMIT, segmentLimit: number = SEGMENT_LIMIT) {
    this.#slotLimit = slotLimit;
    this.#segmentLimit = segmentLimit;
    this.#allowedSegments = Math.min(segmentLimit, FIRST_SEGMENTS);
    this.startNs = new Float64Array(slotLimit);
    this.sequence = new Float64Array(slotLimit);
    this.offset = new Uint32Array(slotLimit);
    this.length = new Uint32Array(slotLimit);
    this.fillBytes = new Uint32Array(slotLimit);
    this.session = new Uint32Array(slotLimit);
    this.route = new Uint8Array(slotLimit);
    this.method = new Uint8Array(slotLimit);
    this.flags = new Uint8Array(slotLimit);
    this.status = new Uint16Array(slotLimit);
    this.loggedBytes = new Float64Array(slotLimit);
    this.loggedNs = new Float64Array(slotLimit);
    this.#segmentOf = new Uint16Array(slotLimit);
    this.#freeSlots = new Uint32Array(slotLimit);
    this.#segments = new Array(segmentLimit + LARGE_LIMIT).fill(null);
    this.#live = new Uint32Array(segmentLimit + LARGE_LIMIT);
  }

  /** Room for one of at most `byteLength` bytes, at `bytes` and `at`; false when some have to leave before. */
  reserve(byteLength: number): boolean {
    if (this.#usedSlots === this.#slotLimit && this.#freeSlotCount === 0) return false;
    if (byteLength > SEGMENT_BYTES) return this.#reserveLarge(byteLength);
    if (this.#current < 0 || this.#filled + byteLength > SEGMENT_BYTES) {
      const next = this.#takeSegment();
      if (next < 0) return false;
      this.#current = next;
      this.#filled = 0;
    }
    this.#target = this.#current;
    this.bytes = this.#segments[this.#current]!;
    this.at = this.#filled;
    return true;
  }

  /** Allows a segment more, or all there may be; false when all are allowed. */
  grow(toLimit = false): boolean {
    if (this.#allowedSegments === this.#segmentLimit) return false;
    this.#allowedSegments = toLimit ? this.#segmentLimit : this.#allowedSegments + 1;
    return true;
  }

  /** The reserved bytes up to `end` are a request: its slot, whose columns are for the caller to fill. */
  commit(end: number): number {
    const slot = this.#freeSlotCount > 0 ? this.#freeSlots[--this.#freeSlotCount]! : this.#usedSlots++;
    this.offset[slot] = this.at;
    this.length[slot] = end - this.at;
    this.sequence[slot] = this.#sequence++;
    this.#segmentOf[slot] = this.#target;
    this.#live[this.#target]!++;
    if (this.#target === this.#current) this.#filled = end;
    this.count++;
    return slot;
  }

  /** The bytes that a slot's offset is in. */
  bytesOf(slot: number): Uint8Array {
    return this.#segments[this.#segmentOf[slot]!]!;
  }

  free(slot: number): void {
    const segment = this.#segmentOf[slot]!;
    this.#freeSlots[this.#freeSlotCount++] = slot;
    this.count--;
    if (--this.#live[segment]! > 0) return;
    if (segment >= this.#segmentLimit) {
      this.#largeBytes -= this.#segments[segment]!.length;
      this.#segments[segment] = null;
    } else if (segment === this.#current) {
      this.#filled = 0;
    } else {
      this.#freeSegments.push(segment);
    }
  }

  #takeSegment(): number {
    const free = this.#freeSegments.pop();
    if (free !== undefined) return free;
    if (this.#madeSegments === this.#allowedSegments) return -1;
    this.#segments[this.#madeSegments] = new Uint8Array(SEGMENT_BYTES);
    return this.#madeSegments++;
  }

  #reserveLarge(byteLength: number): boolean {
    if (this.#largeBytes + byteLength > LIMIT_BYTES / 2) return false;
    for (let index = this.#segmentLimit; index < this.#segmentLimit + LARGE_LIMIT; index++) {
      if (this.#live[index] !== 0) continue;
      this.#largeBytes -= this.#segments[index]?.length ?? 0;
      this.#segments[index] = new Uint8Array(byteLength);
      this.#largeBytes += byteLength;
      this.#target = index;
      this.bytes = this.#segments[index]!;
      this.at = 0;
      return true;
    }
    return false;
  }
}
