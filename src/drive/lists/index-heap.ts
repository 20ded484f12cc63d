/**
 * Indices by a key each, a time or an order, the lowest first: a binary heap in two arrays. An index is in it once at
 * most.
 */
export class IndexHeap {
  readonly #indices: Int32Array;
  readonly #keys: Float64Array;
  length = 0;

  constructor(limit: number) {
    this.#indices = new Int32Array(limit);
    this.#keys = new Float64Array(limit);
  }

  /** Infinity when there is none. */
  get lowestKey(): number {
    return this.length === 0 ? Number.POSITIVE_INFINITY : this.#keys[0]!;
  }

  /** Whose key that is. The caller has looked at `length`. */
  get lowest(): number {
    return this.#indices[0]!;
  }

  push(index: number, key: number): void {
    let at = this.length++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.#keys[parent]! <= key) break;
      this.#indices[at] = this.#indices[parent]!;
      this.#keys[at] = this.#keys[parent]!;
      at = parent;
    }
    this.#indices[at] = index;
    this.#keys[at] = key;
  }

  /** Drops the lowest. The caller has looked at `length`. */
  shift(): void {
    this.#drop(0);
  }

  /** Takes an index out: its key; Infinity when it is not in. Linear. */
  remove(index: number): number {
    const at = this.#indices.subarray(0, this.length).indexOf(index);
    if (at < 0) return Number.POSITIVE_INFINITY;
    const key = this.#keys[at]!;
    this.#drop(at);
    return key;
  }

  #drop(hole: number): void {
    const last = --this.length;
    if (hole === last) return;
    const index = this.#indices[last]!;
    const key = this.#keys[last]!;
    let at = hole;
    // Upwards first: the last may belong above a hole in another branch.
    while (at > 0 && this.#keys[(at - 1) >> 1]! > key) {
      const parent = (at - 1) >> 1;
      this.#indices[at] = this.#indices[parent]!;
      this.#keys[at] = this.#keys[parent]!;
      at = parent;
    }
    for (;;) {
      let child = 2 * at + 1;
      if (child >= last) break;
      if (child + 1 < last && this.#keys[child + 1]! < this.#keys[child]!) child++;
      if (this.#keys[child]! >= key) break;
      this.#indices[at] = this.#indices[child]!;
      this.#keys[at] = this.#keys[child]!;
      at = child;
    }
    this.#indices[at] = index;
    this.#keys[at] = key;
  }
}
