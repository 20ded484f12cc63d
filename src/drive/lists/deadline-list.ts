/**
 * Connections with a deadline, oldest first. Deadlines are mostly equally far off when they are set, so the order of
 * setting is the order of expiry, and a doubly linked list through two arrays does all in constant time.
 */
const NONE = -1;

export class DeadlineList {
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  readonly #atNs: Float64Array;
  #first = NONE;
  #last = NONE;

  constructor(connectionLimit: number) {
    this.#next = new Int32Array(connectionLimit).fill(NONE);
    this.#previous = new Int32Array(connectionLimit).fill(NONE);
    this.#atNs = new Float64Array(connectionLimit);
  }

  /** The connection must not be in the list, and no deadline in it may be later. */
  add(conn: number, atNs: number): void {
    this.#link(conn, atNs, this.#last);
  }

  /** As add(), for a deadline that may belong further ahead: searched from the end. */
  insert(conn: number, atNs: number): void {
    let previous = this.#last;
    while (previous !== NONE && this.#atNs[previous]! > atNs) previous = this.#previous[previous]!;
    this.#link(conn, atNs, previous);
  }

  #link(conn: number, atNs: number, previous: number): void {
    const next = previous === NONE ? this.#first : this.#next[previous]!;
    this.#atNs[conn] = atNs;
    this.#previous[conn] = previous;
    this.#next[conn] = next;
    if (previous === NONE) this.#first = conn;
    else this.#next[previous] = conn;
    if (next === NONE) this.#last = conn;
    else this.#previous[next] = conn;
  }

  /** The connection must be in the list. */
  remove(conn: number): void {
    const next = this.#next[conn]!;
    const previous = this.#previous[conn]!;
    if (previous === NONE) this.#first = next;
    else this.#next[previous] = next;
    if (next === NONE) this.#last = previous;
    else this.#previous[next] = previous;
  }

  /** A connection whose deadline has passed, or −1. It stays in the list. */
  expired(nowNs: number): number {
    return this.#first !== NONE && this.#atNs[this.#first]! <= nowNs ? this.#first : NONE;
  }

  /** Infinity when the list is empty. */
  get earliestNs(): number {
    return this.#first === NONE ? Number.POSITIVE_INFINITY : this.#atNs[this.#first]!;
  }
}
