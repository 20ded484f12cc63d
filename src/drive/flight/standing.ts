/** What each connection may do: send, only bring late replies, or nothing. */
// Invariants
//  S1  A connection sends only while it is OPEN, nothing on it is late, it has fewer than `depth` under way, and its
//      share of requests is not used up (maySend).
//      Of all together, no more are under way than fit on those wanted, and none is sent beyond `requestLimit` (left).
//  S2  At most `asideLimit` connections are ASIDE: replaced because a request timed out, and kept for its reply.

import { IdleRing } from '../lists/idle-ring.ts';
import { COUNTER } from '../tally/thread-memory.ts';
import type { UnderWay } from './under-way.ts';

const CLOSED = 0;
const OPEN = 1;
const ASIDE = 2;

export type StandingOptions = {
  connectionLimit: number;
  /** Connections that there are to be. */
  wanted: number;
  /** Most connections kept for a late reply beside those that took their places. */
  asideLimit: number;
  /** Most requests under way on one connection. */
  depth: number;
  /** No more are sent than so many; Infinity: there is no such limit. */
  requestLimit: number;
  /** After so many a connection is closed and another opened. */
  requestsPerConnection: number | null;
  counters: Float64Array;
};

export class Standing {
  /** Free connections; whoever takes one out asks whether it may still send. */
  readonly idle: IdleRing;
  /** Requests sent on the connection so far. */
  readonly sentCount: Uint32Array;
  readonly #state: Uint8Array;
  readonly #underWay: UnderWay;
  readonly #depth: number;
  readonly #sendLimit: number;
  readonly #asideLimit: number;
  readonly #counters: Float64Array;
  /** Most requests under way on all connections together. */
  readonly #roomLimit: number;
  readonly #requestLimit: number;
  #asideCount = 0;

  constructor(options: StandingOptions, underWay: UnderWay) {
    const { connectionLimit } = options;
    this.idle = new IdleRing(connectionLimit);
    this.sentCount = new Uint32Array(connectionLimit);
    this.#state = new Uint8Array(connectionLimit);
    this.#underWay = underWay;
    this.#depth = options.depth;
    this.#sendLimit = options.requestsPerConnection ?? 0xffffffff;
    this.#asideLimit = options.asideLimit;
    this.#counters = options.counters;
    this.#roomLimit = options.wanted * options.depth;
    this.#requestLimit = options.requestLimit;
  }

  /** How many of the requests asked for may still be sent. */
  get left(): number {
    return this.#requestLimit - this.#counters[COUNTER.sent]!;
  }

  /** How many more may be under way at once, on all connections together. */
  get roomLeft(): number {
    return Math.min(this.#roomLimit - this.#counters[COUNTER.inFlight]!, this.left);
  }

  /** Each of the requests asked for has its end. */
  get isDone(): boolean {
    const counters = this.#counters;
    const answered = counters[COUNTER.ok]! + counters[COUNTER.wrong]!;
    const failed = counters[COUNTER.error]! + counters[COUNTER.timeout]! + counters[COUNTER.unsent]!;
    return answered + failed >= this.#requestLimit;
  }

  isClosed(conn: number): boolean {
    return this.#state[conn] === CLOSED;
  }

  isAside(conn: number): boolean {
    return this.#state[conn] === ASIDE;
  }

  /** Nothing is under way on it. */
  isFree(conn: number): boolean {
    return this.#underWay.count[conn] === 0;
  }

  maySend(conn: number): boolean {
    return (
      this.#state[conn] === OPEN &&
      this.#underWay.count[conn]! < this.#depth &&
      this.#underWay.late[conn] === 0 &&
      this.sentCount[conn]! < this.#sendLimit
    );
  }

  /** The request just sent on it is its last. */
  spend(conn: number): void {
    this.sentCount[conn] = this.#sendLimit;
  }

  /** It has had its share of requests. */
  isSpent(conn: number): boolean {
    return this.sentCount[conn]! >= this.#sendLimit;
  }

  /** How many more it may send at once. The caller has asked maySend(). */
  room(conn: number): number {
    const own = Math.min(this.#depth - this.#underWay.count[conn]!, this.#sendLimit - this.sentCount[conn]!);
    return Math.min(own, this.roomLeft);
  }

  /** Free for the next request, in turn. */
  offer(conn: number): void {
    if (this.maySend(conn)) this.idle.push(conn);
  }

  /** A new connection. */
  opened(conn: number): void {
    this.#state[conn] = OPEN;
    this.sentCount[conn] = 0;
  }

  /** Of an open one: it sends nothing any more. False when there are too many such. */
  setAside(conn: number): boolean {
    if (this.#asideCount >= this.#asideLimit) return false;
    this.#state[conn] = ASIDE;
    this.#asideCount++;
    return true;
  }

  /** Of one set aside: it serves again. */
  takeBack(conn: number): void {
    this.#state[conn] = OPEN;
    this.#asideCount--;
  }

  /** True when it had been set aside. */
  closed(conn: number): boolean {
    const wasAside = this.#state[conn] === ASIDE;
    if (wasAside) this.#asideCount--;
    this.#state[conn] = CLOSED;
    return wasAside;
  }
}
