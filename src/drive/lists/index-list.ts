/**
 * Indices in an order, each once at most: put at either end, taken out anywhere, all in constant time, through two
 * arrays.
 */
const NONE = -1;
/** Not in the list. */
const OUT = -2;

export class IndexList {
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  /** −1 when the list is empty. */
  first: number = NONE;
  #last = NONE;
  length = 0;

  constructor(limit: number) {
    this.#next = new Int32Array(limit).fill(OUT);
    this.#previous = new Int32Array(limit).fill(OUT);
  }

  has(index: number): boolean {
    return this.#next[index] !== OUT;
  }

  /** The index must not be in the list. */
  push(index: number): void {
    this.#previous[index] = this.#last;
    this.#next[index] = NONE;
    if (this.#last === NONE) this.first = index;
    else this.#next[this.#last] = index;
    this.#last = index;
    this.length++;
  }

  /** The same, in front of all. */
  unshift(index: number): void {
    this.#previous[index] = NONE;
    this.#next[index] = this.first;
    if (this.first === NONE) this.#last = index;
    else this.#previous[this.first] = index;
    this.first = index;
    this.length++;
  }

  /** The index must be in the list. */
  remove(index: number): void {
    const next = this.#next[index]!;
    const previous = this.#previous[index]!;
    if (previous === NONE) this.first = next;
    else this.#next[previous] = next;
    if (next === NONE) this.#last = previous;
    else this.#previous[next] = previous;
    this.#next[index] = OUT;
    this.#previous[index] = OUT;
    this.length--;
  }

  /** Takes out the first. The caller has looked at `length`. */
  shift(): number {
    const index = this.first;
    this.remove(index);
    return index;
  }
}
