/**
 * Requests under way, first in, first out on each connection: replies come in the order of the requests. Of those whose
 * time ran out the reply may still come; until then they stay at the head, counted already.
 */
// Invariants
//  F1  count[c] ≤ depth; of them the first late[c] are counted already.
//  F2  A request is at entry(c, nth) of the parallel arrays from its sending to its reply, nth counted from the oldest.
export class InFlight {
  readonly depth: number;
  readonly count: Uint16Array;
  readonly late: Uint16Array;
  readonly plannedNs: Float64Array;
  /** When it was sent; the first time, if twice. */
  readonly sentNs: Float64Array;
  /** Since when its time runs: from its being sent on this connection. */
  readonly sinceNs: Float64Array;
  /** First byte of the reply; 0 before. */
  readonly firstNs: Float64Array;
  readonly variant: Uint32Array;
  readonly #head: Uint16Array;

  constructor(connectionLimit: number, depth: number) {
    this.depth = depth;
    this.count = new Uint16Array(connectionLimit);
    this.late = new Uint16Array(connectionLimit);
    this.#head = new Uint16Array(connectionLimit);
    const entries = connectionLimit * depth;
    this.plannedNs = new Float64Array(entries);
    this.sentNs = new Float64Array(entries);
    this.sinceNs = new Float64Array(entries);
    this.firstNs = new Float64Array(entries);
    this.variant = new Uint32Array(entries);
  }

  /** Index of the nth oldest request of a connection into the arrays. */
  entry(conn: number, nth: number): number {
    let at = this.#head[conn]! + nth;
    if (at >= this.depth) at -= this.depth;
    return conn * this.depth + at;
  }

  /** The caller has looked at `count`. */
  push(conn: number, plannedNs: number, sentNs: number, sinceNs: number, variant: number): void {
    const entry = this.entry(conn, this.count[conn]!++);
    this.plannedNs[entry] = plannedNs;
    this.sentNs[entry] = sentNs;
    this.sinceNs[entry] = sinceNs;
    this.firstNs[entry] = 0;
    this.variant[entry] = variant;
  }

  /** The oldest has its reply. */
  shift(conn: number): void {
    const head = this.#head[conn]! + 1;
    this.#head[conn] = head === this.depth ? 0 : head;
    this.count[conn]!--;
    if (this.late[conn]! > 0) this.late[conn]!--;
  }

  clear(conn: number): void {
    this.count[conn] = 0;
    this.late[conn] = 0;
    this.#head[conn] = 0;
  }
}
