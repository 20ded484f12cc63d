/**
 * Upstreams that are new, or back, begin with a tenth of their weight, and have all of it after a time: caches fill, and
 * whoever prefers the one with the fewest connections does not send it everything. Nothing is allocated.
 */
const STEPS = 20;
const FIRST_SHARE = 0.1;
const NOT_STARTING = -1;

export class SlowStart {
  readonly #stepNs: number;
  /** When a slot began; −1 for those that do not start. */
  readonly #beganNs: Float64Array;
  /** A ring of slots in the order of their next steps, with the time of each; a slot is in it once. */
  readonly #slots: Int32Array;
  readonly #dueNs: Float64Array;
  readonly #isQueued: Uint8Array;
  #start = 0;
  #count = 0;

  /** `windowNs`: until the whole weight; 0 is at once. */
  constructor(limit: number, windowNs: number) {
    this.#stepNs = windowNs / STEPS;
    this.#beganNs = new Float64Array(limit).fill(NOT_STARTING);
    this.#slots = new Int32Array(limit);
    this.#dueNs = new Float64Array(limit);
    this.#isQueued = new Uint8Array(limit);
  }

  begin(slot: number, nowNs: number): void {
    if (this.#stepNs === 0) return;
    this.#beganNs[slot] = nowNs;
    if (this.#isQueued[slot] === 0) this.#queue(slot, nowNs);
  }

  /** All of its weight at once. */
  end(slot: number): void {
    this.#beganNs[slot] = NOT_STARTING;
  }

  /** Part of its weight that a slot has, from 0.1 to 1. */
  share(slot: number, nowNs: number): number {
    const beganNs = this.#beganNs[slot]!;
    if (beganNs === NOT_STARTING) return 1;
    const steps = Math.floor((nowNs - beganNs) / this.#stepNs);
    return Math.min(1, Math.max(FIRST_SHARE, steps / STEPS));
  }

  /** A slot whose share has changed; −1 when there is none. */
  takeDue(nowNs: number): number {
    if (this.#count === 0 || this.#dueNs[this.#start]! > nowNs) return -1;
    const slot = this.#slots[this.#start]!;
    this.#start = (this.#start + 1) % this.#slots.length;
    this.#count--;
    this.#isQueued[slot] = 0;
    if (this.share(slot, nowNs) === 1) this.end(slot);
    else this.#queue(slot, nowNs);
    return slot;
  }

  get nextNs(): number {
    return this.#count === 0 ? Number.POSITIVE_INFINITY : this.#dueNs[this.#start]!;
  }

  #queue(slot: number, nowNs: number): void {
    const at = (this.#start + this.#count++) % this.#slots.length;
    this.#slots[at] = slot;
    this.#dueNs[at] = nowNs + this.#stepNs;
    this.#isQueued[slot] = 1;
  }
}
