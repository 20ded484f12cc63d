import type { ReplayPace } from '../replay-options.ts';

/**
 * With a log that is followed the first request is due so much after it is handed on: what follows it comes no sooner than
 * the log is written, and may be written later than it was stamped.
 */
export const LIVE_SLACK_NS = 1e9;

/**
 * From the log's time to that of the replay: one line, so that nothing adds up. Log times are ns since the log's anchor,
 * exact to 104 days from it.
 */
export class Pace {
  /** Log time ÷ replay time; 0: all is due at once. */
  readonly speed: number;
  /** Where the log's first request lies, and from when on the round counts. */
  #firstNs: number = Number.NaN;
  #roundNs = 0;
  readonly #beginNs: number;

  /** `ratePerSec`: of the log, for a pace that is a rate. `beginNs`: when the first one is due. */
  constructor(pace: ReplayPace, logRatePerSec = 0, beginNs = 0) {
    this.speed = pace.kind === 'speed' ? pace.factor : pace.kind === 'max' ? 0 : pace.perSec / logRatePerSec;
    this.#beginNs = beginNs;
  }

  /** When a request that began then is due. The first one asked about begins the replay. */
  plannedNs(startNs: number): number {
    if (Number.isNaN(this.#firstNs)) this.#firstNs = startNs;
    return this.speed === 0 ? 0 : this.#beginNs + (startNs - this.#firstNs + this.#roundNs) / this.speed;
  }

  /** The next round begins a mean gap behind the last request of this one. */
  nextRound(spanNs: number, requestCount: number): void {
    this.#roundNs += spanNs + (requestCount > 1 && spanNs > 0 ? spanNs / (requestCount - 1) : 1e9);
  }
}
