/** Why requests are sent late, or never: counted where it happens, by what took most of their wait. */
// Invariants
//  H1  Spans in the ring are in order of their ends; of more than SPAN_LIMIT the oldest are forgotten, which can only lay
//      a wait of theirs to connections that were taken.
//  H2  Nothing is allocated.
import type { SpanRecord } from '../../record/load.ts';
import { COUNTER, WAIT, WAIT_COUNT } from '../tally/thread-memory.ts';

/** A request sent this much after its time has a reason worth counting. */
export const LATE_NS = 1e6;
/** So late the loop may come back without having been away: the cost of waking up. */
const AWAY_NS = 0.5e6;
/** An absence this long is looked at twice: was it the machine's? */
const LONG_NS = 10e6;
const SPAN_LIMIT = 64;
/** Kind, from, to. */
const FIELDS = 3;

export class WaitReasons {
  /** Of the client; empty: it was never away for long. Written once there is one. */
  longestAbsence: SpanRecord = { fromNs: 0, toNs: 0 };
  readonly #counters: Float64Array;
  readonly #suspendedNs: () => number;
  readonly #spans = new Float64Array(SPAN_LIMIT * FIELDS);
  readonly #sums = new Float64Array(WAIT_COUNT);
  #spanCount = 0;
  #backByNs = Number.POSITIVE_INFINITY;
  #downSinceNs = 0;
  #suspendedBeforeNs = Number.NaN;

  /** `suspendedNs`: how long the machine has been suspended so far. */
  constructor(counters: Float64Array, suspendedNs: () => number) {
    this.#counters = counters;
    this.#suspendedNs = suspendedNs;
  }

  start(startNs: number): void {
    this.#backByNs = startNs;
    this.#suspendedBeforeNs = this.#suspendedNs();
  }

  /** The loop runs: in a turn, or with the first event of one. True when it was away for long before. */
  runs(nowNs: number): boolean {
    const awayNs = nowNs - this.#backByNs;
    if (!(awayNs >= AWAY_NS)) return false;
    const fromNs = this.#backByNs;
    this.#backByNs = nowNs;
    const isLong = awayNs >= LONG_NS;
    let kind: number = WAIT.clientAway;
    if (isLong) {
      const suspendedNs = this.#suspendedNs();
      if (suspendedNs - this.#suspendedBeforeNs >= LONG_NS) kind = WAIT.suspended;
      this.#suspendedBeforeNs = suspendedNs;
      const longest = this.longestAbsence;
      if (awayNs > longest.toNs - longest.fromNs) {
        longest.fromNs = fromNs;
        longest.toNs = nowNs;
      }
    }
    this.#over(kind, fromNs, nowNs);
    return isLong;
  }

  /** A turn begins, its events handled. True as for runs(). */
  turn(nowNs: number): boolean {
    const wasAway = this.runs(nowNs);
    // Until it ends it is the client's own time.
    this.#backByNs = nowNs;
    const downSinceNs = this.#counters[COUNTER.downSinceNs]!;
    if (this.#downSinceNs > 0 && downSinceNs !== this.#downSinceNs) {
      this.#over(WAIT.noConnection, this.#downSinceNs, nowNs);
    }
    this.#downSinceNs = downSinceNs;
    return wasAway;
  }

  /** The turn ends; the loop is to come back by then. */
  waits(backByNs: number): void {
    this.#backByNs = backByNs;
  }

  /** `readyNs`: when it might have been sent, having had to wait for another's end; its own time if it had not. */
  sent(plannedNs: number, nowNs: number, readyNs: number = plannedNs): void {
    if (nowNs - plannedNs >= LATE_NS) {
      this.#counters[COUNTER.late + this.#reason(plannedNs, nowNs, readyNs)]!++;
    }
  }

  unsent(plannedNs: number, nowNs: number, readyNs: number = plannedNs): void {
    this.#counters[COUNTER.unsentFor + this.#reason(plannedNs, nowNs, readyNs)]!++;
  }

  /** What took most of the time between the two. */
  #reason(plannedNs: number, nowNs: number, readyNs: number): number {
    const sums = this.#sums.fill(0);
    sums[WAIT.clientAway] = overlap(this.#backByNs, nowNs, plannedNs, nowNs);
    if (this.#counters[COUNTER.downSinceNs]! > 0) {
      sums[WAIT.noConnection] = overlap(this.#counters[COUNTER.downSinceNs]!, nowNs, plannedNs, nowNs);
    }
    const spans = this.#spans;
    const oldest = Math.max(0, this.#spanCount - SPAN_LIMIT);
    for (let nth = this.#spanCount - 1; nth >= oldest; nth--) {
      const at = (nth % SPAN_LIMIT) * FIELDS;
      if (spans[at + 2]! <= plannedNs) break;
      sums[spans[at]!]! += overlap(spans[at + 1]!, spans[at + 2]!, plannedNs, nowNs);
    }
    const restNs = nowNs - plannedNs - sums[1]! - sums[2]! - sums[3]!;
    sums[WAIT.predecessor] = Math.max(0, Math.min(restNs, Math.min(readyNs, nowNs) - plannedNs));
    sums[WAIT.allTaken] = restNs - sums[WAIT.predecessor]!;
    let most = 0;
    for (let kind = 1; kind < WAIT_COUNT; kind++) if (sums[kind]! > sums[most]!) most = kind;
    return most;
  }

  #over(kind: number, fromNs: number, toNs: number): void {
    const at = (this.#spanCount++ % SPAN_LIMIT) * FIELDS;
    this.#spans[at] = kind;
    this.#spans[at + 1] = fromNs;
    this.#spans[at + 2] = toNs;
  }
}

function overlap(fromNs: number, toNs: number, otherFromNs: number, otherToNs: number): number {
  return Math.max(0, Math.min(toNs, otherToNs) - Math.max(fromNs, otherFromNs));
}
