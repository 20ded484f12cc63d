/** Replies of a protocol that a user described by one function: how long is the reply that begins here? */
// Invariants
//  U1  A reply that lies in one piece costs one call of replyLength (and one of check), and no copy.
//  U2  Bytes are kept only while a length is not known, for `check`, and for `body`; each within its limit.
//  U3  Whatever the user's functions return or throw ends in a Parsed, never in an exception.

import { PARSED, type Parsed, type ParserOptions, PROBLEM, type ReplyParser } from '../codec.ts';
import { Capture } from '../parsing/capture.ts';
import { Reasons } from '../parsing/reasons.ts';
import { SelfDelimiting } from '../parsing/self-delimiting.ts';
import { Stash } from '../parsing/stash.ts';
import type { CodecDefinition } from './codec-definition.ts';

export const DEFAULT_MAX_REPLY_BYTES = 16 * 1024 * 1024;
/** A length that is not known from so many bytes will not be known; replyLength never sees more. */
export const DEFAULT_MAX_UNKNOWN_BYTES = 64 * 1024;

const EMPTY = new Uint8Array(0);
/** At a reply's first byte; its length not known; its length known. */
const IDLE = 0;
const MEASURING = 1;
const PASSING = 2;

export class DefinedParser extends SelfDelimiting {
  readonly #definition: CodecDefinition;
  readonly #replyLength: CodecDefinition['replyLength'];
  readonly #checks: boolean;
  readonly #headerBytes: number;
  readonly #maxReplyBytes: number;
  readonly #maxUnknownBytes: number;
  readonly #state: Uint8Array;
  readonly #left: Float64Array;
  /** The reply from its first byte: while MEASURING, and while PASSING if it is to be checked. */
  readonly #stash: Stash;
  readonly #capture: Capture | null;
  readonly #reasons = new Reasons();
  /** Of each connection, the request that its next reply answers; one view for each request, by where it begins. */
  readonly #requests: Uint8Array[];
  readonly #views = new Map<number, Uint8Array>();
  #thrown = '';
  /** Absent without a check, which alone looks at requests. */
  readonly expectRequest?: NonNullable<ReplyParser['expectRequest']>;

  constructor(definition: CodecDefinition, options: ParserOptions) {
    super();
    const limit = options.connectionLimit;
    this.#definition = definition;
    this.#replyLength = definition.replyLength;
    this.#checks = definition.check !== undefined;
    this.#headerBytes = Math.max(1, definition.headerBytes ?? 1);
    this.#maxReplyBytes = options.maxPayloadBytes ?? definition.maxReplyBytes ?? DEFAULT_MAX_REPLY_BYTES;
    this.#maxUnknownBytes = Math.min(this.#maxReplyBytes, DEFAULT_MAX_UNKNOWN_BYTES);
    this.#state = new Uint8Array(limit);
    this.#left = new Float64Array(limit);
    this.#stash = new Stash(limit, this.#maxReplyBytes);
    this.#capture = options.captureBytes ? new Capture(limit, options.captureBytes) : null;
    this.#requests = Array<Uint8Array>(limit).fill(options.request ?? EMPTY);
    if (this.#checks) this.expectRequest = (conn, bytes, start, end) => this.#expect(conn, bytes, start, end);
  }

  #expect(conn: number, bytes: Uint8Array, start: number, end: number): void {
    let view = this.#views.get(start);
    if (view === undefined || view.buffer !== bytes.buffer || view.length !== end - start) {
      view = bytes.subarray(start, end);
      this.#views.set(start, view);
    }
    this.#requests[conn] = view;
  }

  feed(conn: number, bytes: Uint8Array, start: number, end: number): Parsed {
    const state = this.#state[conn]!;
    if (state === PASSING) return this.#pass(conn, bytes, start, end);
    if (state === MEASURING) return this.#measureOn(conn, bytes, start, end);
    let total = 0;
    if (end - start >= this.#headerBytes) {
      try {
        const known = start + this.#maxUnknownBytes;
        total = this.#replyLength(bytes, start, Math.min(end, known));
      } catch (error) {
        return this.#threw('replyLength', error);
      }
    }
    if (total === 0) return this.#keep(conn, bytes, start, end);
    if (!this.#isLength(total)) return PARSED.bad;
    const next = start + total;
    if (next > end) {
      this.#state[conn] = PASSING;
      this.#left[conn] = total;
      return this.#pass(conn, bytes, start, end);
    }
    this.next = next;
    this.#capture?.finish(conn, bytes, start, next);
    return this.#checks ? this.#check(conn, bytes, start, next) : PARSED.message;
  }

  midMessage(conn: number): boolean {
    return this.#state[conn] !== IDLE;
  }

  reset(conn: number): void {
    this.#state[conn] = IDLE;
    this.#stash.clear(conn);
    this.#capture?.clear(conn);
  }

  get body(): Uint8Array {
    return this.#capture?.body ?? EMPTY;
  }

  /** The rest of a reply whose length is known. */
  #pass(conn: number, bytes: Uint8Array, start: number, end: number): Parsed {
    const left = this.#left[conn]!;
    if (end - start < left) {
      this.#left[conn] = left - (end - start);
      if (this.#checks) this.#stash.append(conn, bytes, start, end);
      this.#capture?.add(conn, bytes, start, end);
      this.next = end;
      return PARSED.more;
    }
    const next = start + left;
    this.next = next;
    this.#state[conn] = IDLE;
    this.#capture?.finish(conn, bytes, start, next);
    if (!this.#checks) return PARSED.message;
    this.#stash.append(conn, bytes, start, next);
    const byteLength = this.#stash.length(conn);
    this.#stash.clear(conn);
    return this.#check(conn, this.#stash.bytes(conn), 0, byteLength);
  }

  #keep(conn: number, bytes: Uint8Array, start: number, end: number): Parsed {
    if (end - start >= this.#maxUnknownBytes) return this.bad(PROBLEM.tooLong);
    this.#stash.append(conn, bytes, start, end);
    this.#state[conn] = MEASURING;
    this.next = end;
    return PARSED.more;
  }

  /** Adds to what is kept, little by little at first, until the length is known. */
  #measureOn(conn: number, bytes: Uint8Array, start: number, end: number): Parsed {
    const stash = this.#stash;
    let at = start;
    while (at < end) {
      const kept = stash.length(conn);
      const step = kept < this.#headerBytes ? this.#headerBytes - kept : Math.max(64, kept);
      const stop = Math.min(end, at + step, at + this.#maxUnknownBytes - kept);
      stash.append(conn, bytes, at, stop);
      const now = kept + stop - at;
      at = stop;
      if (now < this.#headerBytes) continue;
      let total = 0;
      try {
        total = this.#replyLength(stash.bytes(conn), 0, now);
      } catch (error) {
        return this.#threw('replyLength', error);
      }
      if (total === 0) {
        if (now >= this.#maxUnknownBytes) return this.bad(PROBLEM.tooLong);
        continue;
      }
      if (!this.#isLength(total)) return PARSED.bad;
      if (total <= kept) return this.bad('replyLength said "not known" of a whole reply');
      return this.#measured(conn, bytes, at, end, kept, total);
    }
    this.next = end;
    return PARSED.more;
  }

  /** The reply is `total` bytes long; `kept` of them came in earlier feeds, and [.., at) of this one is kept too. */
  #measured(conn: number, bytes: Uint8Array, at: number, end: number, kept: number, total: number): Parsed {
    const stash = this.#stash;
    const now = stash.length(conn);
    const first = at - (now - kept);
    this.#capture?.add(conn, stash.bytes(conn), 0, kept);
    stash.clear(conn);
    // What follows the reply was kept too, perhaps: only the reply's own part stays.
    if (this.#checks) stash.append(conn, stash.bytes(conn), 0, kept);
    this.#state[conn] = PASSING;
    this.#left[conn] = total - kept;
    return this.#pass(conn, bytes, first, end);
  }

  #check(conn: number, bytes: Uint8Array, start: number, end: number): Parsed {
    try {
      const reason = this.#definition.check!(bytes, start, end, this.#requests[conn]!);
      this.wrongReason = typeof reason === 'string' ? this.#reasons.ofText(reason) : '';
    } catch (error) {
      return this.#threw('check', error);
    }
    return PARSED.message;
  }

  #isLength(total: number): boolean {
    if ((total | 0) === total && total > 0 && total <= this.#maxReplyBytes) return true;
    if (total === -1) this.problem = 'replyLength refused it';
    else if (total > this.#maxReplyBytes) this.problem = PROBLEM.tooLong;
    else this.problem = 'replyLength returned neither a length nor 0 nor -1';
    return false;
  }

  #threw(member: string, error: unknown): Parsed {
    // The first is enough to find the mistake; a message for each would be a list without end.
    if (this.#thrown === '') this.#thrown = `${member} threw ${String(error).slice(0, 200)}`;
    return this.bad(this.#thrown);
  }
}
