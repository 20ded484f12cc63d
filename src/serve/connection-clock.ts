/**
 * Who has kept the server waiting for too long. Nothing is done per request but to note the time: all connections are
 * looked over a few times a second.
 */
// Invariants
//  D1  touched() and look() allocate nothing.
export const NOT_SERVED = 0;
/** Between requests. */
export const IDLE = 1;
/** A request has begun to arrive. */
export const ARRIVING = 2;

export type TimeLimits = { idleTimeoutNs: number; requestTimeoutNs: number; sendTimeoutNs: number };

export type Overdue = {
  /** Between requests for too long. */
  idle(conn: number): void;
  /** Its request does not come to an end. */
  arriving(conn: number): void;
  /** Does not take its replies. */
  notReading(conn: number): void;
  unsentBytes(conn: number): number;
};

const SHORTEST_LOOK_NS = 10e6;
const LONGEST_LOOK_NS = 500e6;
/** While no connection more can be accepted, those who are here for nothing make room after so long. */
const IDLE_WHEN_FULL_NS = 1e9;

export class ConnectionClock {
  readonly state: Uint8Array;
  readonly #limits: TimeLimits;
  readonly #overdue: Overdue;
  readonly #sinceNs: Float64Array;
  /** At the last look: bytes the peer had not taken, and since when it is that many. */
  readonly #unsent: Float64Array;
  readonly #unsentSinceNs: Float64Array;
  readonly #lookEveryNs: number;
  #idleTimeoutNs: number;
  #nextLookNs = 0;
  /** No connection from here on has been served. */
  #end = 0;

  constructor(connectionLimit: number, limits: TimeLimits, overdue: Overdue) {
    this.#limits = limits;
    this.#overdue = overdue;
    this.state = new Uint8Array(connectionLimit);
    this.#sinceNs = new Float64Array(connectionLimit);
    this.#unsent = new Float64Array(connectionLimit);
    this.#unsentSinceNs = new Float64Array(connectionLimit);
    this.#idleTimeoutNs = limits.idleTimeoutNs;
    const shortestNs = Math.min(limits.idleTimeoutNs, limits.requestTimeoutNs, limits.sendTimeoutNs);
    this.#lookEveryNs = Math.min(LONGEST_LOOK_NS, Math.max(SHORTEST_LOOK_NS, shortestNs / 8));
  }

  opened(conn: number, nowNs: number): void {
    this.state[conn] = IDLE;
    this.#sinceNs[conn] = nowNs;
    this.#unsent[conn] = 0;
    if (conn >= this.#end) this.#end = conn + 1;
  }

  closed(conn: number): void {
    this.state[conn] = NOT_SERVED;
  }

  /** Bytes came. A request that goes on keeps the time it began at; one that follows another in the same bytes begins now. */
  touched(conn: number, isMidRequest: boolean, finishedAny: boolean, nowNs: number): void {
    if (this.state[conn] === NOT_SERVED) return;
    if (!isMidRequest) {
      this.state[conn] = IDLE;
      this.#sinceNs[conn] = nowNs;
    } else if (finishedAny || this.state[conn] !== ARRIVING) {
      this.state[conn] = ARRIVING;
      this.#sinceNs[conn] = nowNs;
    }
  }

  /** Once a cycle; looks at all connections when it is time. isFull: others may be waiting for a place. */
  look(nowNs: number, isFull: boolean): void {
    if (nowNs < this.#nextLookNs) return;
    this.#nextLookNs = nowNs + this.#lookEveryNs;
    const { idleTimeoutNs } = this.#limits;
    this.#idleTimeoutNs = isFull ? Math.min(idleTimeoutNs, IDLE_WHEN_FULL_NS) : idleTimeoutNs;
    for (let conn = 0; conn < this.#end; conn++) {
      const state = this.state[conn]!;
      if (state !== NOT_SERVED) this.#lookAt(conn, state, nowNs);
    }
  }

  #lookAt(conn: number, state: number, nowNs: number): void {
    const unsent = this.#overdue.unsentBytes(conn);
    if (unsent !== this.#unsent[conn]) {
      this.#unsent[conn] = unsent;
      this.#unsentSinceNs[conn] = nowNs;
    }
    const waitedNs = nowNs - this.#sinceNs[conn]!;
    if (unsent > 0) {
      if (nowNs - this.#unsentSinceNs[conn]! > this.#limits.sendTimeoutNs) this.#overdue.notReading(conn);
    } else if (state === ARRIVING) {
      if (waitedNs > this.#limits.requestTimeoutNs) this.#overdue.arriving(conn);
    } else if (waitedNs > this.#idleTimeoutNs) {
      this.#overdue.idle(conn);
    }
  }
}
