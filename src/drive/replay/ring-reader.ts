/** The load thread's side of a ring: looks at the next request, takes it, and gives its room back. It never waits. */
import {
  F64,
  FIELDS,
  isHalfEmpty,
  RECORD_LIMIT,
  RING,
  type RingMemory,
  U32,
  viewRing,
} from './ring-memory.ts';

export class RingReader {
  /** Where the bytes of requests are; those of the next begin at `at`. */
  readonly bytes: Uint8Array;
  readonly #control: Int32Array;
  readonly #f64: Float64Array;
  readonly #u32: Uint32Array;
  #read: number;
  #freed: number;
  /** As it was when last looked at. */
  #written: number;
  /** Of the next record's fields. */
  #base: number;

  constructor(memory: RingMemory) {
    const views = viewRing(memory);
    this.#control = views.control;
    this.#f64 = views.f64;
    this.#u32 = views.u32;
    this.bytes = views.bytes;
    this.#read = Atomics.load(this.#control, RING.read);
    this.#freed = Atomics.load(this.#control, RING.freed);
    this.#written = this.#read;
    this.#base = (this.#read & (RECORD_LIMIT - 1)) * FIELDS;
  }

  /** False when there is no next record by now. */
  get hasNext(): boolean {
    if (this.#read !== this.#written) return true;
    this.#written = Atomics.load(this.#control, RING.written);
    return this.#read !== this.#written;
  }

  /** No record will come any more; asked when there is none. */
  get isEnded(): boolean {
    // In this order: the last record is written before the end is.
    return Atomics.load(this.#control, RING.ended) === 1 && !this.hasNext;
  }

  /** Of the next record; the caller has looked at `hasNext`, here and below. */
  get plannedNs(): number {
    return this.#f64[this.#base + F64.plannedNs]!;
  }

  /** Since the request of the log before it; −1: there is none. */
  get gapNs(): number {
    return this.#f64[this.#base + F64.gapNs]!;
  }

  get loggedNs(): number {
    return this.#f64[this.#base + F64.loggedNs]!;
  }

  get loggedBytes(): number {
    return this.#f64[this.#base + F64.loggedBytes]!;
  }

  get session(): number {
    return this.#u32[this.#base + U32.session]!;
  }

  get at(): number {
    return this.#u32[this.#base + U32.at]!;
  }

  get length(): number {
    return this.#u32[this.#base + U32.length]!;
  }

  get meta(): number {
    return this.#u32[this.#base + U32.meta]!;
  }

  /** Goes on to the record after it. Its bytes stay until release(). */
  take(): void {
    const size = this.bytes.length;
    const from = this.#freed & (size - 1);
    const { length } = this;
    const skipped = from + length > size ? size - from : 0;
    this.#freed = (this.#freed + skipped + length) | 0;
    this.#read = (this.#read + 1) | 0;
    this.#base = (this.#read & (RECORD_LIMIT - 1)) * FIELDS;
  }

  /** What was taken is copied: its room is the writer's again, which is woken when it waits for it. */
  release(): void {
    const control = this.#control;
    if (Atomics.load(control, RING.read) === this.#read) return;
    Atomics.store(control, RING.freed, this.#freed);
    Atomics.store(control, RING.read, this.#read);
    if (Atomics.load(control, RING.isWaiting) === 0) return;
    const filled = Atomics.load(control, RING.filled);
    if (!isHalfEmpty(control, Atomics.load(control, RING.written), filled, this.bytes.length)) return;
    Atomics.store(control, RING.isWaiting, 0);
    Atomics.add(control, RING.room, 1);
    Atomics.notify(control, RING.room);
  }
}
