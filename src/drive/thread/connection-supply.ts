/** Keeps a thread's connections open: makes them at first, and again when they are lost, with patience. */
// Invariants
//  K1  open + opening + missing = wanted, until close().
//  K2  #connecting holds exactly the connections being opened.
import type { Address } from '../../base/address.ts';
import { LoopscopeError } from '../../base/errors.ts';
import { ERRNO } from '../../kernel/errno.ts';
import type { ConnectOptions, EventLoop } from '../../loop/event-loop.ts';
import { COUNTER } from '../tally/thread-memory.ts';
import { DeadlineList } from './deadline-list.ts';

/** Connects under way at once: a listen queue is short, and a refused SYN costs a second. */
const OPENING_LIMIT = 128;
const FIRST_BACKOFF_NS = 1e6;
const MAX_BACKOFF_NS = 500e6;
/** Openings that are late by up to this much are still made up for. */
const CATCH_UP_NS = 20e6;

export type SupplyOptions = {
  address: Address;
  wanted: number;
  connectionLimit: number;
  connectTimeoutNs: number;
  /** Connections opened per second at most; null: as fast as they can be. */
  openingsPerSec: number | null;
  /** Local addresses used in turn; empty: the kernel's choice. */
  sourceAddresses: readonly string[];
  counters: Float64Array;
};

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
  readonly #connecting: DeadlineList;
  readonly #connectTimeoutNs: number;
  /** Openings are this far apart; 0: at once. */
  readonly #openEveryNs: number;
  #openAtNs = 0;
  readonly #sources: readonly ConnectOptions[];
  #sourceIndex = 0;
  /** errno of the last connect that failed; 0 when none did. */
  lastErrno = 0;
  /** Why no socket could be made, if so. */
  lastError: LoopscopeError | null = null;

  constructor(options: SupplyOptions) {
    this.#address = options.address;
    this.#wanted = options.wanted;
    this.#missing = options.wanted;
    this.#counters = options.counters;
    this.#useful = new Uint8Array(options.connectionLimit);
    this.#connecting = new DeadlineList(options.connectionLimit);
    this.#connectTimeoutNs = options.connectTimeoutNs;
    this.#openEveryNs = options.openingsPerSec === null ? 0 : 1e9 / options.openingsPerSec;
    this.#sources = options.sourceAddresses.map((sourceAddress) => ({ sourceAddress }));
  }

  attach(loop: EventLoop): void {
    this.#loop = loop;
  }

  /** Every wanted connection was tried once and none is under way, or the first ones were all refused. */
  get isSettled(): boolean {
    // Opening at a rate goes on during the load, which begins with the first connection.
    if (this.#openEveryNs > 0 && this.#counters[COUNTER.open]! > 0) return true;
    if (this.#opening > 0) return false;
    return this.#missing === 0 || this.#triedCount >= this.#wanted || this.#isHopeless;
  }

  get #isHopeless(): boolean {
    return this.#triedCount >= OPENING_LIMIT && this.#counters[COUNTER.opened] === 0;
  }

  /** Once a turn: opens what is missing. Returns how long the next turn may wait for this, ns. */
  maintain(nowNs: number): number {
    // The usual case, in every turn.
    if (this.#missing === 0 && this.#opening === 0) return Number.POSITIVE_INFINITY;
    const waitNs = this.#expire(nowNs);
    if (this.#missing === 0 || this.#closed) return waitNs;
    if (nowNs < this.#retryAtNs) return Math.min(waitNs, this.#retryAtNs - nowNs);
    // With nobody answering one attempt a time is enough; the first round tries each connection once.
    const patient = this.#isHopeless || (this.#backoffNs > 0 && this.#triedCount >= this.#wanted);
    const limit = patient && this.#counters[COUNTER.open] === 0 ? 1 : OPENING_LIMIT;
    while (this.#missing > 0 && this.#opening < limit) {
      if (nowNs < this.#openAtNs) return Math.min(waitNs, this.#openAtNs - nowNs);
      if (!this.#open(nowNs)) {
        this.#patience(nowNs);
        return Math.min(waitNs, this.#backoffNs);
      }
    }
    return Math.min(waitNs, this.#connecting.earliestNs - nowNs);
  }

  /** Gives up connects that take too long. Returns how long until the next is to be given up, ns. */
  #expire(nowNs: number): number {
    const connecting = this.#connecting;
    for (let conn = connecting.expired(nowNs); conn >= 0; conn = connecting.expired(nowNs)) {
      this.#loop.close(conn);
      this.connected(conn, ERRNO.ETIMEDOUT, nowNs);
    }
    return connecting.earliestNs - nowNs;
  }

  #open(nowNs: number): boolean {
    let conn: number;
    try {
      conn = this.#loop.connect(this.#address, this.#nextSource());
    } catch (error) {
      this.lastError = error instanceof LoopscopeError ? error : null;
      if (this.lastError === null) throw error;
      this.#triedCount = Math.max(this.#triedCount, this.#wanted);
      this.#counters[COUNTER.failed]!++;
      return false;
    }
    this.#connecting.add(conn, nowNs + this.#connectTimeoutNs);
    // An absolute pace, but what was missed long ago is not made up for in a burst.
    this.#openAtNs = Math.max(this.#openAtNs, nowNs - CATCH_UP_NS) + this.#openEveryNs;
    this.#triedCount++;
    this.#opening++;
    this.#missing--;
    return true;
  }

  #nextSource(): ConnectOptions | undefined {
    const source = this.#sources[this.#sourceIndex];
    if (++this.#sourceIndex >= this.#sources.length) this.#sourceIndex = 0;
    return source;
  }

  /** The outcome of a connect. */
  connected(conn: number, errno: number, nowNs: number): void {
    this.#opening--;
    this.#connecting.remove(conn);
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
