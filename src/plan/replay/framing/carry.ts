import { RECORD_BYTES_MAX } from './splitter.ts';

const FIRST_BYTES = 4096;

/** The beginning of a record whose end has not come yet. Grows up to the length of the longest record. */
export class Carry {
  bytes: Buffer = Buffer.allocUnsafe(FIRST_BYTES);
  length = 0;

  /** Appends [start, end); false when it would be longer than a record may be, and then holds nothing new. */
  append(from: Buffer, start: number, end: number): boolean {
    const length = this.length + end - start;
    if (length > RECORD_BYTES_MAX) return false;
    if (length > this.bytes.length) this.#grow(length);
    from.copy(this.bytes, this.length, start, end);
    this.length = length;
    return true;
  }

  #grow(length: number): void {
    const bytes = Buffer.allocUnsafe(Math.min(RECORD_BYTES_MAX, Math.max(length, 2 * this.bytes.length)));
    this.bytes.copy(bytes, 0, 0, this.length);
    this.bytes = bytes;
  }
}
