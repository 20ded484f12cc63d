/** The bytes of all requests in the loop's send memory, and which of them is sent next. */
import type { EventLoop, SendMemory } from '../../loop/event-loop.ts';
import type { EncodedRequests } from '../../plan/requests/requests.ts';

/** Copies of a lone request kept side by side, so that a batch of it is one piece: bounded in bytes. */
const BATCH_BYTES = 64 * 1024;

export class Outgoing {
  readonly requests: EncodedRequests;
  /** How many of a lone request can be sent as one piece; 1 when there are several variants. */
  readonly batchLimit: number;
  readonly #offsets: Uint32Array;
  readonly #lengths: Uint32Array;
  readonly #order: Uint32Array;
  readonly #step: number;
  #at: number;
  #memory!: SendMemory;

  /**
   * Thread `index` of `of` sends every `of`-th request of the plan's order, as it does of the schedule; in a closed loop,
   * which has none, all of them in order, from its own place on: threads that differ in speed then still keep the mix.
   */
  constructor(requests: EncodedRequests, depth: number, index: number, of: number, isClosed = false) {
    this.requests = requests;
    this.#offsets = requests.offsets;
    this.#lengths = requests.lengths;
    this.#order = requests.order;
    const { length } = requests.order;
    this.#step = isClosed ? 1 % length : of % length;
    this.#at = isClosed ? Math.floor((index * length) / of) : index % length;
    const isLone = requests.offsets.length === 1 && requests.closes[0] === 0;
    this.batchLimit = isLone
      ? Math.max(1, Math.min(depth, Math.floor(BATCH_BYTES / requests.lengths[0]!)))
      : 1;
  }

  attach(loop: EventLoop): void {
    const { arena } = this.requests;
    this.#memory = loop.allocateSendMemory(arena.length * this.batchLimit);
    for (let copy = 0; copy < this.batchLimit; copy++) this.#memory.bytes.set(arena, copy * arena.length);
  }

  /** The variant of the next request. */
  take(): number {
    const variant = this.#order[this.#at]!;
    this.#at += this.#step;
    if (this.#at >= this.#order.length) this.#at -= this.#order.length;
    return variant;
  }

  /** Nothing may follow it on its connection. */
  isLast(variant: number): boolean {
    return this.requests.closes[variant] === 1;
  }

  send(loop: EventLoop, conn: number, variant: number): boolean {
    const start = this.#offsets[variant]!;
    return loop.send(conn, this.#memory, start, start + this.#lengths[variant]!);
  }

  /** As one piece, a lone request `count` times; count ≤ batchLimit. */
  sendBatch(loop: EventLoop, conn: number, count: number): boolean {
    return loop.send(conn, this.#memory, 0, count * this.#lengths[0]!);
  }
}
