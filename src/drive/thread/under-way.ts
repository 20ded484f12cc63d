/**
 * The requests under way on each connection, their deadlines, and their accounts with the recorder: each leaves by one
 * of answered, late, failed, timed out or unfinished.
 */
// Invariants
//  U1  The deadline list holds exactly the connections with something under way. A connection's time in it is never
//      after the oldest's deadline, and may be before: then it is put in again.
//  U2  Once a request is late, nothing more is sent on its connection; so when patience with the late ones ends, all
//      the others' time has run out too.
import { DeadlineList } from '../lists/deadline-list.ts';
import { InFlight } from './in-flight.ts';
import type { OutcomeRecorder } from './outcome-recorder.ts';

export class UnderWay {
  readonly count: Uint16Array;
  readonly late: Uint16Array;
  readonly #flight: InFlight;
  readonly #deadlines: DeadlineList;
  readonly #recorder: OutcomeRecorder;
  readonly #kindOf: Uint16Array;
  readonly #timeoutNs: number;
  /** When the oldest late request was given up, or the last late reply came. */
  readonly #lateSinceNs: Float64Array;

  constructor(
    connectionLimit: number,
    depth: number,
    timeoutNs: number,
    kindOf: Uint16Array,
    recorder: OutcomeRecorder,
  ) {
    this.#flight = new InFlight(connectionLimit, depth);
    this.count = this.#flight.count;
    this.late = this.#flight.late;
    this.#deadlines = new DeadlineList(connectionLimit);
    this.#recorder = recorder;
    this.#kindOf = kindOf;
    this.#timeoutNs = timeoutNs;
    this.#lateSinceNs = new Float64Array(connectionLimit);
  }

  /** When expire() has something to do; Infinity when nothing is under way. */
  get earliestDeadlineNs(): number {
    return this.#deadlines.earliestNs;
  }

  /** A request is sent. True when nothing else was under way on its connection. */
  begin(conn: number, plannedNs: number, nowNs: number, variant: number): boolean {
    const isFirst = this.count[conn] === 0;
    this.#flight.push(conn, plannedNs, nowNs, variant);
    this.#recorder.sent(plannedNs, nowNs, this.#kindOf[variant]!);
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
    const flight = this.#flight;
    const count = this.count[conn]!;
    if (count === 0) return;
    this.#deadlines.remove(conn);
    for (let nth = this.late[conn]!; nth < count; nth++) {
      const entry = flight.entry(conn, nth);
      this.#recorder.failed(
        flight.plannedNs[entry]!,
        flight.sentNs[entry]!,
        flight.firstNs[entry]!,
        nowNs,
        reason,
        this.#kindOf[flight.variant[entry]!]!,
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
    return this.#flight.sentNs[this.#flight.entry(conn, this.late[conn]!)]! + this.#timeoutNs;
  }

  /** The run has ended: what is still under way anywhere is unfinished. */
  finish(nowNs: number): void {
    for (let conn = 0; conn < this.count.length; conn++) {
      while (this.late[conn]! < this.count[conn]!) this.#unanswered(conn, nowNs, 'unfinished');
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
