/**
 * The payloads of a .gor file, each with a separator behind it.
 *
 * Invariants
 *  P1  No more is held than RECORD_BYTES_MAX of a payload and a chunk: of a longer payload its beginning, the rest is
 *      walked over.
 *  P2  Every byte is searched once.
 */
import { RECORD_BYTES_MAX } from './splitter.ts';

/** GoReplay's: three monkeys on a line of their own (protocol.go, payloadSeparator). */
export const PAYLOAD_SEPARATOR: Buffer = Buffer.from('\n\u{1f435}\u{1f648}\u{1f649}\n');

export class PayloadSplitter {
  /** The payload that next() found is [start, end) of these, good until the next call. */
  bytes: Buffer = Buffer.alloc(0);
  start = 0;
  end = 0;
  /** It was longer, and this is its beginning. */
  truncated = false;
  /** The file ended in it. */
  unfinished = false;
  #at = 0;
  #searchedTo = 0;
  /** Length of what has been kept of a payload that is too long; −1 outside of one. */
  #keptBytes = -1;

  push(chunk: Uint8Array): void {
    this.bytes = Buffer.concat([this.bytes.subarray(this.#at), chunk]);
    this.#searchedTo -= this.#at;
    if (this.#keptBytes >= 0) this.#searchedTo = Math.max(this.#searchedTo, this.#keptBytes);
    this.#at = 0;
  }

  /** The next whole payload; false for none yet. */
  next(): boolean {
    const found = this.bytes.indexOf(PAYLOAD_SEPARATOR, this.#searchedTo);
    if (found < 0) {
      this.#keepBeginning();
      return false;
    }
    this.#found(found);
    this.#at = found + PAYLOAD_SEPARATOR.length;
    this.#searchedTo = this.#at;
    return true;
  }

  /** What stands behind the last separator, once; false for nothing. */
  last(): boolean {
    if (this.#at >= this.bytes.length) return false;
    this.#found(this.bytes.length);
    this.#at = this.bytes.length;
    this.unfinished = true;
    return true;
  }

  #found(end: number): void {
    const length = end - this.#at;
    this.truncated = this.#keptBytes >= 0 || length > RECORD_BYTES_MAX;
    this.start = this.#at;
    this.end = this.truncated ? this.#at + Math.min(length, RECORD_BYTES_MAX) : end;
    this.unfinished = false;
    this.#keptBytes = -1;
  }

  #keepBeginning(): void {
    // A separator may have begun.
    const rest = PAYLOAD_SEPARATOR.length - 1;
    this.#searchedTo = Math.max(this.#at, this.bytes.length - rest);
    if (this.#searchedTo - this.#at <= RECORD_BYTES_MAX) return;
    this.#keptBytes = RECORD_BYTES_MAX;
    this.bytes = Buffer.concat([
      this.bytes.subarray(this.#at, this.#at + RECORD_BYTES_MAX),
      this.bytes.subarray(this.#searchedTo),
    ]);
    this.#at = 0;
    this.#searchedTo = RECORD_BYTES_MAX;
  }
}
