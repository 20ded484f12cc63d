/** Chunked bodies (RFC 9112 §7.1), skipped byte by byte; state in tables indexed by connection. */
export const CHUNKED = { more: -1, bad: -2 } as const;

const SIZE = 0;
const EXTENSION = 1;
const SIZE_LF = 2;
const DATA = 3;
const DATA_END = 4;
const DATA_LF = 5;
const TRAILER_START = 6;
const TRAILER = 7;
const LAST_LF = 8;

const LF = 10;
const CR = 13;

export class ChunkedBodies {
  readonly #state: Uint8Array;
  readonly #digits: Uint8Array;
  readonly #left: Float64Array;
  /** Bytes of extensions and trailers so far: bounded, like a header block. */
  readonly #extra: Int32Array;
  readonly #maxExtraBytes: number;

  constructor(connectionLimit: number, maxExtraBytes: number) {
    this.#state = new Uint8Array(connectionLimit);
    this.#digits = new Uint8Array(connectionLimit);
    this.#left = new Float64Array(connectionLimit);
    this.#extra = new Int32Array(connectionLimit);
    this.#maxExtraBytes = maxExtraBytes;
  }

  begin(conn: number): void {
    this.#state[conn] = SIZE;
    this.#digits[conn] = 0;
    this.#left[conn] = 0;
    this.#extra[conn] = 0;
  }

  /** Position after the body's last byte, or CHUNKED.more (all taken), or CHUNKED.bad. */
  skip(conn: number, bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    while (at < end) {
      if (this.#state[conn] === DATA) {
        const take = Math.min(this.#left[conn]!, end - at);
        at += take;
        if ((this.#left[conn]! -= take) > 0) return CHUNKED.more;
        this.#state[conn] = DATA_END;
        continue;
      }
      const step = this.#step(conn, bytes[at]!);
      if (step === CHUNKED.bad) return CHUNKED.bad;
      at++;
      if (step === 1) return at;
    }
    return CHUNKED.more;
  }

  /** One byte outside chunk data. 0: go on, 1: that was the last, CHUNKED.bad. */
  #step(conn: number, byte: number): number {
    switch (this.#state[conn]) {
      case SIZE:
        return this.#size(conn, byte);
      case EXTENSION:
        if (byte === LF) return this.#afterSize(conn);
        return this.#countExtra(conn);
      case SIZE_LF:
        return byte === LF ? this.#afterSize(conn) : CHUNKED.bad;
      case DATA_END:
        if (byte === CR) return this.#go(conn, DATA_LF);
        return byte === LF ? this.#go(conn, SIZE) : CHUNKED.bad;
      case DATA_LF:
        return byte === LF ? this.#go(conn, SIZE) : CHUNKED.bad;
      case TRAILER_START:
        if (byte === LF) return 1;
        if (byte === CR) return this.#go(conn, LAST_LF);
        this.#state[conn] = TRAILER;
        return this.#countExtra(conn);
      case TRAILER:
        if (byte === LF) this.#state[conn] = TRAILER_START;
        return this.#countExtra(conn);
      default:
        return byte === LF ? 1 : CHUNKED.bad;
    }
  }

  #size(conn: number, byte: number): number {
    const digit = hexDigit(byte);
    if (digit >= 0) {
      if (++this.#digits[conn]! > 12) return CHUNKED.bad;
      this.#left[conn] = this.#left[conn]! * 16 + digit;
      return 0;
    }
    if (this.#digits[conn] === 0) return CHUNKED.bad;
    if (byte === CR) return this.#go(conn, SIZE_LF);
    if (byte === LF) return this.#afterSize(conn);
    // ";" begins an extension; some servers pad the size with blanks.
    if (byte !== 59 && byte !== 32 && byte !== 9) return CHUNKED.bad;
    return this.#go(conn, EXTENSION);
  }

  #afterSize(conn: number): number {
    this.#digits[conn] = 0;
    return this.#go(conn, this.#left[conn] === 0 ? TRAILER_START : DATA);
  }

  #go(conn: number, state: number): number {
    this.#state[conn] = state;
    return 0;
  }

  #countExtra(conn: number): number {
    return ++this.#extra[conn]! > this.#maxExtraBytes ? CHUNKED.bad : 0;
  }
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const lower = byte | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}
