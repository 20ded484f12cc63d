/**
 * Requests of a log that a load thread has taken and that have no end yet: what is known of each, and its bytes. A
 * slot's number is the request's variant for everything that handles requests.
 */
// Invariants
//  L1  A slot is free or held. Bytes of one that is sent at once stay in the ring, which the thread gives back after its
//      turn; bytes of one that has to wait are copied to the slot's own buffer.
//  L2  A buffer grows to the longest request that waited in it, and is dropped afterwards when that was very long. All
//      together are below `waitingBytesLimit`.
import type { EventLoop } from '../../loop/event-loop.ts';
import { ROUTE_LIMIT } from '../../plan/replay/replay-request.ts';
import type { EncodedRequests } from '../../plan/requests/requests.ts';
import type { Outgoing } from '../flight/outgoing.ts';
import { META } from './ring-memory.ts';
import type { RingReader } from './ring-reader.ts';

const FIRST_BUFFER_BYTES = 512;
/** A buffer longer than this is not kept for the next. */
const KEPT_BUFFER_BYTES = 16 * 1024;
const NO_BYTES = new Uint8Array(0);

export class Slots implements Outgoing {
  readonly batchLimit = 1;
  readonly requests: EncodedRequests;
  readonly limit: number;
  readonly plannedNs: Float64Array;
  /** Entry of its client. */
  readonly session: Int32Array;
  readonly loggedStatus: Uint16Array;
  readonly loggedBytes: Float64Array;
  readonly loggedNs: Float64Array;
  /** How many were taken before it. */
  readonly order: Float64Array;
  /** When its client's request before it had its end; its own time if it did not wait for that. */
  readonly readyNs: Float64Array;
  /** Bytes of requests that wait. */
  waitingBytes = 0;
  readonly #ring: RingReader;
  readonly #buffers: Uint8Array[];
  /** Where the bytes are: the ring's or the slot's own; from there on. */
  readonly #sources: Uint8Array[];
  readonly #at: Uint32Array;
  readonly #lengths: Uint32Array;
  readonly #free: Int32Array;
  #freeCount: number;
  #takenCount = 0;

  constructor(limit: number, ring: RingReader) {
    this.limit = limit;
    this.#ring = ring;
    this.plannedNs = new Float64Array(limit);
    this.session = new Int32Array(limit);
    this.loggedStatus = new Uint16Array(limit);
    this.loggedBytes = new Float64Array(limit);
    this.loggedNs = new Float64Array(limit);
    this.order = new Float64Array(limit);
    this.readyNs = new Float64Array(limit);
    this.#buffers = Array<Uint8Array>(limit).fill(NO_BYTES);
    this.#sources = Array<Uint8Array>(limit).fill(NO_BYTES);
    this.#at = new Uint32Array(limit);
    this.#lengths = new Uint32Array(limit);
    this.#free = Int32Array.from({ length: limit }, (_, i) => limit - 1 - i);
    this.#freeCount = limit;
    this.requests = {
      arena: NO_BYTES,
      offsets: this.#at,
      lengths: this.#lengths,
      order: new Uint32Array(1),
      kindOf: new Uint16Array(limit),
      kindNames: Array.from({ length: ROUTE_LIMIT }, (_, route) => `route ${route + 1}`),
      checks: Array<null>(ROUTE_LIMIT).fill(null),
      noBody: new Uint8Array(limit),
      closes: new Uint8Array(limit),
      repeatable: new Uint8Array(limit),
      ownArena: NO_BYTES,
      ownOffsets: new Uint32Array(0),
    };
  }

  get isFull(): boolean {
    return this.#freeCount === 0;
  }

  /** The ring's next request, for a client's entry; due at `plannedNs`. There is a free slot. The ring goes on. */
  take(session: number, plannedNs: number): number {
    const slot = this.#free[--this.#freeCount]!;
    const ring = this.#ring;
    const { meta } = ring;
    const { requests } = this;
    this.plannedNs[slot] = plannedNs;
    this.session[slot] = session;
    this.loggedBytes[slot] = ring.loggedBytes;
    this.loggedNs[slot] = ring.loggedNs;
    this.loggedStatus[slot] = META.loggedStatus(meta);
    this.order[slot] = this.#takenCount++;
    this.readyNs[slot] = plannedNs;
    requests.kindOf[slot] = META.route(meta);
    requests.noBody[slot] = META.noBody(meta);
    requests.closes[slot] = META.closes(meta);
    this.#sources[slot] = ring.bytes;
    this.#at[slot] = ring.at;
    this.#lengths[slot] = ring.length;
    ring.take();
    return slot;
  }

  /** It is not sent at once: its bytes leave the ring. */
  keep(slot: number): void {
    const length = this.#lengths[slot]!;
    let buffer = this.#buffers[slot]!;
    if (buffer.length < length) {
      buffer = new Uint8Array(Math.max(FIRST_BUFFER_BYTES, 2 ** Math.ceil(Math.log2(length))));
      this.#buffers[slot] = buffer;
    }
    const at = this.#at[slot]!;
    const { bytes } = this.#ring;
    for (let i = 0; i < length; i++) buffer[i] = bytes[at + i]!;
    this.#sources[slot] = buffer;
    this.#at[slot] = 0;
    this.waitingBytes += length;
  }

  /** It has its end, or is given up. */
  release(slot: number): void {
    this.#dropBytes(slot);
    this.#free[this.#freeCount++] = slot;
  }

  #dropBytes(slot: number): void {
    const source = this.#sources[slot]!;
    if (source === NO_BYTES) return;
    this.#sources[slot] = NO_BYTES;
    if (source === this.#ring.bytes) return;
    this.waitingBytes -= this.#lengths[slot]!;
    if (source.length > KEPT_BUFFER_BYTES) this.#buffers[slot] = NO_BYTES;
  }

  attach(): void {}

  isLast(slot: number): boolean {
    return this.requests.closes[slot] === 1;
  }

  send(loop: EventLoop, conn: number, slot: number): boolean {
    const at = this.#at[slot]!;
    const isSent = loop.sendCopy(conn, this.#sources[slot]!, at, at + this.#lengths[slot]!);
    this.#dropBytes(slot);
    return isSent;
  }

  sendBatch(): boolean {
    return false;
  }
}
