/** Replies as long as their requests; compared with them byte by byte when asked. */

import { PARSED, type Parsed, type ParserOptions, PROBLEM } from '../codec.ts';
import { Capture } from '../parsing/capture.ts';
import { SelfDelimiting } from '../parsing/self-delimiting.ts';

export const ECHO_DIFFERS = 'echo differs';

const EMPTY = new Uint8Array(0);

export class EchoParser extends SelfDelimiting {
  readonly #compares: boolean;
  readonly #request: Uint8Array;
  /** The request that each connection's reply answers: its bytes, and where they begin and end. */
  readonly #source: Uint8Array[];
  readonly #from: Float64Array;
  readonly #size: Float64Array;
  readonly #got: Float64Array;
  readonly #differs: Uint8Array;
  readonly #capture: Capture | null;

  constructor(options: ParserOptions, compares: boolean) {
    super();
    const limit = options.connectionLimit;
    this.#compares = compares;
    this.#request = options.request ?? EMPTY;
    this.#source = Array<Uint8Array>(limit).fill(this.#request);
    this.#from = new Float64Array(limit);
    this.#size = new Float64Array(limit).fill(this.#request.length);
    this.#got = new Float64Array(limit);
    this.#differs = new Uint8Array(limit);
    this.#capture = options.captureBytes ? new Capture(limit, options.captureBytes) : null;
  }

  expectRequest(conn: number, bytes: Uint8Array, start: number, end: number): void {
    this.#source[conn] = bytes;
    this.#from[conn] = start;
    this.#size[conn] = end - start;
  }

  feed(conn: number, bytes: Uint8Array, start: number, end: number): Parsed {
    const got = this.#got[conn]!;
    const left = this.#size[conn]! - got;
    if (left <= 0) return this.bad(PROBLEM.unasked);
    const stop = Math.min(end, start + left);
    if (this.#compares && !this.#same(conn, got, bytes, start, stop)) this.#differs[conn] = 1;
    this.next = stop;
    if (stop - start < left) {
      this.#got[conn] = got + stop - start;
      this.#capture?.add(conn, bytes, start, stop);
      return PARSED.more;
    }
    this.#got[conn] = 0;
    this.#capture?.finish(conn, bytes, start, stop);
    this.wrongReason = this.#differs[conn] === 1 ? ECHO_DIFFERS : '';
    this.#differs[conn] = 0;
    return PARSED.message;
  }

  midMessage(conn: number): boolean {
    return this.#got[conn] !== 0;
  }

  reset(conn: number): void {
    this.#got[conn] = 0;
    this.#differs[conn] = 0;
    this.expectRequest(conn, this.#request, 0, this.#request.length);
    this.#capture?.clear(conn);
  }

  get body(): Uint8Array {
    return this.#capture?.body ?? EMPTY;
  }

  #same(conn: number, got: number, bytes: Uint8Array, start: number, end: number): boolean {
    const source = this.#source[conn]!;
    const from = this.#from[conn]! + got - start;
    for (let at = start; at < end; at++) if (source[from + at] !== bytes[at]) return false;
    return true;
  }
}
