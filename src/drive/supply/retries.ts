/**
 * Which places for connections are to be opened next, and how long each waits after what was no use. Patience belongs to
 * the place: one that a server keeps turning away waits longer and longer, whatever the others are told.
 */
// Invariants
//  T1  A place is in one of #ready and #waiting at most; in #waiting only while backoffNs[place] > 0.
//  T2  From #waiting come at most `retriesPerSec` a second, and two more for each that proved itself after a wait: a
//      server that is back is met by everybody within a few round trips, one that turns all away by few.
import { IdleRing } from '../lists/idle-ring.ts';
import { IndexHeap } from '../lists/index-heap.ts';

const FIRST_BACKOFF_NS = 5e6;
export const MAX_BACKOFF_NS = 250e6;
/** Retries that may come at once after a quiet time, as a share of a second's. */
const BURST_SHARE = 0.1;
const INVITED_BY_EACH = 2;

export class Retries {
  readonly #ready: IdleRing;
  readonly #waiting: IndexHeap;
  readonly #backoffNs: Float64Array;
  readonly #everyNs: number;
  readonly #burst: number;
  readonly #random: () => number;
  #tokens: number;
  #countedAtNs = 0;
  #invited = 0;

  /** All places are ready. `random`: uniform in [0, 1). */
  constructor(placeCount: number, retriesPerSec: number, random: () => number) {
    this.#ready = new IdleRing(placeCount);
    this.#waiting = new IndexHeap(placeCount);
    this.#backoffNs = new Float64Array(placeCount);
    this.#everyNs = 1e9 / retriesPerSec;
    this.#burst = Math.max(1, retriesPerSec * BURST_SHARE);
    this.#tokens = this.#burst;
    this.#random = random;
    for (let place = 0; place < placeCount; place++) this.#ready.push(place);
  }

  /** Places without a connection, and none on its way. */
  get missingCount(): number {
    return this.#ready.length + this.#waiting.length;
  }

  /** Not 0: what was tried there last was no use, and no connection that lasted has proved otherwise since. */
  backoffNs(place: number): number {
    return this.#backoffNs[place]!;
  }

  /** Whoever is missing, however long it was to wait; −1 when nobody is. */
  any(): number {
    if (this.#ready.length > 0) return this.#ready.shift();
    return this.#waiting.length > 0 ? this.#takeWaiting() : -1;
  }

  /** The place to open now, or −1. `isSparing`: first tries, too, are counted as retries. */
  next(nowNs: number, isSparing: boolean): number {
    if (this.#ready.length > 0 && (!isSparing || this.#spend(nowNs))) return this.#ready.shift();
    if (this.#waiting.length === 0) return -1;
    if (this.#invited > 0) {
      this.#invited--;
      return this.#takeWaiting();
    }
    return this.#waiting.lowestKey <= nowNs && this.#spend(nowNs) ? this.#takeWaiting() : -1;
  }

  /** After next() found none: how long until it may, ns. */
  waitNs(nowNs: number): number {
    if (this.missingCount === 0) return Number.POSITIVE_INFINITY;
    const tokenNs = Math.max(0, (1 - this.#tokens) * this.#everyNs);
    return Math.max(tokenNs, this.#ready.length > 0 ? 0 : this.#waiting.lowestKey - nowNs);
  }

  /** A connection of it ended that had been of use for so long; opened again at once, unless it had been a short joy. */
  again(place: number, lifetimeNs: number, nowNs: number): void {
    const backoffNs = this.#backoffNs[place]!;
    const next = lifetimeNs >= backoffNs || backoffNs / 2 < FIRST_BACKOFF_NS ? 0 : backoffNs / 2;
    this.#backoffNs[place] = next;
    if (next === 0) this.#ready.push(place);
    else this.#wait(place, nowNs);
  }

  /** What was tried there was no use. */
  later(place: number, nowNs: number): void {
    const grownNs = Math.min(MAX_BACKOFF_NS, Math.max(FIRST_BACKOFF_NS, this.#backoffNs[place]! * 2));
    this.#backoffNs[place] = grownNs;
    this.#wait(place, nowNs);
  }

  /** A connection of it is of use. */
  proved(place: number): void {
    if (this.#backoffNs[place] === 0) return;
    this.#invited = Math.min(this.#waiting.length, this.#invited + INVITED_BY_EACH);
  }

  /** Between half the back-off and the whole of it: those who failed together do not come back together. */
  #wait(place: number, nowNs: number): void {
    this.#waiting.push(place, nowNs + this.#backoffNs[place]! * (0.5 + 0.5 * this.#random()));
  }

  #takeWaiting(): number {
    const place = this.#waiting.lowest;
    this.#waiting.shift();
    return place;
  }

  #spend(nowNs: number): boolean {
    this.#tokens = Math.min(this.#burst, this.#tokens + (nowNs - this.#countedAtNs) / this.#everyNs);
    this.#countedAtNs = nowNs;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}
