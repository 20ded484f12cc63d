/** Lines that were read and wait for a judgement on their clock: copies, the first in first out. */
import type { LogRecord } from '../framing/splitter.ts';

/** So many lines are looked at to know whether a clock jumped for good. */
export const HELD_LIMIT = 16;
/** More than this is not held: what is there has to do. */
const HELD_BYTES = 1024 * 1024;

export class HeldLines {
  count = 0;
  /** The first is [0, end) of `bytes`; its number. */
  end = 0;
  number = 0;
  bytes: Uint8Array = new Uint8Array(0);
  readonly #stampsSec = new Float64Array(HELD_LIMIT);
  readonly #numbers = new Float64Array(HELD_LIMIT);
  readonly #ends = new Float64Array(HELD_LIMIT);

  /** No further line is to be looked at. */
  get isFull(): boolean {
    return this.count === HELD_LIMIT || (this.count > 0 && this.#ends[this.count - 1]! > HELD_BYTES);
  }

  /** Copies a line; not to be asked of full ones. */
  push({ bytes, start, end, number }: LogRecord, stampSec: number): void {
    const from = this.count === 0 ? 0 : this.#ends[this.count - 1]!;
    const to = from + end - start;
    if (this.bytes.length < to) {
      const larger = new Uint8Array(2 * to);
      larger.set(this.bytes.subarray(0, from));
      this.bytes = larger;
    }
    this.bytes.set(bytes.subarray(start, end), from);
    this.#stampsSec[this.count] = stampSec;
    this.#numbers[this.count] = number;
    this.#ends[this.count++] = to;
    this.#lookAtFirst();
  }

  /** Of the line so many behind the first, seconds since 1970. */
  stampSec(index: number): number {
    return this.#stampsSec[index]!;
  }

  /** The first is done with; what is left moves to the front. */
  shift(): void {
    const gone = this.#ends[0]!;
    this.bytes.copyWithin(0, gone, this.#ends[this.count - 1]!);
    this.#stampsSec.copyWithin(0, 1, this.count);
    this.#numbers.copyWithin(0, 1, this.count);
    this.count--;
    for (let i = 0; i < this.count; i++) this.#ends[i] = this.#ends[i + 1]! - gone;
    this.#lookAtFirst();
  }

  #lookAtFirst(): void {
    this.end = this.#ends[0]!;
    this.number = this.#numbers[0]!;
  }
}
