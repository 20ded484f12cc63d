/** Length-framed messages, for both ends: a header with a length, then that many bytes. Replies match in order. */
// Invariants
//  F1  A frame whose header lies in one piece is read without touching the connection's tables, but for its rest.
//  F2  A length is judged as soon as its field is whole, before a byte of the payload is kept.

import {
  DEFAULT_FRAME_FORMAT,
  type FrameFormat,
  PARSED,
  type Parsed,
  type ParserOptions,
  PROBLEM,
} from '../codec.ts';
import { Capture } from '../parsing/capture.ts';
import { SelfDelimiting } from '../parsing/self-delimiting.ts';
import { headerTemplate, lengthSurplus, writeFrameLength } from './frame-format.ts';

const EMPTY = new Uint8Array(0);

export class FrameParser extends SelfDelimiting {
  readonly #headerBytes: number;
  readonly #lengthOffset: number;
  readonly #lengthBytes: number;
  readonly #littleEndian: boolean;
  readonly #surplus: number;
  readonly #magic: Uint8Array;
  readonly #maxPayloadBytes: number;
  /** Header bytes seen so far; headerBytes means: in the payload. */
  readonly #seen: Uint16Array;
  readonly #size: Float64Array;
  readonly #left: Float64Array;
  readonly #capture: Capture | null;

  constructor(options: ParserOptions) {
    super();
    const format = options.frame ?? DEFAULT_FRAME_FORMAT;
    const limit = options.connectionLimit;
    this.#headerBytes = format.headerBytes;
    this.#lengthOffset = format.lengthOffset;
    this.#lengthBytes = format.lengthBytes;
    this.#littleEndian = format.littleEndian;
    this.#surplus = lengthSurplus(format);
    this.#magic = new Uint8Array(Buffer.from(format.magic, 'hex'));
    this.#maxPayloadBytes = options.maxPayloadBytes ?? format.maxPayloadBytes;
    this.#seen = new Uint16Array(limit);
    this.#size = new Float64Array(limit);
    this.#left = new Float64Array(limit);
    this.#capture = options.captureBytes ? new Capture(limit, options.captureBytes) : null;
  }

  feed(conn: number, bytes: Uint8Array, start: number, end: number): Parsed {
    const seen = this.#seen[conn]!;
    const headerBytes = this.#headerBytes;
    if (seen === headerBytes) return this.#payload(conn, bytes, start, end);
    if (seen !== 0 || end - start < headerBytes) return this.#header(conn, bytes, start, end);
    const magic = this.#magic;
    for (let i = 0; i < magic.length; i++) {
      if (bytes[start + i] !== magic[i]) return this.bad(PROBLEM.badMagic);
    }
    const payload = this.#readLength(bytes, start + this.#lengthOffset) - this.#surplus;
    if (payload < 0 || payload > this.#maxPayloadBytes) return this.bad(PROBLEM.badFrame);
    const payloadStart = start + headerBytes;
    const next = payloadStart + payload;
    if (next > end) {
      this.#seen[conn] = headerBytes;
      this.#left[conn] = payload;
      return this.#payload(conn, bytes, payloadStart, end);
    }
    this.#capture?.finish(conn, bytes, payloadStart, next);
    this.next = next;
    return PARSED.message;
  }

  midMessage(conn: number): boolean {
    return this.#seen[conn] !== 0;
  }

  reset(conn: number): void {
    this.#seen[conn] = 0;
    this.#capture?.clear(conn);
  }

  get body(): Uint8Array {
    return this.#capture?.body ?? EMPTY;
  }

  #readLength(bytes: Uint8Array, at: number): number {
    if (this.#lengthBytes === 4) {
      return this.#littleEndian
        ? bytes[at + 3]! * 0x1000000 + (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16))
        : bytes[at]! * 0x1000000 + ((bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!);
    }
    let size = 0;
    if (this.#littleEndian)
      for (let i = this.#lengthBytes - 1; i >= 0; i--) size = size * 256 + bytes[at + i]!;
    else for (let i = 0; i < this.#lengthBytes; i++) size = size * 256 + bytes[at + i]!;
    return size;
  }

  /** A header in pieces, byte by byte. */
  #header(conn: number, bytes: Uint8Array, start: number, end: number): Parsed {
    const lengthOffset = this.#lengthOffset;
    const lengthEnd = lengthOffset + this.#lengthBytes;
    let seen = this.#seen[conn]!;
    let size = seen === 0 ? 0 : this.#size[conn]!;
    let at = start;
    for (; seen < this.#headerBytes && at < end; seen++, at++) {
      if (seen < this.#magic.length && bytes[at] !== this.#magic[seen]) return this.bad(PROBLEM.badMagic);
      if (seen < lengthOffset || seen >= lengthEnd) continue;
      size = this.#littleEndian ? size + bytes[at]! * 256 ** (seen - lengthOffset) : size * 256 + bytes[at]!;
      if (seen !== lengthEnd - 1) continue;
      size -= this.#surplus;
      if (size < 0 || size > this.#maxPayloadBytes) return this.bad(PROBLEM.badFrame);
    }
    this.#seen[conn] = seen;
    this.#size[conn] = size;
    if (seen < this.#headerBytes) {
      this.next = end;
      return PARSED.more;
    }
    this.#left[conn] = size;
    return this.#payload(conn, bytes, at, end);
  }

  #payload(conn: number, bytes: Uint8Array, start: number, end: number): Parsed {
    const left = this.#left[conn]!;
    if (end - start < left) {
      this.#left[conn] = left - (end - start);
      this.#capture?.add(conn, bytes, start, end);
      this.next = end;
      return PARSED.more;
    }
    this.#capture?.finish(conn, bytes, start, start + left);
    this.next = start + left;
    this.#seen[conn] = 0;
    return PARSED.message;
  }
}

/** Writes a frame's header at `at` and returns the position of its payload. The caller has made room. */
export function writeFrameHeader(
  into: Uint8Array,
  at: number,
  payloadBytes: number,
  format: FrameFormat = DEFAULT_FRAME_FORMAT,
): number {
  into.set(headerTemplate(format), at);
  writeFrameLength(into, at, payloadBytes, format);
  return at + format.headerBytes;
}
