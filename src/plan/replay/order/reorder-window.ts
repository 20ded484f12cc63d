/**
 * Puts requests in the order of their starts. Servers log a request when it ends, so a line may come long after others
 * that began later: requests are held until the log is WINDOW_NS further on. Stamps of whole seconds are spread within
 * their second: those of ends before the duration is taken off (a second of the log is complete when the next begins),
 * those of starts when the whole second leaves the window.
 *
 * Invariants
 *  W1  next() never goes back: every start is at least `lastNs`.
 *  W2  A slot is in exactly one of the heap, the group that leaves and the group that ends; its flag `coarse` says that
 *      its start is a whole second that is still to be spread.
 *  W3  add() and next() allocate nothing once the groups have their size.
 */
import { createPrng, type Prng } from '../../../base/prng.ts';
import { spreadUniformly } from './order-statistics.ts';
import { FLAG, type RecordStore } from './record-store.ts';
import { SlotHeap } from './slot-heap.ts';

export const WINDOW_NS = 60e9;
/** Of a log that is followed: what it shows is so much later than it was. */
export const LIVE_WINDOW_NS = 1e9;
const SECOND_NS = 1e9;

/** Slots whose second is being spread. */
class Group {
  slots: Uint32Array = new Uint32Array(1024);
  length = 0;

  push(slot: number): void {
    if (this.length === this.slots.length) {
      const larger = new Uint32Array(2 * this.length);
      larger.set(this.slots);
      this.slots = larger;
    }
    this.slots[this.length++] = slot;
  }
}

export class ReorderWindow {
  /** Of the newest stamp. */
  newestNs: number = Number.NEGATIVE_INFINITY;
  /** Start of the last request that left. */
  lastNs: number = Number.NEGATIVE_INFINITY;
  spreadCount = 0;
  readonly #store: RecordStore;
  readonly #heap: SlotHeap;
  readonly #prng: Prng;
  readonly #leaving = new Group();
  #leavingAt = 0;
  readonly #ending = new Group();
  /** Durations of the group that ends, by its index. */
  #endingNs = new Float64Array(1024);
  #endingSecNs: number = Number.NEGATIVE_INFINITY;
  /** Up to here the second that ends is already spread: more than the window holds came in it. */
  #endingLowNs: number = Number.NEGATIVE_INFINITY;
  #times = new Float64Array(1024);

  constructor(store: RecordStore, capacity: number, seed: number) {
    this.#store = store;
    this.#heap = new SlotHeap(store, capacity);
    this.#prng = createPrng(seed);
  }

  /**
   * What starts before this is too late: another has left that started later. Before the first has left, what would
   * have the whole replay wait for the rest of the log.
   */
  floorNs(windowNs: number): number {
    return this.lastNs === Number.NEGATIVE_INFINITY ? this.newestNs - windowNs : this.lastNs;
  }

  /** One whose start is known. */
  add(slot: number, startNs: number): void {
    this.#store.startNs[slot] = startNs;
    this.#heap.push(slot);
  }

  /** One that starts within the second that begins at `secondNs`. */
  addCoarseStart(slot: number, secondNs: number): void {
    this.#store.startNs[slot] = secondNs;
    this.#store.flags[slot]! |= FLAG.coarse;
    this.#heap.push(slot);
  }

  /** One that ended within the second that begins at `secondNs`, after `durationNs`. */
  addCoarseEnd(slot: number, secondNs: number, durationNs: number): void {
    if (secondNs < this.#endingSecNs) {
      // Its second is spread already; a single time is as good as one of many.
      this.spreadCount++;
      this.#addEnded(slot, secondNs + this.#prng.next() * SECOND_NS, durationNs);
      return;
    }
    if (secondNs > this.#endingSecNs) {
      this.endSecond();
      this.#endingSecNs = secondNs;
      this.#endingLowNs = secondNs;
    }
    const group = this.#ending;
    group.push(slot);
    if (this.#endingNs.length < group.slots.length) {
      const larger = new Float64Array(group.slots.length);
      larger.set(this.#endingNs);
      this.#endingNs = larger;
    }
    this.#endingNs[group.length - 1] = durationNs;
  }

  /** Spreads the ends of the newest second over it: the next one has begun, the log has ended, or there is no room. */
  endSecond(): void {
    const group = this.#ending;
    if (group.length === 0) return;
    const times = this.#drawTimes(group.length, this.#endingLowNs, this.#endingSecNs + SECOND_NS);
    for (let i = 0; i < group.length; i++) {
      this.#addEnded(group.slots[i]!, times[i]!, this.#endingNs[i]!);
    }
    this.#endingLowNs = times[group.length - 1]!;
    group.length = 0;
  }

  /** The same, if by `nowNs` nothing more can come in it. */
  endSecondBefore(nowNs: number): void {
    if (this.#endingSecNs + SECOND_NS <= nowNs) this.endSecond();
  }

  #addEnded(slot: number, endNs: number, durationNs: number): void {
    this.add(slot, Math.max(this.lastNs, endNs - durationNs));
  }

  /** The next one to leave, of those that start until `untilNs`; −1 for none. It is to be taken by take(). */
  next(untilNs: number): number {
    const { startNs, flags } = this.#store;
    const heap = this.#heap;
    for (;;) {
      const top = heap.top;
      const leaving = this.#leavingAt < this.#leaving.length ? this.#leaving.slots[this.#leavingAt]! : -1;
      const leavingNs = leaving < 0 ? Number.POSITIVE_INFINITY : startNs[leaving]!;
      const topNs = top < 0 ? Number.POSITIVE_INFINITY : startNs[top]!;
      if (leaving >= 0 && leavingNs <= topNs) return leavingNs <= untilNs ? leaving : -1;
      if (top < 0) return -1;
      if ((flags[top]! & FLAG.coarse) === 0) return topNs <= untilNs ? top : -1;
      if (topNs + SECOND_NS > untilNs) return -1;
      if (leaving >= 0) this.#spreadOne(heap.pop());
      else this.#spreadSecond(topNs);
    }
  }

  /** Takes the slot that next() named. */
  take(slot: number): void {
    this.lastNs = this.#store.startNs[slot]!;
    if (this.#leavingAt < this.#leaving.length && this.#leaving.slots[this.#leavingAt] === slot) {
      this.#leavingAt++;
    } else {
      this.#heap.pop();
    }
  }

  get isEmpty(): boolean {
    return this.#heap.length === 0 && this.#leavingAt >= this.#leaving.length && this.#ending.length === 0;
  }

  /** All of the second at the top of the heap become the group that leaves. */
  #spreadSecond(secondNs: number): void {
    const { startNs, flags } = this.#store;
    const heap = this.#heap;
    const group = this.#leaving;
    group.length = 0;
    this.#leavingAt = 0;
    while (heap.top >= 0 && startNs[heap.top] === secondNs && (flags[heap.top]! & FLAG.coarse) !== 0) {
      group.push(heap.pop());
    }
    const low = Math.max(secondNs, this.lastNs);
    const times = this.#drawTimes(group.length, low, Math.max(low, secondNs + SECOND_NS));
    for (let i = 0; i < group.length; i++) {
      const slot = group.slots[i]!;
      startNs[slot] = times[i]!;
      flags[slot]! &= ~FLAG.coarse;
    }
  }

  /** One that came when its second was already leaving. */
  #spreadOne(slot: number): void {
    const { startNs, flags } = this.#store;
    const end = startNs[slot]! + SECOND_NS;
    const low = Math.min(end, Math.max(startNs[slot]!, this.lastNs));
    flags[slot]! &= ~FLAG.coarse;
    this.spreadCount++;
    this.add(slot, low + this.#prng.next() * (end - low));
  }

  #drawTimes(count: number, lowNs: number, highNs: number): Float64Array {
    if (this.#times.length < count) this.#times = new Float64Array(2 * count);
    spreadUniformly(this.#prng, count, lowNs, highNs, this.#times);
    this.spreadCount += count;
    return this.#times;
  }
}
