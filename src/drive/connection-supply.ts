/** Keeps a thread's connections open: makes them at first, and again when they are lost, with patience. */
// Invariants
//  K1  open + opening + missing = wanted, until close().
import type { Address } from '../base/address.ts';
import { LoopscopeError } from '../base/errors.ts';
import type { EventLoop } from '../loop/event-loop.ts';
import { COUNTER } from './thread-memory.ts';

/** Connects under way at once: a listen queue is short, and a refused SYN costs a second. */
const OPENING_LIMIT = 128;
const FIRST_BACKOFF_NS = 1e6;
const MAX_BACKOFF_NS = 500e6;

export class ConnectionSupply {
  readonly #address: Address;
  readonly #counters: Float64Array;
  readonly #wanted: number;
  #loop!: EventLoop;
  #missing: number;
  #opening = 0;
  #triedCount = 0;
  #retryAtNs = 0;
  #backoffNs = 0;
  #closed = false;
  /** A reply came on this connection: losing it is no reason for patience. */
  readonly #useful: Uint8Array;
  /** errno of the last connect that failed; 0 when none did. */
  lastErrno = 0;
  /** Why no socket could be made, if so. */
  lastError: LoopscopeError | null = null;

  constructor(address: Address, wanted: number, connectionLimit: number, counters: Float64Array) {
    this.#address = address;
    this.#wanted = wanted;
    this.#missing = wanted;
    this.#counters = counters;
    this.#useful = new Uint8Array(connectionLimit);
  }

  attach(loop: EventLoop): void {
    this.#loop = loop;
  }

  /** Every wanted connection was tried once and none is under way, or the first ones were all refused. */
  get isSettled(): boolean {
    if (this.#opening > 0) return false;
    return this.#missing === 0 || this.#triedCount >= this.#wanted || this.#isHopeless;
  }

  get #isHopeless(): boolean {
    return this.#triedCount >= OPENING_LIMIT && this.#counters[COUNTER.opened] === 0;
  }

  /** Once a turn: opens what is missing. Returns how long the next turn may wait for this, ns. */
  maintain(nowNs: number): number {
    if (this.#missing === 0 || this.#closed) return Number.POSITIVE_INFINITY;
    if (nowNs < this.#retryAtNs) return this.#retryAtNs - nowNs;
    // With nobody answering one attempt a time is enough; the first round tries each connection once.
    const patient = this.#isHopeless || (this.#backoffNs > 0 && this.#triedCount >= this.#wanted);
    const limit = patient && this.#counters[COUNTER.open] === 0 ? 1 : OPENING_LIMIT;
    while (this.#missing > 0 && this.#opening < limit) {
      if (!this.#open()) {
        this.#patience(nowNs);
        return this.#backoffNs;
      }
    }
    return Number.POSITIVE_INFINITY;
  }

  #open(): boolean {
    try {
      this.#loop.connect(this.#address);
    } catch (error) {
      this.lastError = error instanceof LoopscopeError ? error : null;
      if (this.lastError === null) throw error;
      this.#triedCount = Math.max(this.#triedCount, this.#wanted);
      this.#counters[COUNTER.failed]!++;
      return false;
    }
    this.#triedCount++;
    this.#opening++;
    this.#missing--;
    return true;
  }

  /** The outcome of a connect. */
  connected(conn: number, errno: number, nowNs: number): void {
    this.#opening--;
    const counters = this.#counters;
    if (errno !== 0) {
      this.#missing++;
      counters[COUNTER.failed]!++;
      this.lastErrno = errno;
      // The first round goes on: a full listen queue refuses some and takes others.
      if (this.#triedCount >= this.#wanted || this.#isHopeless) this.#patience(nowNs);
      this.#markDown(nowNs);
      return;
    }
    this.#useful[conn] = 0;
    if (counters[COUNTER.opened]! >= this.#wanted) counters[COUNTER.reopened]!++;
    counters[COUNTER.opened]!++;
    counters[COUNTER.open]!++;
    counters[COUNTER.downSinceNs] = 0;
  }

  proved(conn: number): void {
    this.#useful[conn] = 1;
    this.#backoffNs = 0;
  }

  /** A connection is gone; it is opened again, at once if it had been of use. */
  lost(conn: number, nowNs: number): void {
    this.#missing++;
    this.#counters[COUNTER.open]!--;
    if (this.#useful[conn] === 0) this.#patience(nowNs);
    this.#markDown(nowNs);
  }

  /** No more connections. */
  close(): void {
    this.#closed = true;
  }

  #patience(nowNs: number): void {
    if (nowNs < this.#retryAtNs) return;
    this.#backoffNs = Math.min(MAX_BACKOFF_NS, Math.max(FIRST_BACKOFF_NS, this.#backoffNs * 2));
    this.#retryAtNs = nowNs + this.#backoffNs;
  }

  #markDown(nowNs: number): void {
    if (this.#counters[COUNTER.open] === 0 && this.#counters[COUNTER.downSinceNs] === 0) {
      this.#counters[COUNTER.downSinceNs] = nowNs;
    }
  }
}
