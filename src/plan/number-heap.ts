/** A binary min-heap of numbers; nothing is allocated while it stays within its first capacity. */
export class NumberHeap {
  #values: Float64Array;
  #length = 0;

  constructor(capacity: number) {
    this.#values = new Float64Array(Math.max(1, capacity));
  }

  get length(): number {
    return this.#length;
  }

  /** The smallest; Infinity when there is none. */
  get min(): number {
    return this.#length === 0 ? Number.POSITIVE_INFINITY : this.#values[0]!;
  }

  push(value: number): void {
    if (this.#length === this.#values.length) {
      const larger = new Float64Array(2 * this.#length);
      larger.set(this.#values);
      this.#values = larger;
    }
    const values = this.#values;
    let at = this.#length++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (values[parent]! <= value) break;
      values[at] = values[parent]!;
      at = parent;
    }
    values[at] = value;
  }

  /** Takes the smallest out; Infinity when there is none. */
  pop(): number {
    if (this.#length === 0) return Number.POSITIVE_INFINITY;
    const values = this.#values;
    const smallest = values[0]!;
    const last = values[--this.#length]!;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.#length) break;
      if (child + 1 < this.#length && values[child + 1]! < values[child]!) child++;
      if (values[child]! >= last) break;
      values[at] = values[child]!;
      at = child;
    }
    values[at] = last;
    return smallest;
  }
}
