import { createPrng, type Prng } from '../../../../base/prng.ts';
import { KeyedHeap } from '../lists/keyed-heap.ts';
import type { BalanceMethod, Balancer } from './balancer.ts';

/** Shares by weight, evenly mixed: an upstream of weight 3 is not picked three times in a row. */
export const weighted = {
  name: 'weighted',
  summary: 'shares by weight, evenly mixed',
  takesWeights: true,
  create: (limit, seed) => new Weighted(limit, seed),
} satisfies BalanceMethod;

/**
 * Earliest deadline first: a slot of weight w is due every 1/w of virtual time, and time goes on to whoever is picked.
 * Between two picks of one slot all others have their share.
 */
class Weighted implements Balancer {
  readonly #due: KeyedHeap;
  readonly #weights: Float64Array;
  readonly #prng: Prng;
  #now = 0;

  constructor(limit: number, seed: number) {
    this.#due = new KeyedHeap(limit);
    this.#weights = new Float64Array(limit);
    this.#prng = createPrng(seed);
  }

  get length(): number {
    return this.#due.length;
  }

  set(slot: number, weight: number): void {
    if (weight <= 0) {
      this.#due.remove(slot);
    } else if (!this.#due.has(slot)) {
      // Somewhere within its first turn: many that come together are not due together.
      this.#due.set(slot, this.#now + this.#prng.next() / weight);
    } else {
      const left = this.#due.keyOf(slot) - this.#now;
      this.#due.set(slot, this.#now + (left * this.#weights[slot]!) / weight);
    }
    this.#weights[slot] = weight;
  }

  load(): void {}

  pick(): number {
    const slot = this.#due.lowest;
    if (slot < 0) return -1;
    this.#now = this.#due.lowestKey;
    this.#due.set(slot, this.#now + 1 / this.#weights[slot]!);
    return slot;
  }
}
