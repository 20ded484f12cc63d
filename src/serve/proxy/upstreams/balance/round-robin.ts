import { createPrng } from '../../../../base/prng.ts';
import type { BalanceMethod, Balancer } from './balancer.ts';

/** A slot that weighs less than 1 is passed over until its parts of turns make a whole one; so often at most. */
const MOST_PASSED = 32;

/** Each in its turn. */
export const roundRobin = {
  name: 'round-robin',
  summary: 'each upstream in its turn, whatever its weight',
  takesWeights: false,
  create: (limit, seed) => new RoundRobin(limit, seed),
} satisfies BalanceMethod;

class RoundRobin implements Balancer {
  /** Slots that are in, without holes: the last one fills the place of one that goes. */
  readonly #slots: Int32Array;
  readonly #placeOf: Int32Array;
  readonly #weights: Float64Array;
  /** Parts of a turn that a slot has saved up. */
  readonly #saved: Float64Array;
  readonly #begin: number;
  /** Whose turn it is, a place; −1 before the first. */
  #turn = -1;
  length = 0;

  constructor(limit: number, seed: number) {
    this.#slots = new Int32Array(limit);
    this.#placeOf = new Int32Array(limit).fill(-1);
    this.#weights = new Float64Array(limit);
    this.#saved = new Float64Array(limit);
    this.#begin = createPrng(seed).next();
  }

  set(slot: number, weight: number): void {
    this.#weights[slot] = weight;
    const place = this.#placeOf[slot]!;
    if (weight > 0 === place >= 0) return;
    if (weight > 0) {
      this.#saved[slot] = 0;
      this.#put(slot, this.length++);
      return;
    }
    this.#placeOf[slot] = -1;
    const last = this.#slots[--this.length]!;
    if (last !== slot) this.#put(last, place);
  }

  load(): void {}

  pick(): number {
    if (this.length === 0) return -1;
    if (this.#turn < 0) this.#turn = Math.floor(this.#begin * this.length);
    let slot = -1;
    for (let i = 0; i < MOST_PASSED; i++) {
      if (this.#turn >= this.length) this.#turn = 0;
      slot = this.#slots[this.#turn++]!;
      const saved = Math.min(this.#saved[slot]! + this.#weights[slot]!, 2);
      this.#saved[slot] = saved >= 1 ? saved - 1 : saved;
      if (saved >= 1) break;
    }
    return slot;
  }

  #put(slot: number, place: number): void {
    this.#slots[place] = slot;
    this.#placeOf[slot] = place;
  }
}
