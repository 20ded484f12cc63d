/**
 * The requests under way on each connection, their deadlines, and their accounts with the recorder: each leaves by one
 * of answered, late, failed, timed out or unfinished. Those that the server said it would not answer there wait, still
 * under way, to be sent again on another connection.
 */
// Invariants
//  U1  The deadline list holds exactly the connections with something under way. A connection's time in it is never
//      after the oldest's deadline, and may be before: then it is put in again.
//  U2  Once a request is late, nothing more is sent on its connection; so when patience with the late ones ends, all
//      the others' time has run out too.
//  U3  A request is on one connection or in `again`, and counted as in flight in both: so there is room for its return.
import type { EncodedRequests } from '../../plan/requests/requests.ts';
import { AgainQueue } from '../lists/again-queue.ts';
import { DeadlineList } from '../lists/deadline-list.ts';
import { InFlight } from './in-flight.ts';
import type { OutcomeRecorder } from './outcome-recorder.ts';

export class UnderWay {
  readonly count: Uint16Array;
  readonly late: Uint16Array;
  /** Sent, and to be sent once more. */
  readonly again: AgainQueue;
  readonly #flight: InFlight;
  readonly #deadlines: DeadlineList;
  readonly #recorder: OutcomeRecorder;
  readonly #kindOf: Uint16Array;
  readonly #repeatable: Uint8Array;
  readonly #timeoutNs: number;
  /** When the oldest late request was given up, or the last late reply came. */
  readonly #lateSinceNs: Float64Array;

  constructor(
    connectionLimit: number,
    depth: number,
    timeoutNs: number,
    requests: EncodedRequests,
    recorder: OutcomeRecorder,
  ) {
    this.#flight = new InFlight(connectionLimit, depth);
    this.count = this.#flight.count;
    this.late = this.#flight.late;
    this.again = new AgainQueue(depth > 1 ? connectionLimit * depth : 0);
    this.#deadlines = new DeadlineList(connectionLimit);
    this.#recorder = recorder;
    this.#kindOf = requests.kindOf;
    this.#repeatable = requests.repeatable;
    this.#timeoutNs = timeoutNs;
    this.#lateSinceNs = new Float64Array(connectionLimit);
  }

  /** When expire() has something to do; Infinity when nothing is under way. */
  get earliestDeadlineNs(): number {
    return this.#deadlines.earliestNs;
  }

  /** A request is sent; `readyNs` as OutcomeRecorder.sent() has it. True when nothing else was under way on its connection. */
  begin(conn: number, plannedNs: number, nowNs: number, variant: number, readyNs: number): boolean {
    this.#recorder.sent(plannedNs, nowNs, this.#kindOf[variant]!, readyNs);
    return this.#put(conn, plannedNs, nowNs, nowNs, variant);
  }

  /** As begin(), for the first of `again`. */
  beginAgain(conn: number, nowNs: number): boolean {
    const { plannedNs, sentNs, variant } = this.again;
    this.again.shift();
    this.#recorder.sentAgain();
    return this.#put(conn, plannedNs, sentNs, nowNs, variant);
  }

  #put(conn: number, plannedNs: number, sentNs: number, nowNs: number, variant: number): boolean {
    const isFirst = this.count[conn] === 0;
    this.#flight.push(conn, plannedNs, sentNs, nowNs, variant);
    if (isFirst) this.#deadlines.add(conn, nowNs + this.#timeoutNs);
    return isFirst;
  }

  /** The variant that the connection's next reply answers. The caller has looked at `count`, here and below. */
  oldestVariant(conn: number): number {
    return this.#flight.variant[this.#flight.entry(conn, 0)]!;
  }

  /** Bytes of the oldest's reply came. True when they are its first. */
  received(conn: number, nowNs: number): boolean {
    const entry = this.#flight.entry(conn, 0);
    if (this.#flight.firstNs[entry] !== 0) return false;
    this.#flight.firstNs[entry] = nowNs;
    return true;
  }

  /** The oldest has its whole reply, in time. */
  answered(conn: number, nowNs: number, status: number, wrongReason: string | null): void {
    const flight = this.#flight;
    const entry = flight.entry(conn, 0);
    this.#shift(conn);
    this.#recorder.answered(
      flight.plannedNs[entry]!,
      flight.sentNs[entry]!,
      flight.firstNs[entry]!,
      nowNs,
      status,
      wrongReason,
      this.#kindOf[flight.variant[entry]!]!,
    );
  }

  /** The oldest's reply came after its time: it is counted already. */
  answeredLate(conn: number, nowNs: number): void {
    this.#shift(conn);
    this.#lateSinceNs[conn] = nowNs;
  }

  #shift(conn: number): void {
    this.#flight.shift(conn);
    if (this.count[conn] === 0) this.#deadlines.remove(conn);
  }

  /** The connection is of no further use: all on it have failed, but for those counted already. */
  fail(conn: number, nowNs: number, reason: string): void {
    this.#leave(conn, nowNs, reason, false);
  }

  /** As fail(), after the server said that it would answer no more on it: what may be sent twice waits for another. */
  recall(conn: number, nowNs: number, reason: string): void {
    this.#leave(conn, nowNs, reason, true);
  }

  #leave(conn: number, nowNs: number, reason: string, isAnnounced: boolean): void {
    const flight = this.#flight;
    const count = this.count[conn]!;
    if (count === 0) return;
    this.#deadlines.remove(conn);
    for (let nth = this.late[conn]!; nth < count; nth++) {
      const entry = flight.entry(conn, nth);
      const variant = flight.variant[entry]!;
      if (isAnnounced && this.#repeatable[variant] === 1) {
        this.again.push(flight.plannedNs[entry]!, flight.sentNs[entry]!, variant);
        continue;
      }
      this.#recorder.failed(
        flight.plannedNs[entry]!,
        flight.sentNs[entry]!,
        flight.firstNs[entry]!,
        nowNs,
        reason,
        this.#kindOf[variant]!,
      );
    }
    flight.clear(conn);
  }

  /**
   * Counts overdue requests as timeouts. Calls `onLate` with each connection that has some; with true when those that
   * were late already did not get a reply in as long again.
   */
  expire(nowNs: number, onLate: (conn: number, isHopeless: boolean) => void): void {
    const deadlines = this.#deadlines;
    for (let conn = deadlines.expired(nowNs); conn >= 0; conn = deadlines.expired(nowNs)) {
      deadlines.remove(conn);
      const wasLate = this.late[conn]! > 0;
      while (this.late[conn]! < this.count[conn]! && this.#deadlineOfNext(conn) <= nowNs) {
        this.#unanswered(conn, nowNs, 'timeout');
      }
      if (!wasLate) this.#lateSinceNs[conn] = nowNs;
      const patienceEndsNs = this.#lateSinceNs[conn]! + this.#timeoutNs;
      const hasMore = this.late[conn]! < this.count[conn]!;
      const nextNs = hasMore ? this.#deadlineOfNext(conn) : Number.POSITIVE_INFINITY;
      if (this.late[conn] === 0) {
        deadlines.insert(conn, nextNs);
      } else {
        deadlines.insert(conn, Math.max(nowNs, Math.min(nextNs, patienceEndsNs)));
        onLate(conn, patienceEndsNs <= nowNs);
      }
    }
  }

  /** Of the oldest that is not late. */
  #deadlineOfNext(conn: number): number {
    return this.#flight.sinceNs[this.#flight.entry(conn, this.late[conn]!)]! + this.#timeoutNs;
  }

  /** The run has ended: what is still under way anywhere is unfinished. */
  finish(nowNs: number): void {
    for (let conn = 0; conn < this.count.length; conn++) {
      while (this.late[conn]! < this.count[conn]!) this.#unanswered(conn, nowNs, 'unfinished');
    }
    for (const { again } = this; again.length > 0; again.shift()) {
      const kind = this.#kindOf[again.variant]!;
      this.#recorder.unanswered(again.plannedNs, again.sentNs, 0, nowNs, 'unfinished', kind);
    }
  }

  #unanswered(conn: number, nowNs: number, outcome: 'timeout' | 'unfinished'): void {
    const flight = this.#flight;
    const entry = flight.entry(conn, this.late[conn]!++);
    this.#recorder.unanswered(
      flight.plannedNs[entry]!,
      flight.sentNs[entry]!,
      flight.firstNs[entry]!,
      nowNs,
      outcome,
      this.#kindOf[flight.variant[entry]!]!,
    );
  }

  /** A new connection takes the slot. */
  clear(conn: number): void {
    this.#flight.clear(conn);
  }
}
