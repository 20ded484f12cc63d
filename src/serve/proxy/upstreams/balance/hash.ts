import { Circle } from '../lists/circle.ts';
import { mix } from '../lists/mix.ts';
import type { BalanceMethod, Balancer } from './balancer.ts';

/** The same upstream for the same client, as long as it is there. */
export const hash = {
  name: 'hash',
  summary: 'the same upstream for the same client (consistent hash); a change moves only the clients it must',
  takesWeights: true,
  create: (limit) => new ConsistentHash(limit),
} satisfies BalanceMethod;

/** Points of an upstream on the circle: few for a light one, so that 20 000 are put there in milliseconds. */
const FEWEST_POINTS = 4;
const MOST_POINTS = 16;
const WEIGHT_PER_POINT = 2;
/** Places tried for each client: more make shares more equal. With 21, of 2 to 1000 equals nobody has 1.2 of its share. */
const TRIES = 21;
const GOLDEN = 0x9e3779b1;

/**
 * Multi-probe consistent hashing (Appleton and O'Reilly, 2015): a client's key gives 21 places, and of the points next
 * after them the nearest has it, distances divided by weight. It depends on names and weights alone: all workers agree,
 * and so do restarts. With equal weights a client moves only from or to the
 * upstream that changed; with others, hardly one in a hundred of those that move is another's.
 */
class ConsistentHash implements Balancer {
  readonly #circle: Circle;
  /** Weight of each of a slot's points. */
  readonly #pointWeights: Float64Array;
  readonly #pointCounts: Uint8Array;
  length = 0;

  constructor(limit: number) {
    this.#circle = new Circle(limit * MOST_POINTS);
    this.#pointWeights = new Float64Array(limit);
    this.#pointCounts = new Uint8Array(limit);
  }

  set(slot: number, weight: number, nameHash: number): void {
    const before = this.#pointCounts[slot]!;
    const wanted = Math.ceil(weight / WEIGHT_PER_POINT);
    const after = weight > 0 ? Math.max(FEWEST_POINTS, Math.min(wanted, MOST_POINTS)) : 0;
    for (let i = before; i < after; i++)
      this.#circle.add(slot * MOST_POINTS + i, mix(nameHash + Math.imul(i, GOLDEN)));
    for (let i = after; i < before; i++) this.#circle.remove(slot * MOST_POINTS + i);
    this.#pointCounts[slot] = after;
    this.#pointWeights[slot] = weight / after;
    if (before === 0 && after > 0) this.length++;
    if (before > 0 && after === 0) this.length--;
  }

  load(): void {}

  pick(keyHash: number): number {
    if (this.length === 0) return -1;
    let best = -1;
    let bestDistance = Number.POSITIVE_INFINITY;
    for (let i = 0; i < TRIES; i++) {
      const place = mix(keyHash + Math.imul(i + MOST_POINTS, GOLDEN));
      const point = this.#circle.after(place);
      const slot = (point / MOST_POINTS) | 0;
      const distance = ((this.#circle.placeOf(point) - place) >>> 0) / this.#pointWeights[slot]!;
      if (distance >= bestDistance) continue;
      best = slot;
      bestDistance = distance;
    }
    return best;
  }
}
