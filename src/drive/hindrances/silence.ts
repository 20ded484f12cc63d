/** How long nothing at all came from the server while requests were under way, and the client was there to hear it. */
import type { SpanRecord } from '../../record/load.ts';
import { COUNTER } from '../tally/thread-memory.ts';

export class Silence {
  /** Empty before there was one. */
  readonly longest: SpanRecord = { fromNs: 0, toNs: 0 };
  readonly #counters: Float64Array;
  #sinceNs = Number.NaN;
  #isWaiting = false;

  constructor(counters: Float64Array) {
    this.#counters = counters;
  }

  /** Something came, or the client was away and would not know. */
  broken(nowNs: number, isHeard: boolean): void {
    if (isHeard && this.#isWaiting) this.#note(nowNs);
    this.#sinceNs = nowNs;
  }

  /** A turn ends that began at `nowNs`. */
  turnEnds(nowNs: number): void {
    const isWaiting = this.#counters[COUNTER.inFlight]! > 0;
    if (isWaiting && this.#isWaiting) this.#note(nowNs);
    else this.#sinceNs = nowNs;
    this.#isWaiting = isWaiting;
  }

  #note(nowNs: number): void {
    const { longest } = this;
    if (!(nowNs - this.#sinceNs > longest.toNs - longest.fromNs)) return;
    longest.fromNs = this.#sinceNs;
    longest.toNs = nowNs;
  }
}
