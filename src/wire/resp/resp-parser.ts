/** Redis replies, RESP2 and RESP3: scalars, nested aggregates, attributes; pushes are passed over. */
// Invariants
//  P1  Nesting costs no memory: an aggregate only adds its elements to the count of those still to come.
//  P2  Lengths are bounded before anything is skipped by them; bodies are never kept but for `body`.

import { PARSED, type Parsed, type ParserOptions, PROBLEM } from '../codec.ts';
import { Capture } from '../parsing/capture.ts';
import { MAX_REASON_BYTES, Reasons } from '../parsing/reasons.ts';
import { SelfDelimiting } from '../parsing/self-delimiting.ts';
import { Stash } from '../parsing/stash.ts';
import { respPayload } from './resp-payload.ts';

/** proto-max-bulk-len of redis.conf, as it comes. */
const DEFAULT_MAX_BULK_BYTES = 512 * 1024 * 1024;
const MAX_LINE_BYTES = 64 * 1024;
/** Elements of one aggregate, and all that a reply still owes. */
const MAX_ELEMENT_COUNT = 2 ** 31;
/** A bulk string's own header, in front of what is captured of it. */
const CAPTURE_SLACK_BYTES = 32;

const TYPE = 0;
const NUMBER = 1;
const NUMBER_LF = 2;
const TEXT = 3;
const TEXT_LF = 4;
const BULK = 5;
const BULK_CR = 6;
const BULK_LF = 7;

/** What a type byte begins. */
const KIND = {
  text: 1,
  error: 2,
  bulk: 3,
  bulkError: 4,
  aggregate: 5,
  map: 6,
  attribute: 7,
  push: 8,
} as const;
const KINDS = new Uint8Array(256);
for (const byte of Buffer.from('+:,(#_')) KINDS[byte] = KIND.text;
for (const byte of Buffer.from('$=')) KINDS[byte] = KIND.bulk;
for (const byte of Buffer.from('*~')) KINDS[byte] = KIND.aggregate;
KINDS[0x2d] = KIND.error;
KINDS[0x21] = KIND.bulkError;
KINDS[0x25] = KIND.map;
KINDS[0x7c] = KIND.attribute;
KINDS[0x3e] = KIND.push;

const CR = 13;
const LF = 10;
const BAD = -1;
const EMPTY = new Uint8Array(0);

/** The first word of an error: not met in this reply, being read, whole. */
const NO_WORD = 0;
const IN_WORD = 1;
const WORD = 2;

export class RespParser extends SelfDelimiting {
  readonly #state: Uint8Array;
  readonly #kind: Uint8Array;
  /** Elements still to come, the one begun included; 0 between replies. */
  readonly #owed: Float64Array;
  /** The reply itself has begun: what came before were pushes and its attributes. */
  readonly #begun: Uint8Array;
  /** NUMBER: the value so far, BULK: bytes to come. */
  readonly #value: Float64Array;
  /** Length of the line so far. */
  readonly #line: Int32Array;
  readonly #negative: Uint8Array;
  readonly #word: Uint8Array;
  readonly #words: Stash;
  readonly #reasons = new Reasons();
  readonly #maxBulkBytes: number;
  readonly #captureBytes: number;
  readonly #capture: Capture | null;

  constructor(options: ParserOptions) {
    super();
    const limit = options.connectionLimit;
    this.#state = new Uint8Array(limit);
    this.#kind = new Uint8Array(limit);
    this.#owed = new Float64Array(limit);
    this.#begun = new Uint8Array(limit);
    this.#value = new Float64Array(limit);
    this.#line = new Int32Array(limit);
    this.#negative = new Uint8Array(limit);
    this.#word = new Uint8Array(limit);
    this.#words = new Stash(limit, MAX_REASON_BYTES);
    this.#maxBulkBytes = options.maxPayloadBytes ?? DEFAULT_MAX_BULK_BYTES;
    this.#captureBytes = options.captureBytes ?? 0;
    this.#capture =
      this.#captureBytes > 0 ? new Capture(limit, this.#captureBytes + CAPTURE_SLACK_BYTES) : null;
  }

  feed(conn: number, bytes: Uint8Array, start: number, end: number): Parsed {
    let at = start;
    let from = start;
    if (this.#owed[conn] === 0) this.#owed[conn] = 1;
    while (at < end) {
      at = this.#step(conn, bytes, at, end);
      if (at === BAD) return this.bad(PROBLEM.notResp);
      if (this.#state[conn] !== TYPE) continue;
      const owed = this.#owed[conn]!;
      if (owed === 0) return this.#whole(conn, bytes, from, at);
      // What went before was a push, or attributes.
      if (owed === 1 && this.#begun[conn] === 0) {
        this.#capture?.clear(conn);
        from = at;
      }
    }
    this.#capture?.add(conn, bytes, from, end);
    this.next = end;
    return PARSED.more;
  }

  midMessage(conn: number): boolean {
    return this.#state[conn] !== TYPE || this.#owed[conn]! > 1 || this.#begun[conn] === 1;
  }

  reset(conn: number): void {
    this.#state[conn] = TYPE;
    this.#owed[conn] = 0;
    this.#begun[conn] = 0;
    this.#word[conn] = NO_WORD;
    this.#words.clear(conn);
    this.#capture?.clear(conn);
  }

  /** A scalar's own bytes, without type and length; an aggregate as it came. */
  get body(): Uint8Array {
    return this.#capture === null ? EMPTY : respPayload(this.#capture.body).subarray(0, this.#captureBytes);
  }

  #whole(conn: number, bytes: Uint8Array, from: number, next: number): Parsed {
    this.next = next;
    this.#begun[conn] = 0;
    this.#capture?.finish(conn, bytes, from, next);
    if (this.#word[conn] === NO_WORD) {
      this.wrongReason = '';
      return PARSED.message;
    }
    const length = this.#words.length(conn);
    this.wrongReason = length === 0 ? 'error' : this.#reasons.ofBytes(this.#words.bytes(conn), 0, length);
    this.#word[conn] = NO_WORD;
    this.#words.clear(conn);
    return PARSED.message;
  }

  /** Takes one part of a message from `at` on. Position after it, or BAD. */
  #step(conn: number, bytes: Uint8Array, at: number, end: number): number {
    switch (this.#state[conn]) {
      case TYPE:
        return this.#type(conn, bytes[at]!) ? at + 1 : BAD;
      case NUMBER:
        return this.#number(conn, bytes, at, end);
      case NUMBER_LF:
        return bytes[at] === LF && this.#counted(conn) ? at + 1 : BAD;
      case TEXT:
        return this.#text(conn, bytes, at, end);
      case TEXT_LF:
        return this.#textLf(conn, bytes[at]!, at);
      case BULK:
        return this.#bulk(conn, bytes, at, end);
      case BULK_CR:
        this.#state[conn] = BULK_LF;
        return bytes[at] === CR ? at + 1 : BAD;
      default:
        if (bytes[at] !== LF) return BAD;
        this.#element(conn);
        return at + 1;
    }
  }

  #type(conn: number, byte: number): boolean {
    const kind = KINDS[byte]!;
    if (kind === 0) return false;
    this.#kind[conn] = kind;
    if (kind < KIND.attribute && this.#owed[conn] === 1) this.#begun[conn] = 1;
    this.#line[conn] = 0;
    this.#value[conn] = 0;
    this.#negative[conn] = 0;
    this.#state[conn] = kind <= KIND.error ? TEXT : NUMBER;
    if ((kind === KIND.error || kind === KIND.bulkError) && this.#word[conn] === NO_WORD) {
      this.#word[conn] = IN_WORD;
    }
    return true;
  }

  #number(conn: number, bytes: Uint8Array, start: number, end: number): number {
    let value = this.#value[conn]!;
    let digits = this.#line[conn]!;
    let at = start;
    for (; at < end; at++) {
      const digit = bytes[at]! - 48;
      if (digit >= 0 && digit <= 9) {
        value = value * 10 + digit;
        // Ten digits pass every limit.
        if (++digits > 10) return BAD;
      } else if (digit === CR - 48) {
        if (digits === 0) return BAD;
        this.#state[conn] = NUMBER_LF;
        at++;
        break;
      } else if (digit === 45 - 48 && digits === 0 && this.#negative[conn] === 0) this.#negative[conn] = 1;
      else return BAD;
    }
    this.#value[conn] = value;
    this.#line[conn] = digits;
    return at;
  }

  /** The number behind a type byte is whole. */
  #counted(conn: number): boolean {
    const kind = this.#kind[conn]!;
    const value = this.#value[conn]!;
    if (this.#negative[conn] === 1) {
      // -1 is RESP2's null, and nothing else is negative.
      if (value !== 1 || (kind !== KIND.bulk && kind !== KIND.aggregate)) return false;
      this.#element(conn);
      return true;
    }
    if (kind === KIND.bulk || kind === KIND.bulkError) {
      if (value > this.#maxBulkBytes) return false;
      this.#state[conn] = value === 0 ? BULK_CR : BULK;
      return true;
    }
    const doubled = kind === KIND.map || kind === KIND.attribute;
    const owed = this.#owed[conn]! + (doubled ? 2 * value : value);
    if (owed > MAX_ELEMENT_COUNT) return false;
    this.#owed[conn] = owed;
    this.#state[conn] = TYPE;
    // Attributes and pushes come on top of the elements that were announced.
    if (kind !== KIND.attribute && kind !== KIND.push) this.#owed[conn] = owed - 1;
    return true;
  }

  #text(conn: number, bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    while (at < end && bytes[at] !== CR) at++;
    if ((this.#line[conn]! += at - start) > MAX_LINE_BYTES) return BAD;
    if (this.#word[conn] === IN_WORD) this.#readWord(conn, bytes, start, at);
    if (at === end) return at;
    this.#state[conn] = TEXT_LF;
    return at + 1;
  }

  #textLf(conn: number, byte: number, at: number): number {
    if (byte === LF) {
      if (this.#word[conn] === IN_WORD) this.#word[conn] = WORD;
      this.#element(conn);
      return at + 1;
    }
    // A carriage return inside the text is part of it.
    if (++this.#line[conn]! > MAX_LINE_BYTES) return BAD;
    this.#state[conn] = TEXT;
    return at;
  }

  #bulk(conn: number, bytes: Uint8Array, start: number, end: number): number {
    const left = this.#value[conn]!;
    const stop = Math.min(end, start + left);
    if (this.#word[conn] === IN_WORD) this.#readWord(conn, bytes, start, stop);
    this.#value[conn] = left - (stop - start);
    if (stop - start === left) {
      this.#state[conn] = BULK_CR;
      if (this.#word[conn] === IN_WORD) this.#word[conn] = WORD;
    }
    return stop;
  }

  #element(conn: number): void {
    this.#owed[conn]!--;
    this.#state[conn] = TYPE;
  }

  #readWord(conn: number, bytes: Uint8Array, start: number, end: number): void {
    let stop = start;
    while (stop < end && bytes[stop]! > 32) stop++;
    const room = MAX_REASON_BYTES - this.#words.length(conn);
    this.#words.append(conn, bytes, start, Math.min(stop, start + room));
    if (stop < end) this.#word[conn] = WORD;
  }
}
