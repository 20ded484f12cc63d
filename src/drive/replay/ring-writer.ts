/** The reader's side of a ring: requests are copied in, in the order in which they are due. */
import type { ReplayRequest } from '../../plan/replay/replay-request.ts';
import {
  F64,
  FIELDS,
  isHalfEmpty,
  metaOf,
  RECORD_LIMIT,
  RING,
  type RingMemory,
  U32,
  viewRing,
} from './ring-memory.ts';

/** A request longer than this part of the ring is refused: it would have the ring run empty first. */
const LONGEST_PART = 1 / 4;
/** How long a wait for room lasts at most, whatever became of the thread that makes room. */
const WAIT_MS = 200;

export class RingWriter {
  /** Longest request that can be handed over. */
  readonly longest: number;
  readonly #control: Int32Array;
  readonly #f64: Float64Array;
  readonly #u32: Uint32Array;
  readonly #bytes: Uint8Array;
  #written: number;
  #filled: number;

  constructor(memory: RingMemory) {
    const views = viewRing(memory);
    this.#control = views.control;
    this.#f64 = views.f64;
    this.#u32 = views.u32;
    this.#bytes = views.bytes;
    this.#written = Atomics.load(this.#control, RING.written);
    this.#filled = Atomics.load(this.#control, RING.filled);
    this.longest = Math.floor(views.bytes.length * LONGEST_PART);
  }

  /** False when there is no room. `gapNs`: since the request before it, whoever takes that; −1: there is none. */
  push(request: ReplayRequest, gapNs: number): boolean {
    const control = this.#control;
    const size = this.#bytes.length;
    const length = request.end - request.start;
    const used = (this.#written - Atomics.load(control, RING.read)) | 0;
    if (used >= RECORD_LIMIT) return false;
    let at = this.#filled & (size - 1);
    const skipped = at + length > size ? size - at : 0;
    const filled = (this.#filled - Atomics.load(control, RING.freed)) | 0;
    if (filled + skipped + length > size) return false;
    if (skipped > 0) at = 0;
    for (let from = request.start, to = at; from < request.end; ) this.#bytes[to++] = request.bytes[from++]!;
    const base = (this.#written & (RECORD_LIMIT - 1)) * FIELDS;
    this.#f64[base + F64.plannedNs] = request.plannedNs;
    this.#f64[base + F64.gapNs] = gapNs;
    this.#f64[base + F64.loggedNs] = request.loggedNs;
    this.#f64[base + F64.loggedBytes] = request.loggedBytes;
    this.#u32[base + U32.session] = request.session;
    this.#filled = (this.#filled + skipped + length) | 0;
    this.#u32[base + U32.at] = at;
    this.#u32[base + U32.length] = length;
    this.#u32[base + U32.meta] = metaOf(request.route, request.loggedStatus, request.noBody, request.closes);
    this.#written = (this.#written + 1) | 0;
    Atomics.store(control, RING.filled, this.#filled);
    Atomics.store(control, RING.written, this.#written);
    return true;
  }

  /** Resolves when the load thread has made room, or after a while. */
  async room(): Promise<void> {
    const control = this.#control;
    const before = Atomics.load(control, RING.room);
    Atomics.store(control, RING.isWaiting, 1);
    // Room made between the failed push and the mark is not told of.
    if (isHalfEmpty(control, this.#written, this.#filled, this.#bytes.length)) return;
    const wait = Atomics.waitAsync(control, RING.room, before, WAIT_MS);
    if (wait.async) await wait.value;
  }

  /** No request follows. */
  end(): void {
    Atomics.store(this.#control, RING.ended, 1);
  }
}
