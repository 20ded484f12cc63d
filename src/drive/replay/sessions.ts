/**
 * The clients of a log: which connection each used last, and which of its requests wait for the one before them. A
 * bounded table; when it is full the client that has been quiet longest is forgotten.
 */
// Invariants
//  C1  A client is active while one of its requests is under way or may be sent; only then do others of it wait.
//  C2  Idle clients, and they alone, are in #idle, quiet longest first. So one can be forgotten whenever there are more
//      entries than requests held.
//  C3  Requests of a client leave its queue in the order in which they came.
import { IndexList } from '../lists/index-list.ts';

const NONE = -1;

export class Sessions {
  /** By entry: the connection used last; −1: none yet. */
  readonly lastConn: Int32Array;
  /** By entry: the order of the request sent last. */
  readonly lastOrder: Float64Array;
  readonly #hash: Uint32Array;
  readonly #isActive: Uint8Array;
  /** Chains of entries whose hashes fall together: the first of each, and the next. */
  readonly #heads: Int32Array;
  readonly #next: Int32Array;
  readonly #idle: IndexList;
  /** Requests that wait for their predecessor: by entry the first and last, by slot the next. */
  readonly #queueHead: Int32Array;
  readonly #queueTail: Int32Array;
  readonly #queueNext: Int32Array;
  #used = 0;

  /** `slotLimit`: most requests held at once; `limit`, more than that: clients remembered. */
  constructor(limit: number, slotLimit: number) {
    this.lastConn = new Int32Array(limit);
    this.lastOrder = new Float64Array(limit);
    this.#hash = new Uint32Array(limit);
    this.#isActive = new Uint8Array(limit);
    this.#heads = new Int32Array(2 ** Math.ceil(Math.log2(limit))).fill(NONE);
    this.#next = new Int32Array(limit);
    this.#idle = new IndexList(limit);
    this.#queueHead = new Int32Array(limit).fill(NONE);
    this.#queueTail = new Int32Array(limit).fill(NONE);
    this.#queueNext = new Int32Array(slotLimit).fill(NONE);
  }

  /** The entry of a client, new if need be. A new one is idle until begin(). */
  of(hash: number): number {
    const chain = this.#chainOf(hash);
    for (let entry = this.#heads[chain]!; entry !== NONE; entry = this.#next[entry]!) {
      if (this.#hash[entry] === hash) return entry;
    }
    const entry = this.#used < this.lastConn.length ? this.#used++ : this.#forget();
    this.#hash[entry] = hash;
    this.lastConn[entry] = NONE;
    this.lastOrder[entry] = NONE;
    this.#next[entry] = this.#heads[chain]!;
    this.#heads[chain] = entry;
    this.#idle.push(entry);
    return entry;
  }

  isActive(entry: number): boolean {
    return this.#isActive[entry] === 1;
  }

  /** A request of an idle client may be sent. */
  begin(entry: number): void {
    this.#isActive[entry] = 1;
    this.#idle.remove(entry);
  }

  /** Of an active client: the request waits for those before it. */
  enqueue(entry: number, slot: number): void {
    const tail = this.#queueTail[entry]!;
    this.#queueNext[slot] = NONE;
    if (tail === NONE) this.#queueHead[entry] = slot;
    else this.#queueNext[tail] = slot;
    this.#queueTail[entry] = slot;
  }

  /** A client's request has its end: the slot of the one that may be sent now; −1: it has none, and is idle. */
  next(entry: number): number {
    const slot = this.dequeue(entry);
    if (slot === NONE) {
      this.#isActive[entry] = 0;
      this.#idle.push(entry);
    }
    return slot;
  }

  /** Takes out the first that waits; −1: none does. */
  dequeue(entry: number): number {
    const slot = this.#queueHead[entry]!;
    if (slot === NONE) return NONE;
    const after = this.#queueNext[slot]!;
    this.#queueHead[entry] = after;
    if (after === NONE) this.#queueTail[entry] = NONE;
    return slot;
  }

  #chainOf(hash: number): number {
    return (Math.imul(hash, 0x9e3779b1) >>> 7) & (this.#heads.length - 1);
  }

  /** Of the idle clients the one that has been quiet longest. */
  #forget(): number {
    const gone = this.#idle.shift();
    const chain = this.#chainOf(this.#hash[gone]!);
    const after = this.#next[gone]!;
    if (this.#heads[chain] === gone) {
      this.#heads[chain] = after;
      return gone;
    }
    let entry = this.#heads[chain]!;
    while (this.#next[entry] !== gone) entry = this.#next[entry]!;
    this.#next[entry] = after;
    return gone;
  }
}
