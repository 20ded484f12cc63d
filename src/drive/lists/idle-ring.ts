/**
 * Free connections, used in turn so that all of them carry load. A connection that closes while it waits here stays
 * as a stale entry: the caller looks at its state when it comes out, and an index is never in the ring twice.
 */
export class IdleRing {
  readonly #ring: Int32Array;
  readonly #isIn: Uint8Array;
  #head = 0;
  length = 0;

  constructor(connectionLimit: number) {
    this.#ring = new Int32Array(connectionLimit);
    this.#isIn = new Uint8Array(connectionLimit);
  }

  push(conn: number): void {
    if (this.#isIn[conn] === 1) return;
    this.#isIn[conn] = 1;
    let tail = this.#head + this.length;
    if (tail >= this.#ring.length) tail -= this.#ring.length;
    this.#ring[tail] = conn;
    this.length++;
  }

  /** The caller has looked at `length`. */
  shift(): number {
    const conn = this.#ring[this.#head]!;
    if (++this.#head === this.#ring.length) this.#head = 0;
    this.length--;
    this.#isIn[conn] = 0;
    return conn;
  }
}
