/**
 * Chunked bodies (RFC 9112 §7.1), taken byte by byte; state in tables indexed by connection. Sizes and data end with
 * CRLF and nothing else: the leave to accept a bare LF (§2.2) is for start lines and fields, trailers included. Replies
 * are read with that leave, requests without: what two readers may understand differently is how requests are smuggled.
 */
// Invariants
//  K1  Of a body only data may be long: zeros before a size, extensions and trailers are bounded together.
//  K2  skip() allocates nothing, and takes no byte past the end of the body.
import type { Capture } from '../parsing/capture.ts';
import { isTokenByte, isValueByte } from './http1-fields.ts';

export const CHUNKED = { more: -1, bad: -2, tooLong: -3 } as const;

export type ChunkedOptions = {
  connectionLimit: number;
  /** Extensions, trailers, and zeros before a size, all together: bounded like a header block. */
  maxExtraBytes: number;
  maxTrailerCount: number;
  /** Longest body. */
  maxBodyBytes: number;
  /** Refuses what a reader is merely allowed to accept: blanks after a size, a bare LF, a folded trailer. */
  isStrict: boolean;
  /** Keeps the data. */
  capture: Capture | null;
};

/** Longest chunk that replies may have, and exact in a double. */
export const MAX_CHUNKED_BYTES: number = 2 ** 48;

const SIZE = 0;
const BLANK = 1;
const EXTENSION = 2;
const SIZE_LF = 3;
const DATA = 4;
const DATA_END = 5;
const DATA_LF = 6;
const TRAILER_START = 7;
const TRAILER_NAME = 8;
const TRAILER_VALUE = 9;
const TRAILER_LF = 10;
const LAST_LF = 11;

const LF = 10;
const CR = 13;
const SP = 32;
const HT = 9;
const SEMICOLON = 59;
const COLON = 58;

export class ChunkedBodies {
  readonly #state: Uint8Array;
  readonly #hasDigits: Uint8Array;
  readonly #left: Float64Array;
  /** Data that the body may still have. */
  readonly #room: Float64Array;
  readonly #extra: Int32Array;
  readonly #trailerCount: Int32Array;
  readonly #options: ChunkedOptions;
  readonly #isStrict: boolean;
  readonly #capture: Capture | null;

  constructor(options: ChunkedOptions) {
    const { connectionLimit } = options;
    this.#options = options;
    this.#isStrict = options.isStrict;
    this.#capture = options.capture;
    this.#state = new Uint8Array(connectionLimit);
    this.#hasDigits = new Uint8Array(connectionLimit);
    this.#left = new Float64Array(connectionLimit);
    this.#room = new Float64Array(connectionLimit);
    this.#extra = new Int32Array(connectionLimit);
    this.#trailerCount = new Int32Array(connectionLimit);
  }

  begin(conn: number): void {
    this.#state[conn] = SIZE;
    this.#hasDigits[conn] = 0;
    this.#left[conn] = 0;
    this.#room[conn] = this.#options.maxBodyBytes;
    this.#extra[conn] = 0;
    this.#trailerCount[conn] = 0;
  }

  /** Of a body that has ended: what it holds. */
  dataBytes(conn: number): number {
    return this.#options.maxBodyBytes - this.#room[conn]!;
  }

  /** Position after the body's last byte, or one of CHUNKED (more: all bytes were taken). */
  skip(conn: number, bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    while (at < end) {
      if (this.#state[conn] === DATA) {
        const take = Math.min(this.#left[conn]!, end - at);
        this.#capture?.add(conn, bytes, at, at + take);
        at += take;
        if ((this.#left[conn]! -= take) > 0) return CHUNKED.more;
        this.#state[conn] = DATA_END;
        continue;
      }
      const step = this.#step(conn, bytes[at]!);
      if (step < 0) return step;
      at++;
      if (step === 1) return at;
    }
    return CHUNKED.more;
  }

  /** One byte outside chunk data. 0: go on, 1: that was the last, else CHUNKED. */
  #step(conn: number, byte: number): number {
    switch (this.#state[conn]) {
      case SIZE:
        return this.#size(conn, byte);
      case BLANK:
        if (byte === SP || byte === HT) return this.#countExtra(conn);
        return this.#afterDigits(conn, byte);
      case EXTENSION:
        if (byte === CR) return this.#go(conn, SIZE_LF);
        return isValueByte(byte) ? this.#countExtra(conn) : CHUNKED.bad;
      case SIZE_LF:
        if (byte !== LF) return CHUNKED.bad;
        this.#hasDigits[conn] = 0;
        this.#room[conn]! -= this.#left[conn]!;
        return this.#go(conn, this.#left[conn] === 0 ? TRAILER_START : DATA);
      case DATA_END:
        return byte === CR ? this.#go(conn, DATA_LF) : CHUNKED.bad;
      case DATA_LF:
        return byte === LF ? this.#go(conn, SIZE) : CHUNKED.bad;
      case LAST_LF:
        return byte === LF ? 1 : CHUNKED.bad;
      default:
        return this.#trailer(conn, byte);
    }
  }

  #size(conn: number, byte: number): number {
    const digit = hexDigit(byte);
    if (digit >= 0) {
      const size = this.#left[conn]! * 16 + digit;
      if (size > this.#room[conn]!) return CHUNKED.tooLong;
      this.#left[conn] = size;
      this.#hasDigits[conn] = 1;
      // Zeros in front are allowed, and have to end.
      return size === 0 ? this.#countExtra(conn) : 0;
    }
    if (this.#hasDigits[conn] === 0) return CHUNKED.bad;
    return this.#afterDigits(conn, byte);
  }

  /** Some servers pad the size with blanks; before an extension they are allowed (§7.1.1). */
  #afterDigits(conn: number, byte: number): number {
    if (byte === CR) return this.#go(conn, SIZE_LF);
    if (byte === SEMICOLON) return this.#go(conn, EXTENSION);
    const isBlank = byte === SP || byte === HT;
    return isBlank && !this.#isStrict ? this.#go(conn, BLANK) : CHUNKED.bad;
  }

  /** Fields after the last chunk, by the rules of a header block. */
  #trailer(conn: number, byte: number): number {
    if (this.#countExtra(conn) !== 0) return CHUNKED.tooLong;
    switch (this.#state[conn]) {
      case TRAILER_START:
        if (byte === LF) return this.#isStrict ? CHUNKED.bad : 1;
        if (byte === CR) return this.#go(conn, LAST_LF);
        // A folded line goes on with the value before it.
        if ((byte === SP || byte === HT) && this.#trailerCount[conn]! > 0 && !this.#isStrict)
          return this.#go(conn, TRAILER_VALUE);
        if (!isTokenByte(byte)) return CHUNKED.bad;
        if (++this.#trailerCount[conn]! > this.#options.maxTrailerCount) return CHUNKED.tooLong;
        return this.#go(conn, TRAILER_NAME);
      case TRAILER_NAME:
        if (byte === COLON) return this.#go(conn, TRAILER_VALUE);
        return isTokenByte(byte) ? 0 : CHUNKED.bad;
      case TRAILER_VALUE:
        if (byte === LF && !this.#isStrict) return this.#go(conn, TRAILER_START);
        if (byte === CR) return this.#go(conn, TRAILER_LF);
        return isValueByte(byte) ? 0 : CHUNKED.bad;
      default:
        return byte === LF ? this.#go(conn, TRAILER_START) : CHUNKED.bad;
    }
  }

  #go(conn: number, state: number): number {
    this.#state[conn] = state;
    return 0;
  }

  #countExtra(conn: number): number {
    return ++this.#extra[conn]! > this.#options.maxExtraBytes ? CHUNKED.tooLong : 0;
  }
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const lower = byte | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}
