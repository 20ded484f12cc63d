/** Reads a handshake message across the heads of the records that it lies in. */
// Invariants
//  K1  begin() gets whole record heads: the reader has walked them. Past the last byte everything reads as zero.
const RECORD_HEAD_BYTES = 5;

export class RecordCursor {
  /** Bytes of the message behind us. */
  position = 0;
  /** Something was asked for that is not there. */
  isSpent = false;
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  #recordEnd = 0;
  #end = 0;

  /** The message's first record begins at `start`; its bytes end at `end`. */
  begin(bytes: Uint8Array, start: number, end: number): void {
    this.position = 0;
    this.isSpent = false;
    this.#bytes = bytes;
    this.#recordEnd = this.#at = start;
    this.#end = end;
  }

  uint8(): number {
    if (!this.#enter()) return 0;
    this.position++;
    return this.#bytes[this.#at++]!;
  }

  uint16(): number {
    const high = this.uint8();
    return (high << 8) | this.uint8();
  }

  uint24(): number {
    const high = this.uint8();
    return (high << 16) | this.uint16();
  }

  skip(byteLength: number): void {
    for (let left = byteLength; left > 0; ) {
      if (!this.#enter()) return;
      const step = Math.min(left, this.#recordEnd - this.#at);
      this.#at += step;
      this.position += step;
      left -= step;
    }
  }

  /** A copy of the next bytes; null when there are not so many. */
  take(byteLength: number): Uint8Array | null {
    const copy = new Uint8Array(byteLength);
    for (let i = 0; i < byteLength; i++) copy[i] = this.uint8();
    return this.isSpent ? null : copy;
  }

  /** Steps over a record's head where one begins. */
  #enter(): boolean {
    while (this.#at === this.#recordEnd) {
      const body = this.#at + RECORD_HEAD_BYTES;
      if (body >= this.#end) {
        this.isSpent = true;
        return false;
      }
      const length = (this.#bytes[this.#at + 3]! << 8) | this.#bytes[this.#at + 4]!;
      this.#at = body;
      this.#recordEnd = Math.min(body + length, this.#end);
    }
    return true;
  }
}
