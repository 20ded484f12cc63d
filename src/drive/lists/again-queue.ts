/**
 * Requests to be sent a second time, first in, first out, bounded. They keep the time that they were planned for, and
 * when they were sent first.
 */
export class AgainQueue {
  readonly #plannedNs: Float64Array;
  readonly #sentNs: Float64Array;
  readonly #variant: Uint32Array;
  #head = 0;
  length = 0;

  constructor(limit: number) {
    this.#plannedNs = new Float64Array(limit);
    this.#sentNs = new Float64Array(limit);
    this.#variant = new Uint32Array(limit);
  }

  /** The caller knows that there is room. */
  push(plannedNs: number, sentNs: number, variant: number): void {
    let tail = this.#head + this.length;
    if (tail >= this.#variant.length) tail -= this.#variant.length;
    this.#plannedNs[tail] = plannedNs;
    this.#sentNs[tail] = sentNs;
    this.#variant[tail] = variant;
    this.length++;
  }

  /** Of the first. The caller has looked at `length`, here and below. */
  get plannedNs(): number {
    return this.#plannedNs[this.#head]!;
  }

  get sentNs(): number {
    return this.#sentNs[this.#head]!;
  }

  get variant(): number {
    return this.#variant[this.#head]!;
  }

  /** Drops the first. */
  shift(): void {
    if (++this.#head === this.#variant.length) this.#head = 0;
    this.length--;
  }
}
