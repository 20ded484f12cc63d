/** Chunked request bodies (RFC 9112 §7.1), read and dropped; strict, with state in tables indexed by connection. */
// Invariants
//  B1  skip() allocates nothing, and takes no byte past the end of the body.
import { isTokenByte, isValueByte } from './request-head.ts';

export const CHUNKED = { more: -1, malformed: -2, tooLong: -3 } as const;

const SIZE = 0;
const EXTENSION = 1;
const SIZE_LF = 2;
const DATA = 3;
const DATA_CR = 4;
const DATA_LF = 5;
const LINE_START = 6;
const FIELD_NAME = 7;
const FIELD_VALUE = 8;
const FIELD_LF = 9;
const LAST_LF = 10;

const CR = 13;
const LF = 10;
const SEMICOLON = 59;
const COLON = 58;
/** Sixteen to the power of twelve bytes are enough for anybody, and exact in a double. */
const MOST_DIGITS = 12;

export class ChunkedBodies {
  readonly #state: Uint8Array;
  readonly #digits: Uint8Array;
  readonly #left: Float64Array;
  readonly #total: Float64Array;
  /** Bytes of extensions and trailers: bounded like a header block. */
  readonly #extra: Int32Array;
  readonly #maxBodyBytes: number;
  readonly #maxExtraBytes: number;

  constructor(connectionLimit: number, maxBodyBytes: number, maxExtraBytes: number) {
    this.#state = new Uint8Array(connectionLimit);
    this.#digits = new Uint8Array(connectionLimit);
    this.#left = new Float64Array(connectionLimit);
    this.#total = new Float64Array(connectionLimit);
    this.#extra = new Int32Array(connectionLimit);
    this.#maxBodyBytes = maxBodyBytes;
    this.#maxExtraBytes = maxExtraBytes;
  }

  begin(conn: number): void {
    this.#state[conn] = SIZE;
    this.#digits[conn] = this.#left[conn] = this.#total[conn] = this.#extra[conn] = 0;
  }

  /** Position after the body's last byte, or one of CHUNKED (more: all bytes were taken). */
  skip(conn: number, bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    while (at < end) {
      if (this.#state[conn] === DATA) {
        const take = Math.min(this.#left[conn]!, end - at);
        at += take;
        this.#left[conn]! -= take;
        if (this.#left[conn]! > 0) return CHUNKED.more;
        this.#state[conn] = DATA_CR;
        continue;
      }
      const step = this.#step(conn, bytes[at]!);
      if (step < 0) return step;
      at++;
      if (step === 1) return at;
    }
    return CHUNKED.more;
  }

  /** One byte outside chunk data. 0: go on, 1: that was the last one, else CHUNKED. */
  #step(conn: number, byte: number): number {
    switch (this.#state[conn]) {
      case SIZE:
        return this.#size(conn, byte);
      case EXTENSION:
        if (byte === CR) return this.#go(conn, SIZE_LF);
        return isValueByte(byte) ? this.#countExtra(conn) : CHUNKED.malformed;
      case SIZE_LF:
        return byte === LF ? this.#afterSize(conn) : CHUNKED.malformed;
      case DATA_CR:
        return byte === CR ? this.#go(conn, DATA_LF) : CHUNKED.malformed;
      case DATA_LF:
        return byte === LF ? this.#go(conn, SIZE) : CHUNKED.malformed;
      case LINE_START:
        if (byte === CR) return this.#go(conn, LAST_LF);
        this.#state[conn] = FIELD_NAME;
        return isTokenByte(byte) ? this.#countExtra(conn) : CHUNKED.malformed;
      case FIELD_NAME:
        if (byte === COLON) this.#state[conn] = FIELD_VALUE;
        else if (!isTokenByte(byte)) return CHUNKED.malformed;
        return this.#countExtra(conn);
      case FIELD_VALUE:
        if (byte === CR) return this.#go(conn, FIELD_LF);
        return isValueByte(byte) ? this.#countExtra(conn) : CHUNKED.malformed;
      case FIELD_LF:
        return byte === LF ? this.#go(conn, LINE_START) : CHUNKED.malformed;
      default:
        return byte === LF ? 1 : CHUNKED.malformed;
    }
  }

  #size(conn: number, byte: number): number {
    const digit = hexDigit(byte);
    if (digit >= 0) {
      if (++this.#digits[conn]! > MOST_DIGITS) return CHUNKED.tooLong;
      this.#left[conn] = this.#left[conn]! * 16 + digit;
      return this.#total[conn]! + this.#left[conn]! > this.#maxBodyBytes ? CHUNKED.tooLong : 0;
    }
    if (this.#digits[conn] === 0) return CHUNKED.malformed;
    if (byte === CR) return this.#go(conn, SIZE_LF);
    return byte === SEMICOLON ? this.#go(conn, EXTENSION) : CHUNKED.malformed;
  }

  #afterSize(conn: number): number {
    this.#digits[conn] = 0;
    this.#total[conn]! += this.#left[conn]!;
    return this.#go(conn, this.#left[conn] === 0 ? LINE_START : DATA);
  }

  #go(conn: number, state: number): number {
    this.#state[conn] = state;
    return 0;
  }

  #countExtra(conn: number): number {
    return ++this.#extra[conn]! > this.#maxExtraBytes ? CHUNKED.tooLong : 0;
  }
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const lower = byte | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}
