/**
 * What is told of each turn of the loop: how long it was busy with how many events, how many requests were in flight,
 * whether it came when it was to, and what there was of the server.
 */

import type { OutcomeRecorder } from '../flight/outcome-recorder.ts';
import { Outages } from '../hindrances/outages.ts';
import { Silence } from '../hindrances/silence.ts';
import { COUNTER } from '../tally/thread-memory.ts';

export class TurnLog {
  readonly outages: Outages;
  readonly silence: Silence;
  readonly #recorder: OutcomeRecorder;
  // NaN and not 0: a field that changes from small integers to doubles makes V8 throw compiled code away.
  #lastTurnNs = Number.NaN;
  #lastInFlight = 0;
  /** Of the turn under way: arrivals of data so far, and when the first was looked at. */
  #eventCount = 0;
  #firstEventNs = Number.NaN;
  #isSending = true;

  constructor(recorder: OutcomeRecorder) {
    this.#recorder = recorder;
    this.outages = new Outages(recorder.counters);
    this.silence = new Silence(recorder.counters);
  }

  start(startNs: number): void {
    this.#lastTurnNs = startNs;
    this.#recorder.waits.start(startNs);
    this.outages.start();
    this.silence.broken(startNs, false);
  }

  /** Data came. */
  event(nowNs: number): void {
    if (this.#eventCount++ === 0) this.#firstEventNs = nowNs;
    this.silence.broken(nowNs, !this.#recorder.waits.runs(nowNs));
  }

  /** The turn's events are handled. */
  handled(nowNs: number): void {
    if (this.#eventCount > 0) this.#recorder.turned(nowNs - this.#firstEventNs, this.#eventCount);
    this.#eventCount = 0;
    // An absence after which nothing is there to be read does not break a silence.
    this.#recorder.waits.turn(nowNs);
  }

  /** Between the end of the last turn and this one's events the number in flight did not change. */
  ends(nowNs: number): void {
    this.#recorder.sampleInFlight(this.#lastTurnNs, nowNs, this.#lastInFlight);
    this.#lastTurnNs = nowNs;
    this.#lastInFlight = this.#recorder.counters[COUNTER.inFlight]!;
    this.silence.turnEnds(nowNs);
    if (this.#isSending) this.outages.look(nowNs);
  }

  /** Nothing is sent any more, and no connection opened again. */
  stops(): void {
    this.#isSending = false;
  }

  /** The loop, which ran at `nowNs`, waits so long. Returns it. */
  waits(nowNs: number, waitNs: number): number {
    this.#recorder.waits.waits(nowNs + waitNs);
    return waitNs;
  }
}
