/**
 * When each upstream is checked. Its first check is at a point of the first interval that follows from its name, and each
 * further one an interval later, give or take the jitter: checks come evenly, from the first round on, and never fall
 * into step. What a stall made impossible is dropped and counted: those upstreams begin anew, each somewhere in an interval.
 * Pure: time comes in as an argument. Nothing is allocated after the constructor.
 */
import { createPrng, type Prng } from '../../../../base/prng.ts';
import { KeyedHeap } from '../lists/keyed-heap.ts';
import { mix } from '../lists/mix.ts';

export type ScheduleOptions = {
  /** Slots are below it. */
  limit: number;
  intervalNs: number;
  /** Of the interval, each way: 0.1 is ± 10 %. */
  jitterShare: number;
  /**
   * How it must not be done, for the lab: all at the same moment, no jitter, and after a stall everything at once.
   */
  synchronised: boolean;
  seed: number;
};

/** A check that is late by more than this, or by a fiftieth of the interval, is dropped. */
const MOST_LATE_NS = 20e6;
/** Dropped within one call; the rest is for the next. */
const MOST_DROPPED = 256;
const NONE = -1;

export class CheckSchedule {
  readonly #options: ScheduleOptions;
  readonly #due: KeyedHeap;
  readonly #prng: Prng;
  readonly #mostLateNs: number;
  #firstNs = Number.NaN;
  /** Checks that were dropped because their time had passed. */
  missedCount = 0;

  constructor(options: ScheduleOptions) {
    this.#options = options;
    this.#due = new KeyedHeap(options.limit);
    this.#prng = createPrng(options.seed);
    this.#mostLateNs = options.synchronised
      ? Number.POSITIVE_INFINITY
      : Math.min(MOST_LATE_NS, options.intervalNs / 50);
  }

  /** Upstreams that are checked. */
  get length(): number {
    return this.#due.length;
  }

  /** When the next check is due; Infinity without any. */
  get nextNs(): number {
    return this.#due.lowestKey;
  }

  add(slot: number, nameHash: number, nowNs: number): void {
    const { intervalNs, seed, synchronised } = this.#options;
    if (Number.isNaN(this.#firstNs)) this.#firstNs = nowNs;
    const rounds = Math.ceil((nowNs - this.#firstNs) / intervalNs);
    const phase = mix(nameHash ^ seed) / 2 ** 32;
    this.#due.set(slot, synchronised ? this.#firstNs + rounds * intervalNs : this.#from(nowNs, phase));
  }

  remove(slot: number): void {
    this.#due.remove(slot);
  }

  /** The next slot to check now, which is then due again an interval later; −1 when there is none, or for this cycle. */
  take(nowNs: number): number {
    for (let dropped = 0; dropped < MOST_DROPPED; dropped++) {
      const dueNs = this.#due.lowestKey;
      if (dueNs > nowNs) return NONE;
      const slot = this.#due.lowest;
      const lateNs = nowNs - dueNs;
      if (lateNs <= this.#mostLateNs) {
        this.#due.set(slot, this.#after(dueNs, nowNs));
        return slot;
      }
      this.missedCount += 1 + Math.floor(lateNs / this.#options.intervalNs);
      this.#due.set(slot, this.#from(nowNs, this.#prng.next()));
    }
    return NONE;
  }

  /** The check after one that was in time. */
  #after(dueNs: number, nowNs: number): number {
    const { intervalNs, jitterShare, synchronised } = this.#options;
    if (synchronised) return nowNs + intervalNs;
    return dueNs + intervalNs * (1 + (2 * this.#prng.next() - 1) * jitterShare);
  }

  /**
   * The first check of a series that is met at a phase, from 0 to 1, of the interval it is in. A moment falls into longer
   * intervals more often than into shorter ones, so that the length is drawn by length. Taking a plain interval instead
   * would heap up the end of the first round with early checks of the second.
   */
  #from(nowNs: number, phase: number): number {
    const { intervalNs, jitterShare } = this.#options;
    const length = Math.sqrt((1 - jitterShare) ** 2 + 4 * jitterShare * this.#prng.next());
    return nowNs + phase * length * intervalNs;
  }
}
