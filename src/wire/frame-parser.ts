/** Length-framed messages, for both ends: a length, then that many bytes of payload. Replies match in order. */
import {
  DEFAULT_FRAME_FORMAT,
  DEFAULT_MAX_PAYLOAD_BYTES,
  type FrameFormat,
  PARSED,
  type Parsed,
  type ParserOptions,
  PROBLEM,
  type ReplyParser,
} from './codec.ts';
import { Stash } from './stash.ts';

const EMPTY = new Uint8Array(0);

export type FrameParserOptions = ParserOptions & {
  /** Keep payloads that arrive in pieces, so that each message's payload can be read. Servers want it. */
  keepPayload?: boolean;
};

export class FrameParser implements ReplyParser {
  next = 0;
  readonly status = 0;
  problem = '';
  /** With keepPayload, the last message's payload is payloadBytes[payloadStart, payloadEnd), until the next feed. */
  payloadBytes: Uint8Array = EMPTY;
  payloadStart = 0;
  payloadEnd = 0;
  readonly #headerBytes: number;
  readonly #littleEndian: boolean;
  readonly #overhead: number;
  readonly #maxPayloadBytes: number;
  /** Bytes of the length seen so far; headerBytes means: in the payload. */
  readonly #seen: Uint8Array;
  readonly #size: Float64Array;
  readonly #left: Float64Array;
  readonly #stash: Stash | null;

  constructor(options: FrameParserOptions) {
    const format = options.frame ?? DEFAULT_FRAME_FORMAT;
    this.#headerBytes = format.lengthBytes;
    this.#littleEndian = format.littleEndian;
    this.#overhead = format.countsItself ? format.lengthBytes : 0;
    this.#maxPayloadBytes = options.maxPayloadBytes ?? DEFAULT_MAX_PAYLOAD_BYTES;
    this.#seen = new Uint8Array(options.connectionLimit);
    this.#size = new Float64Array(options.connectionLimit);
    this.#left = new Float64Array(options.connectionLimit);
    this.#stash = options.keepPayload ? new Stash(options.connectionLimit, this.#maxPayloadBytes) : null;
  }

  feed(conn: number, bytes: Uint8Array, start: number, end: number): Parsed {
    let at = start;
    let seen = this.#seen[conn]!;
    if (seen < this.#headerBytes) {
      let size = seen === 0 ? 0 : this.#size[conn]!;
      while (seen < this.#headerBytes && at < end) {
        size = this.#littleEndian ? size + bytes[at]! * 256 ** seen : size * 256 + bytes[at]!;
        seen++;
        at++;
      }
      this.#seen[conn] = seen;
      this.#size[conn] = size;
      if (seen < this.#headerBytes) {
        this.next = end;
        return PARSED.more;
      }
      const payload = size - this.#overhead;
      if (payload < 0 || payload > this.#maxPayloadBytes) {
        this.problem = PROBLEM.badFrame;
        return PARSED.bad;
      }
      this.#left[conn] = payload;
    }
    return this.#payload(conn, bytes, at, end);
  }

  #payload(conn: number, bytes: Uint8Array, start: number, end: number): Parsed {
    const left = this.#left[conn]!;
    const stash = this.#stash;
    if (end - start < left) {
      this.#left[conn] = left - (end - start);
      stash?.append(conn, bytes, start, end);
      this.next = end;
      return PARSED.more;
    }
    this.next = start + left;
    this.#seen[conn] = 0;
    if (stash === null) return PARSED.message;
    if (stash.length(conn) === 0) {
      this.payloadBytes = bytes;
      this.payloadStart = start;
      this.payloadEnd = start + left;
      return PARSED.message;
    }
    stash.append(conn, bytes, start, start + left);
    this.payloadBytes = stash.bytes(conn);
    this.payloadStart = 0;
    this.payloadEnd = stash.length(conn);
    stash.clear(conn);
    return PARSED.message;
  }

  endOfStream(conn: number): Parsed {
    if (!this.midMessage(conn)) return PARSED.more;
    this.problem = PROBLEM.truncated;
    return PARSED.bad;
  }

  midMessage(conn: number): boolean {
    return this.#seen[conn] !== 0;
  }

  reset(conn: number): void {
    this.#seen[conn] = 0;
    this.#stash?.clear(conn);
  }
}

/** Writes a frame's length at `at` and returns the position of its payload. The caller has made room. */
export function writeFrameHeader(
  into: Uint8Array,
  at: number,
  payloadBytes: number,
  format: FrameFormat = DEFAULT_FRAME_FORMAT,
): number {
  const count = format.lengthBytes;
  const size = payloadBytes + (format.countsItself ? count : 0);
  for (let i = 0; i < count; i++) {
    into[at + (format.littleEndian ? i : count - 1 - i)] = Math.floor(size / 256 ** i) & 0xff;
  }
  return at + count;
}
