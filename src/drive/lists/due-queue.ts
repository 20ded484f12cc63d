/** Requests that are due and wait for a free connection: their planned times, first in, first out, bounded. */
export class DueQueue {
  readonly #times: Float64Array;
  #head = 0;
  length = 0;

  constructor(limit: number) {
    this.#times = new Float64Array(limit);
  }

  get isFull(): boolean {
    return this.length === this.#times.length;
  }

  /** The caller has made room. */
  push(plannedNs: number): void {
    let tail = this.#head + this.length;
    if (tail >= this.#times.length) tail -= this.#times.length;
    this.#times[tail] = plannedNs;
    this.length++;
  }

  /** The longest waiting. The caller has looked at `length`. */
  shift(): number {
    const plannedNs = this.#times[this.#head]!;
    if (++this.#head === this.#times.length) this.#head = 0;
    this.length--;
    return plannedNs;
  }
}
