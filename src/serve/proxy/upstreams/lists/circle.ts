/**
 * Points on a circle of 2^32 places, and the next one after any place. The circle is cut into 2^15 arcs with a list of
 * points each; a bitmap of three levels finds the next arc that has any. All in O(1) but for the points of an arc:
 * places are hashes, so that there are few.
 */
const ARC_BITS = 15;
const ARC_COUNT = 1 << ARC_BITS;
const ARC_SHIFT = 32 - ARC_BITS;
const NONE = -1;

export class Circle {
  /** First point of an arc. */
  readonly #first: Int32Array = new Int32Array(ARC_COUNT).fill(NONE);
  readonly #next: Int32Array;
  readonly #places: Uint32Array;
  /** Which arcs have points; which words of the one below are not 0. */
  readonly #arcs: Int32Array = new Int32Array(ARC_COUNT >> 5);
  readonly #words: Int32Array = new Int32Array(ARC_COUNT >> 10);
  #tops = 0;
  length = 0;

  /** `limit`: points are below it. */
  constructor(limit: number) {
    this.#next = new Int32Array(limit).fill(NONE);
    this.#places = new Uint32Array(limit);
  }

  placeOf(point: number): number {
    return this.#places[point]!;
  }

  /** Puts a point, which is not in, at a place. */
  add(point: number, place: number): void {
    const arc = place >>> ARC_SHIFT;
    this.#places[point] = place;
    this.#next[point] = this.#first[arc]!;
    this.#first[arc] = point;
    this.#arcs[arc >> 5]! |= 1 << (arc & 31);
    this.#words[arc >> 10]! |= 1 << ((arc >> 5) & 31);
    this.#tops |= 1 << (arc >> 10);
    this.length++;
  }

  /** Takes out a point that is in. */
  remove(point: number): void {
    const arc = this.#places[point]! >>> ARC_SHIFT;
    let before = NONE;
    for (let at = this.#first[arc]!; at !== point; at = this.#next[at]!) before = at;
    if (before === NONE) this.#first[arc] = this.#next[point]!;
    else this.#next[before] = this.#next[point]!;
    this.length--;
    if (this.#first[arc] !== NONE) return;
    this.#arcs[arc >> 5]! &= ~(1 << (arc & 31));
    if (this.#arcs[arc >> 5] !== 0) return;
    this.#words[arc >> 10]! &= ~(1 << ((arc >> 5) & 31));
    if (this.#words[arc >> 10] === 0) this.#tops &= ~(1 << (arc >> 10));
  }

  /** The first point at or after a place, going round; −1 on an empty circle. */
  after(place: number): number {
    if (this.length === 0) return NONE;
    const arc = place >>> ARC_SHIFT;
    const here = this.#nearest(arc, place);
    if (here !== NONE) return here;
    const next = this.#arcFrom(arc + 1);
    return this.#nearest(next === NONE ? this.#arcFrom(0) : next, 0);
  }

  /** The lowest point of an arc that is not below a place. */
  #nearest(arc: number, place: number): number {
    let best = NONE;
    for (let point = this.#first[arc]!; point !== NONE; point = this.#next[point]!) {
      const at = this.#places[point]!;
      if (at >= place && (best === NONE || at < this.#places[best]!)) best = point;
    }
    return best;
  }

  /** The first arc from this one on that has points. */
  #arcFrom(arc: number): number {
    if (arc >= ARC_COUNT) return NONE;
    let word = arc >> 5;
    let bits = this.#arcs[word]! & (-1 << (arc & 31));
    if (bits === 0) {
      let top = ++word >> 5;
      if (top >= this.#words.length) return NONE;
      let words = this.#words[top]! & (-1 << (word & 31));
      if (words === 0) {
        const tops = top === 31 ? 0 : this.#tops & (-1 << (top + 1));
        if (tops === 0) return NONE;
        top = lowestBit(tops);
        words = this.#words[top]!;
      }
      word = (top << 5) | lowestBit(words);
      bits = this.#arcs[word]!;
    }
    return (word << 5) | lowestBit(bits);
  }
}

function lowestBit(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
}
