/** What is told of each turn of the loop: how long it was busy with how many events, and how many requests were in flight. */
import { COUNTER } from '../tally/thread-memory.ts';
import type { OutcomeRecorder } from './outcome-recorder.ts';

export class TurnLog {
  readonly #recorder: OutcomeRecorder;
  // NaN and not 0: a field that changes from small integers to doubles makes V8 throw compiled code away.
  #lastTurnNs = Number.NaN;
  #lastInFlight = 0;
  /** Of the turn under way: arrivals of data so far, and when the first was looked at. */
  #eventCount = 0;
  #firstEventNs = Number.NaN;

  constructor(recorder: OutcomeRecorder) {
    this.#recorder = recorder;
  }

  start(startNs: number): void {
    this.#lastTurnNs = startNs;
  }

  /** Data came. */
  event(nowNs: number): void {
    if (this.#eventCount++ === 0) this.#firstEventNs = nowNs;
  }

  /** The turn's events are handled. */
  handled(nowNs: number): void {
    if (this.#eventCount > 0) this.#recorder.turned(nowNs - this.#firstEventNs, this.#eventCount);
    this.#eventCount = 0;
  }

  /** Between the end of the last turn and this one's events the number in flight did not change. */
  ends(nowNs: number): void {
    this.#recorder.sampleInFlight(this.#lastTurnNs, nowNs, this.#lastInFlight);
    this.#lastTurnNs = nowNs;
    this.#lastInFlight = this.#recorder.counters[COUNTER.inFlight]!;
  }
}
