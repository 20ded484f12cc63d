import { KeyedHeap } from '../lists/keyed-heap.ts';
import type { BalanceMethod, Balancer } from './balancer.ts';

/** Whoever has the fewest connections for its weight. */
export const leastConnections = {
  name: 'least-connections',
  summary: 'the upstream with the fewest connections for its weight; equals in turn',
  takesWeights: true,
  create: (limit) => new Least(limit),
} satisfies BalanceMethod;

/** The one after which connections per weight would be lowest; of equals, the one whose last turn is longest ago. */
class Least implements Balancer {
  readonly #heap: KeyedHeap;
  readonly #weights: Float64Array;
  readonly #loads: Int32Array;
  #turn = 0;

  constructor(limit: number) {
    this.#heap = new KeyedHeap(limit);
    this.#weights = new Float64Array(limit);
    this.#loads = new Int32Array(limit);
  }

  get length(): number {
    return this.#heap.length;
  }

  set(slot: number, weight: number): void {
    this.#weights[slot] = weight;
    if (weight > 0) this.#place(slot, this.#heap.has(slot) ? this.#heap.tieOf(slot) : ++this.#turn);
    else this.#heap.remove(slot);
  }

  load(slot: number, connectionCount: number): void {
    this.#loads[slot] = connectionCount;
    if (this.#heap.has(slot)) this.#place(slot, this.#heap.tieOf(slot));
  }

  pick(): number {
    const slot = this.#heap.lowest;
    if (slot >= 0) this.#place(slot, ++this.#turn);
    return slot;
  }

  #place(slot: number, tie: number): void {
    this.#heap.set(slot, (this.#loads[slot]! + 1) / this.#weights[slot]!, tie);
  }
}
