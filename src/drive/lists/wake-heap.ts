/** Connections asleep, earliest first: a binary heap in two arrays. A connection is in it once at most. */
export class WakeHeap {
  readonly #conns: Int32Array;
  readonly #wakeNs: Float64Array;
  length = 0;

  constructor(connectionLimit: number) {
    this.#conns = new Int32Array(connectionLimit);
    this.#wakeNs = new Float64Array(connectionLimit);
  }

  /** Infinity when nobody sleeps. */
  get earliestNs(): number {
    return this.length === 0 ? Number.POSITIVE_INFINITY : this.#wakeNs[0]!;
  }

  /** Whom earliestNs wakes. */
  get earliest(): number {
    return this.#conns[0]!;
  }

  push(conn: number, wakeNs: number): void {
    let at = this.length++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.#wakeNs[parent]! <= wakeNs) break;
      this.#conns[at] = this.#conns[parent]!;
      this.#wakeNs[at] = this.#wakeNs[parent]!;
      at = parent;
    }
    this.#conns[at] = conn;
    this.#wakeNs[at] = wakeNs;
  }

  /** Drops the earliest. The caller has looked at `length`. */
  shift(): void {
    this.#drop(0);
  }

  /** When it was to wake, of a connection lost in its sleep; Infinity of one awake. Linear, which a loss may be. */
  remove(conn: number): number {
    const at = this.#conns.subarray(0, this.length).indexOf(conn);
    if (at < 0) return Number.POSITIVE_INFINITY;
    const wakeNs = this.#wakeNs[at]!;
    this.#drop(at);
    return wakeNs;
  }

  #drop(hole: number): void {
    const last = --this.length;
    if (hole === last) return;
    const conn = this.#conns[last]!;
    const wakeNs = this.#wakeNs[last]!;
    let at = hole;
    // Upwards first: the last may belong above a hole in another branch.
    while (at > 0 && this.#wakeNs[(at - 1) >> 1]! > wakeNs) {
      const parent = (at - 1) >> 1;
      this.#conns[at] = this.#conns[parent]!;
      this.#wakeNs[at] = this.#wakeNs[parent]!;
      at = parent;
    }
    for (;;) {
      let child = 2 * at + 1;
      if (child >= last) break;
      if (child + 1 < last && this.#wakeNs[child + 1]! < this.#wakeNs[child]!) child++;
      if (this.#wakeNs[child]! >= wakeNs) break;
      this.#conns[at] = this.#conns[child]!;
      this.#wakeNs[at] = this.#wakeNs[child]!;
      at = child;
    }
    this.#conns[at] = conn;
    this.#wakeNs[at] = wakeNs;
  }
}
