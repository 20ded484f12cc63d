/** Replies that end at a terminator. */
// Invariants
//  L1  Each byte is looked at once, whatever the pieces: how much of the terminator matched is kept (Knuth, Morris,
//      Pratt 1977).

import { PARSED, type Parsed, type ParserOptions, PROBLEM } from '../codec.ts';
import { Capture } from '../parsing/capture.ts';
import { SelfDelimiting } from '../parsing/self-delimiting.ts';

export type LineFormat = { terminator: Uint8Array; maxLineBytes: number };

export const DEFAULT_LINE_FORMAT: LineFormat = { terminator: Uint8Array.of(10), maxLineBytes: 1024 * 1024 };

const EMPTY = new Uint8Array(0);

export class LineParser extends SelfDelimiting {
  readonly #terminator: Uint8Array;
  /** fallback[n]: how much of the terminator still matches when byte n + 1 of it does not. */
  readonly #fallback: Uint8Array;
  readonly #maxLineBytes: number;
  readonly #matched: Uint8Array;
  /** Bytes of the line in earlier feeds. */
  readonly #earlier: Float64Array;
  readonly #capture: Capture | null;

  constructor(options: ParserOptions, format: LineFormat) {
    super();
    const limit = options.connectionLimit;
    this.#terminator = format.terminator;
    this.#fallback = fallbackOf(format.terminator);
    this.#maxLineBytes = options.maxPayloadBytes ?? format.maxLineBytes;
    this.#matched = new Uint8Array(limit);
    this.#earlier = new Float64Array(limit);
    this.#capture = options.captureBytes ? new Capture(limit, options.captureBytes) : null;
  }

  feed(conn: number, bytes: Uint8Array, start: number, end: number): Parsed {
    const terminatorBytes = this.#terminator.length;
    const earlier = this.#earlier[conn]!;
    // The terminator may pass the limit, the line may not.
    const stop = Math.min(end, start + this.#maxLineBytes + terminatorBytes - earlier);
    const next =
      terminatorBytes === 1 ? this.#findByte(bytes, start, stop) : this.#find(conn, bytes, start, stop);
    if (next < 0) {
      if (stop < end || earlier + end - start >= this.#maxLineBytes + terminatorBytes)
        return this.bad(PROBLEM.tooLong);
      this.#earlier[conn] = earlier + end - start;
      this.#capture?.add(conn, bytes, start, end);
      this.next = end;
      return PARSED.more;
    }
    if (this.#capture !== null) {
      this.#capture.finish(conn, bytes, start, next);
      this.#capture.truncate(earlier + next - start - terminatorBytes);
    }
    if (earlier !== 0) this.#earlier[conn] = 0;
    this.next = next;
    return PARSED.message;
  }

  midMessage(conn: number): boolean {
    return this.#earlier[conn] !== 0;
  }

  reset(conn: number): void {
    this.#earlier[conn] = 0;
    this.#matched[conn] = 0;
    this.#capture?.clear(conn);
  }

  get body(): Uint8Array {
    return this.#capture?.body ?? EMPTY;
  }

  #findByte(bytes: Uint8Array, start: number, end: number): number {
    const wanted = this.#terminator[0];
    for (let at = start; at < end; at++) if (bytes[at] === wanted) return at + 1;
    return -1;
  }

  #find(conn: number, bytes: Uint8Array, start: number, end: number): number {
    const terminator = this.#terminator;
    const fallback = this.#fallback;
    let matched = this.#matched[conn]!;
    for (let at = start; at < end; at++) {
      while (matched > 0 && bytes[at] !== terminator[matched]) matched = fallback[matched - 1]!;
      if (bytes[at] === terminator[matched]) matched++;
      if (matched === terminator.length) {
        this.#matched[conn] = 0;
        return at + 1;
      }
    }
    this.#matched[conn] = matched;
    return -1;
  }
}

function fallbackOf(terminator: Uint8Array): Uint8Array {
  const fallback = new Uint8Array(terminator.length);
  let matched = 0;
  for (let i = 1; i < terminator.length; i++) {
    while (matched > 0 && terminator[i] !== terminator[matched]) matched = fallback[matched - 1]!;
    if (terminator[i] === terminator[matched]) matched++;
    fallback[i] = matched;
  }
  return fallback;
}
