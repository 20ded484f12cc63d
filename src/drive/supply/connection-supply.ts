/**
 * Keeps a thread's connections open: makes them at first, and again when they are lost. There is a place for each that
 * is wanted; a place that was no use waits before it is tried again (Retries).
 */
// Invariants
//  K1  Each place is missing (in Retries), opening or open, and so has one connection at most: #placeOf is its inverse.
//  K2  #connecting holds exactly the connections being opened.
import type { Address } from '../../base/address.ts';
import { LoopscopeError } from '../../base/errors.ts';
import { ERRNO, errnoName } from '../../kernel/errno.ts';
import { SyscallError } from '../../kernel/syscall-error.ts';
import type { EventLoop } from '../../loop/event-loop.ts';
import { DeadlineList } from '../lists/deadline-list.ts';
import { COUNTER } from '../tally/thread-memory.ts';
import { Refusal } from './refusal.ts';
import { MAX_BACKOFF_NS, Retries } from './retries.ts';
import { Target } from './target.ts';
import { ANSWER, TUNNEL, Tunnels } from './tunnels.ts';

/** Connects under way at once: a listen queue is short, and a refused SYN costs a second. */
const OPENING_LIMIT = 128;
/** Openings that are late by up to this much are still made up for. */
const CATCH_UP_NS = 20e6;
/** When no socket can be had, none is asked for in this time: it is not the place's fault. */
const SHORTAGE_NS = 100e6;
/** How soon a full table of connections is looked at again: the kernel may still hold some that were closed. */
const FULL_NS = 1e6;
/** A connection that lasted so long was of use to somebody, whoever closed it. */
const LASTED_NS = 1e9;
const NONE = -1;
/** A connect that ends so met no server. Without an answer (ETIMEDOUT) its queue may be full. connect(2) */
const NOBODY_THERE: ReadonlySet<number> = new Set([
  ERRNO.ECONNREFUSED,
  ERRNO.ENOENT,
  ERRNO.EHOSTUNREACH,
  ERRNO.ENETUNREACH,
  ERRNO.ECONNRESET,
]);

/** Why a connection is lost: we did not want it longer, the peer closed it, or what came on it could not be read. */
export const LOST = { ours: 0, byPeer: 1, unread: 2 } as const;
export type Lost = (typeof LOST)[keyof typeof LOST];

export type SupplyOptions = {
  /** Places take them by turns. */
  addresses: readonly Address[];
  wanted: number;
  connectionLimit: number;
  connectTimeoutNs: number;
  /** Connections opened per second at most; null: as fast as they can be. */
  openingsPerSec: number | null;
  /** Places tried again after what was no use, per second at most. */
  retriesPerSec: number;
  /** Uniform in [0, 1). */
  random: () => number;
  /** Local addresses used in turn; empty: the kernel's choice. */
  sourceAddresses: readonly string[];
  /** The addresses are a proxy's, which is asked with these bytes for a tunnel on each; null: there is none. */
  tunnelRequest: Uint8Array | null;
  counters: Float64Array;
};

export class ConnectionSupply {
  readonly #targets: readonly Target[];
  readonly #counters: Float64Array;
  readonly #connectionLimit: number;
  readonly wanted: number;
  readonly #retries: Retries;
  readonly #connecting: DeadlineList;
  readonly #connectTimeoutNs: number;
  /** Of a connection: its place, NONE when it has none; since when it is open; whether a good reply came on it. */
  readonly #placeOf: Int32Array;
  readonly #openedAtNs: Float64Array;
  readonly #isProved: Uint8Array;
  /** Of a place: its last connection was, or is, of use. */
  readonly #isFine: Uint8Array;
  /** Openings are this far apart; 0: at once. */
  readonly #openEveryNs: number;
  #openAtNs = 0;
  #loop!: EventLoop;
  #opening = 0;
  #triedCount = 0;
  /** False: none is opened any more; those on their way still come. */
  mayOpen = true;
  /** What the server said to connections that it then closed without a good reply. */
  readonly refusal: Refusal;
  readonly tunnels: Tunnels | null;
  /** Why connects failed. */
  readonly failedByErrno: Map<string, number> = new Map();
  /** errno of the last connect that failed; 0 when none did. */
  lastErrno = 0;
  /** Why no socket could be made, if so. */
  lastError: LoopscopeError | null = null;

  constructor(options: SupplyOptions) {
    const { connectionLimit, wanted } = options;
    this.#targets = options.addresses.map((address) => new Target(address, options.sourceAddresses));
    this.wanted = wanted;
    this.#counters = options.counters;
    this.#connectionLimit = connectionLimit;
    this.#retries = new Retries(wanted, options.retriesPerSec, options.random);
    this.#connecting = new DeadlineList(connectionLimit);
    this.#connectTimeoutNs = options.connectTimeoutNs;
    this.#placeOf = new Int32Array(connectionLimit).fill(NONE);
    this.#openedAtNs = new Float64Array(connectionLimit);
    this.#isProved = new Uint8Array(connectionLimit);
    this.#isFine = new Uint8Array(wanted);
    this.refusal = new Refusal(connectionLimit);
    this.tunnels = options.tunnelRequest && new Tunnels(options.tunnelRequest, connectionLimit);
    this.#openEveryNs = options.openingsPerSec === null ? 0 : 1e9 / options.openingsPerSec;
  }

  attach(loop: EventLoop): void {
    this.#loop = loop;
  }

  /** Every wanted connection was tried once and none is under way, or the first ones were all refused. */
  get isSettled(): boolean {
    // Opening at a rate goes on during the load, which begins with the first connection.
    if (this.#openEveryNs > 0 && this.#counters[COUNTER.open]! > 0) return true;
    if (this.#opening > 0) return false;
    return this.#retries.missingCount === 0 || this.#triedCount >= this.wanted || this.#isHopeless;
  }

  get #isHopeless(): boolean {
    return this.#triedCount >= OPENING_LIMIT && this.#counters[COUNTER.opened] === 0;
  }

  /** Once a turn: opens what is missing. Returns how long the next turn may wait for this, ns. */
  maintain(nowNs: number): number {
    // The usual case, in every turn.
    if (this.#opening === 0 && this.#retries.missingCount === 0) return Number.POSITIVE_INFINITY;
    const waitNs = this.#expire(nowNs);
    if (!this.mayOpen) return waitNs;
    // A full listen queue refuses some and takes others, so all are tried once; unless nobody is there.
    const isSparing = this.#isHopeless;
    while (this.#opening < OPENING_LIMIT && this.#retries.missingCount > 0) {
      if (nowNs < this.#openAtNs) return Math.min(waitNs, this.#openAtNs - nowNs);
      if (this.#loop.connectionCount >= this.#connectionLimit) return Math.min(waitNs, FULL_NS);
      const place = this.#retries.next(nowNs, isSparing);
      if (place === NONE) return Math.min(waitNs, this.#retries.waitNs(nowNs));
      this.#open(place, nowNs);
    }
    return Math.min(waitNs, this.#connecting.earliestNs - nowNs);
  }

  /** Gives up connects that take too long. Returns how long until the next is to be given up, ns. */
  #expire(nowNs: number): number {
    const connecting = this.#connecting;
    for (let conn = connecting.expired(nowNs); conn >= 0; conn = connecting.expired(nowNs)) {
      this.#loop.close(conn);
      if (this.tunnels?.isAsked(conn)) this.#giveUpTunnel(conn, TUNNEL.silent, nowNs);
      else this.connected(conn, ERRNO.ETIMEDOUT, nowNs);
    }
    return connecting.earliestNs - nowNs;
  }

  #open(place: number, nowNs: number): void {
    this.#triedCount++;
    let conn: number;
    try {
      conn = this.#targets[place % this.#targets.length]!.connect(this.#loop);
    } catch (error) {
      if (!(error instanceof LoopscopeError)) throw error;
      this.lastError = error;
      this.#triedCount = Math.max(this.#triedCount, this.wanted);
      this.#openAtNs = nowNs + SHORTAGE_NS;
      this.#failed(place, error instanceof SyscallError ? error.errno : 0, nowNs);
      return;
    }
    this.#placeOf[conn] = place;
    this.#connecting.add(conn, nowNs + this.#connectTimeoutNs);
    // An absolute pace, but what was missed long ago is not made up for in a burst.
    this.#openAtNs = Math.max(this.#openAtNs, nowNs - CATCH_UP_NS) + this.#openEveryNs;
    this.#opening++;
  }

  /** The outcome of a connect. True: it is open now; of one that has yet to become a tunnel, tunnelled() tells. */
  connected(conn: number, errno: number, nowNs: number): boolean {
    if (errno !== 0) {
      this.lastErrno = errno;
      this.#failed(this.#ended(conn), errno, nowNs);
      return false;
    }
    if (this.tunnels !== null) {
      this.tunnels.ask(this.#loop, conn, nowNs);
      return false;
    }
    this.#opened(conn, nowNs);
    return true;
  }

  /**
   * What the proxy says on a connection that is being opened. Where in the bytes those of the target begin, when its
   * tunnel stands now; else −1.
   */
  tunnelled(conn: number, bytes: Uint8Array, start: number, end: number, nowNs: number): number {
    const { tunnels } = this;
    if (tunnels === null || !tunnels.isAsked(conn)) return NONE;
    const at = tunnels.hear(conn, bytes, start, end, nowNs);
    if (at >= 0) {
      this.#opened(conn, nowNs);
      return at;
    }
    if (at === ANSWER.refused) {
      this.#loop.close(conn);
      this.#failed(this.#ended(conn), -tunnels.goneStatus, nowNs, tunnels.problem);
    }
    return NONE;
  }

  /** The proxy closed a connection; of one that is open already, nothing is done here. */
  closedEarly(conn: number, nowNs: number): void {
    if (this.tunnels?.isAsked(conn)) this.#giveUpTunnel(conn, TUNNEL.closed, nowNs);
  }

  #giveUpTunnel(conn: number, problem: string, nowNs: number): void {
    this.tunnels!.giveUp(conn, problem);
    this.#failed(this.#ended(conn), 0, nowNs, problem);
  }

  /** Opening it has come to an end; its place, which it leaves. */
  #ended(conn: number): number {
    this.#opening--;
    this.#connecting.remove(conn);
    const place = this.#placeOf[conn]!;
    this.#placeOf[conn] = NONE;
    return place;
  }

  #opened(conn: number, nowNs: number): void {
    const place = this.#ended(conn);
    if (this.#retries.backoffNs(place) === 0) this.#isFine[place] = 1;
    const counters = this.#counters;
    if (counters[COUNTER.opened]! >= this.wanted) counters[COUNTER.reopened]!++;
    counters[COUNTER.opened]!++;
    this.#hold(conn, place, nowNs);
    this.#isProved[conn] = 0;
    this.refusal.listen(conn);
  }

  #hold(conn: number, place: number, nowNs: number): void {
    this.#placeOf[conn] = place;
    this.#openedAtNs[conn] = nowNs;
    this.#counters[COUNTER.open]!++;
    this.#counters[COUNTER.downSinceNs] = 0;
  }

  /** `errno`: 0 when there is none; negative, a status by which a proxy said that it found nobody. */
  #failed(
    place: number,
    errno: number,
    nowNs: number,
    name: string = errno === 0 ? 'other' : errnoName(errno),
  ): void {
    this.failedByErrno.set(name, (this.failedByErrno.get(name) ?? 0) + 1);
    this.#counters[COUNTER.failed]!++;
    if (errno < 0 || NOBODY_THERE.has(errno)) {
      this.#counters[COUNTER.unanswered]!++;
      this.#counters[COUNTER.lastErrno] = errno;
    }
    this.#noUse(place, nowNs);
    this.#markDown(nowNs);
  }

  #noUse(place: number, nowNs: number): void {
    this.#isFine[place] = 0;
    this.#retries.later(place, nowNs);
  }

  /** A reply in good order came on it. Called for each. */
  proved(conn: number): void {
    if (this.#isProved[conn] === 1) return;
    this.#isProved[conn] = 1;
    const place = this.#placeOf[conn]!;
    if (place === NONE) return;
    this.#isFine[place] = 1;
    this.#retries.proved(place);
  }

  /** A connection is gone, or of no further use. */
  lost(conn: number, nowNs: number, why: Lost): void {
    const place = this.#placeOf[conn]!;
    const lifetimeNs = nowNs - this.#openedAtNs[conn]!;
    this.#placeOf[conn] = NONE;
    this.#counters[COUNTER.open]!--;
    if (why === LOST.ours) this.#retries.again(place, LASTED_NS, nowNs);
    else if (this.#isProved[conn] === 1 || lifetimeNs >= LASTED_NS) {
      this.#retries.again(place, lifetimeNs, nowNs);
    } else {
      if (why === LOST.byPeer) this.#counters[COUNTER.turnedAway]!++;
      this.refusal.confirm(conn);
      this.#noUse(place, nowNs);
    }
    this.#markDown(nowNs);
  }

  /** A connection that had been given up is of use after all: true when there was a place for it. */
  takeBack(conn: number, nowNs: number): boolean {
    const place = this.#retries.any();
    if (place === NONE) return false;
    this.#hold(conn, place, nowNs);
    this.#isFine[place] = 1;
    return true;
  }

  /** Sending has ended: how many of the connections were of use is told by what is known now. */
  ends(nowNs: number): void {
    this.#counters[COUNTER.held] = this.#heldCount(nowNs);
  }

  /** Places whose connection is, or was just now, of use; of one opened lately after failures nobody knows yet. */
  #heldCount(nowNs: number): number {
    let count = 0;
    for (const isFine of this.#isFine) count += isFine;
    for (let conn = 0; conn < this.#connectionLimit; conn++) {
      const place = this.#placeOf[conn]!;
      if (place === NONE || this.#isFine[place] === 1 || this.#openedAtNs[conn] === 0) continue;
      if (nowNs - this.#openedAtNs[conn]! >= MAX_BACKOFF_NS) count++;
    }
    return count;
  }

  #markDown(nowNs: number): void {
    if (this.#counters[COUNTER.open] === 0 && this.#counters[COUNTER.downSinceNs] === 0) {
      this.#counters[COUNTER.downSinceNs] = nowNs;
    }
  }
}
