/**
 * Connections with a deadline, oldest first. All deadlines are equally far off when they are set, so the order of
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

  /** The connection must not be in the list. */
  add(conn: number, atNs: number): void {
    this.#atNs[conn] = atNs;
    this.#next[conn] = NONE;
    this.#previous[conn] = this.#last;
    if (this.#last === NONE) this.#first = conn;
    else this.#next[this.#last] = conn;
    this.#last = conn;
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
