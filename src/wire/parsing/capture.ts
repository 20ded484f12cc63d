/** Payloads kept for a reader, when one asked: in place if they came in one piece, copied together otherwise. */
// Invariants
//  C1  Nothing is copied of a message that lies in one buffer, and no view is made but by `body`.
//  C2  At most limitBytes are kept a connection.
import { Stash } from './stash.ts';

const EMPTY = new Uint8Array(0);

export class Capture {
  readonly #limitBytes: number;
  readonly #stash: Stash;
  #bytes: Uint8Array = EMPTY;
  #start = 0;
  #end = 0;

  constructor(connectionLimit: number, limitBytes: number) {
    this.#limitBytes = limitBytes;
    this.#stash = new Stash(connectionLimit, limitBytes);
  }

  /** Keeps a piece of a message that goes on. */
  add(conn: number, bytes: Uint8Array, start: number, end: number): void {
    const room = this.#limitBytes - this.#stash.length(conn);
    const stop = Math.min(end, start + room);
    if (stop > start) this.#stash.append(conn, bytes, start, stop);
  }

  /** The message's last piece: from now on `body` is the whole of it. */
  finish(conn: number, bytes: Uint8Array, start: number, end: number): void {
    if (this.#stash.length(conn) === 0) {
      this.#bytes = bytes;
      this.#start = start;
      this.#end = Math.min(end, start + this.#limitBytes);
      return;
    }
    this.add(conn, bytes, start, end);
    this.#bytes = this.#stash.bytes(conn);
    this.#start = 0;
    this.#end = this.#stash.length(conn);
    this.#stash.clear(conn);
  }

  /** Takes a terminator off `body`: it is at most this long. */
  truncate(byteLength: number): void {
    this.#end = Math.min(this.#end, this.#start + byteLength);
  }

  clear(conn: number): void {
    this.#stash.clear(conn);
  }

  get byteLength(): number {
    return this.#end - this.#start;
  }

  get body(): Uint8Array {
    return this.#bytes.subarray(this.#start, this.#end);
  }
}
