/** HTTP/1.1 replies as a client meets them (RFC 9112): lengths, chunks, bodies ended by closing, interim replies. */
// Invariants
//  R1  A reply counts only when its last byte has been seen; `next` never passes it.
//  R2  Nothing is allocated for a reply that arrives in one piece. Pieces are kept up to maxHeaderBytes, bodies never,
//      unless they are to be captured.
//  R3  The shape shortcut is taken only at a reply's first byte, only if the whole reply lies in the buffer, and never
//      for a reply that is expected to have no body.

import {
  DEFAULT_MAX_HEADER_BYTES,
  DEFAULT_MAX_HEADER_COUNT,
  PARSED,
  type Parsed,
  type ParserOptions,
  PROBLEM,
  type ReplyParser,
} from '../codec.ts';
import { Capture } from '../parsing/capture.ts';
import { Shape } from '../parsing/shape.ts';
import { Stash } from '../parsing/stash.ts';
import { CHUNKED, ChunkedBodies, MAX_CHUNKED_BYTES } from './http1-chunked.ts';
import { createHeaderFacts, findBlockEnd, type HeaderFacts, lineEnd, parseFields } from './http1-fields.ts';
import { parseStatus, plausible, STATUS_MINOR_AT } from './http1-status.ts';

/** At a reply's first byte; the same, and it has no body; in its header block; in its body. */
const START = 0;
const START_NO_BODY = 1;
const HEAD = 2;
const BY_LENGTH = 3;
const BY_CHUNKS = 4;
const UNTIL_CLOSE = 5;

const EMPTY = new Uint8Array(0);

export class Http1ReplyParser implements ReplyParser {
  next = 0;
  status = 0;
  readonly wrongReason = '';
  problem = '';
  bodyBytes = 0;
  bodyWireBytes = 0;
  readonly #state: Uint8Array;
  readonly #left: Float64Array;
  /** Of the body under way: its bytes so far, framing included; of one with a length all of them at once. */
  readonly #size: Float64Array;
  readonly #status: Uint16Array;
  readonly #closes: Uint8Array;
  readonly #noBody: Uint8Array;
  readonly #stash: Stash;
  readonly #chunked: ChunkedBodies;
  readonly #maxHeaderBytes: number;
  readonly #headOnly: boolean;
  readonly #facts: HeaderFacts;
  readonly #shape = new Shape();
  #shapeBodyBytes = 0;
  #shapeStatus = 0;
  #shapeResult: Parsed = PARSED.message;
  /** Null when nothing is captured; then neither is the header block. */
  readonly #capture: Capture | null;
  readonly #heads: Capture | null;

  constructor(options: ParserOptions) {
    const limit = options.connectionLimit;
    const maxHeaderCount = options.maxHeaderCount ?? DEFAULT_MAX_HEADER_COUNT;
    this.#maxHeaderBytes = options.maxHeaderBytes ?? DEFAULT_MAX_HEADER_BYTES;
    this.#headOnly = options.headOnly ?? false;
    this.#facts = createHeaderFacts(maxHeaderCount);
    this.#state = new Uint8Array(limit);
    this.#left = new Float64Array(limit);
    this.#size = new Float64Array(limit);
    this.#status = new Uint16Array(limit);
    this.#closes = new Uint8Array(limit);
    this.#noBody = new Uint8Array(limit);
    this.#stash = new Stash(limit, this.#maxHeaderBytes);
    this.#capture = options.captureBytes ? new Capture(limit, options.captureBytes) : null;
    this.#heads = options.captureBytes ? new Capture(limit, this.#maxHeaderBytes) : null;
    this.#chunked = new ChunkedBodies({
      connectionLimit: limit,
      maxExtraBytes: this.#maxHeaderBytes,
      maxTrailerCount: maxHeaderCount,
      maxBodyBytes: MAX_CHUNKED_BYTES,
      isStrict: false,
      capture: this.#capture,
    });
  }

  feed(conn: number, bytes: Uint8Array, start: number, end: number): Parsed {
    const state = this.#state[conn]!;
    if (state > HEAD) return this.#body(conn, bytes, start, end);
    if (state === START && this.#shape.matches(bytes, start, end)) {
      const bodyStart = start + this.#shape.byteLength;
      const next = bodyStart + this.#shapeBodyBytes;
      if (next <= end) {
        this.next = next;
        this.status = this.#shapeStatus;
        this.bodyBytes = this.bodyWireBytes = this.#shapeBodyBytes;
        if (this.#capture !== null) {
          this.#heads!.finish(conn, bytes, start, bodyStart);
          this.#capture.finish(conn, bytes, bodyStart, next);
        }
        return this.#shapeResult;
      }
    }
    return this.#head(conn, bytes, start, end);
  }

  endOfStream(conn: number): Parsed {
    if (this.#state[conn] !== UNTIL_CLOSE) {
      return this.midMessage(conn) ? this.#bad(PROBLEM.truncated) : PARSED.more;
    }
    this.#end(conn, EMPTY, 0, 0);
    return PARSED.lastMessage;
  }

  midMessage(conn: number): boolean {
    return this.#state[conn]! > START_NO_BODY;
  }

  reset(conn: number): void {
    this.#state[conn] = START;
    this.#noBody[conn] = 0;
    this.#stash.clear(conn);
    this.#capture?.clear(conn);
    this.#heads?.clear(conn);
  }

  expectNoBody(conn: number): void {
    this.#noBody[conn] = 1;
    if (this.#state[conn] === START) this.#state[conn] = START_NO_BODY;
  }

  get body(): Uint8Array {
    return this.#capture?.body ?? EMPTY;
  }

  get headerText(): string {
    const head = this.#heads?.body ?? EMPTY;
    return Buffer.from(head.buffer, head.byteOffset, head.length).toString('latin1');
  }

  /** Header blocks, interim ones passed over, until a final one begins a body or the bytes run out. */
  #head(conn: number, bytes: Uint8Array, start: number, end: number): Parsed {
    let at = start;
    while (at < end) {
      const kept = this.#stash.length(conn);
      let blockBytes = bytes;
      let blockStart = at;
      let blockEnd: number;
      if (kept === 0) {
        if (!plausible(bytes, at, end)) return this.#bad(PROBLEM.notHttp);
        blockEnd = findBlockEnd(bytes, at, end);
        if (blockEnd < 0) return this.#keep(conn, bytes, at, end);
        at = blockEnd;
      } else {
        const take = Math.min(end - at, this.#maxHeaderBytes - kept);
        this.#stash.append(conn, bytes, at, at + take);
        blockBytes = this.#stash.bytes(conn);
        blockStart = 0;
        if (!plausible(blockBytes, 0, kept + take)) return this.#bad(PROBLEM.notHttp);
        blockEnd = findBlockEnd(blockBytes, Math.max(0, kept - 2), kept + take);
        if (blockEnd < 0) {
          if (kept + take >= this.#maxHeaderBytes) return this.#bad(PROBLEM.headersTooLong);
          this.next = end;
          return PARSED.more;
        }
        this.#stash.clear(conn);
        at += blockEnd - kept;
      }
      if (blockEnd - blockStart > this.#maxHeaderBytes) return this.#bad(PROBLEM.headersTooLong);
      if (!this.#readBlock(conn, blockBytes, blockStart, blockEnd)) return PARSED.bad;
      if (this.#status[conn]! >= 200) {
        if (blockStart === start && blockBytes === bytes) this.#learn(conn, bytes, start, blockEnd);
        return this.#afterHead(conn, bytes, at, end, blockBytes, blockStart, blockEnd);
      }
      this.#state[conn] = HEAD;
    }
    this.next = end;
    return PARSED.more;
  }

  #keep(conn: number, bytes: Uint8Array, start: number, end: number): Parsed {
    this.next = end;
    this.#state[conn] = HEAD;
    // A block of exactly the limit cannot be told from a longer one until its end is seen.
    if (end - start >= this.#maxHeaderBytes || !this.#stash.append(conn, bytes, start, end)) {
      return this.#bad(PROBLEM.headersTooLong);
    }
    return PARSED.more;
  }

  /** Status line and fields of a whole block. Sets the connection's state; false with `problem` set. */
  #readBlock(conn: number, bytes: Uint8Array, start: number, end: number): boolean {
    const fieldsAt = lineEnd(bytes, start, end);
    const status = parseStatus(bytes, start, fieldsAt);
    const facts = this.#facts;
    if (status < 0) return this.#refuse(PROBLEM.notHttp);
    if (!parseFields(bytes, fieldsAt, end, facts)) return this.#refuse(facts.problem);
    // Nothing here asks to change the protocol, and what follows would be in it (RFC 9110 §15.2.2).
    if (status === 101) return this.#refuse(PROBLEM.upgrade);
    this.#status[conn] = status;
    if (status < 200) return true;
    const transfer = facts.chunked || facts.otherTransfer;
    const oldVersion = bytes[start + STATUS_MINOR_AT] === 48;
    // Framing that contradicts itself, or its version, is not trusted for another reply (RFC 9112 §6.1, §6.3).
    const faulty = transfer && (facts.contentLength >= 0 || oldVersion);
    let closes = facts.close || (oldVersion && !facts.keepAlive) || faulty;
    this.#left[conn] = 0;
    this.#size[conn] = 0;
    if (this.#headOnly || this.#noBody[conn] === 1 || status === 204 || status === 304) {
      this.#state[conn] = BY_LENGTH;
    } else if (facts.chunked) {
      this.#state[conn] = BY_CHUNKS;
      this.#chunked.begin(conn);
    } else if (!transfer && facts.contentLength >= 0) {
      this.#state[conn] = BY_LENGTH;
      this.#left[conn] = facts.contentLength;
      this.#size[conn] = facts.contentLength;
    } else {
      this.#state[conn] = UNTIL_CLOSE;
      closes = true;
    }
    this.#closes[conn] = closes ? 1 : 0;
    return true;
  }

  #refuse(problem: string): boolean {
    this.problem = problem;
    return false;
  }

  #learn(conn: number, bytes: Uint8Array, start: number, blockEnd: number): void {
    if (this.#state[conn] !== BY_LENGTH || this.#noBody[conn] === 1) return;
    if (!this.#shape.learn(bytes, start, blockEnd)) return;
    this.#shapeBodyBytes = this.#left[conn]!;
    this.#shapeStatus = this.#status[conn]!;
    this.#shapeResult = this.#closes[conn] === 1 ? PARSED.lastMessage : PARSED.message;
  }

  #afterHead(
    conn: number,
    bytes: Uint8Array,
    at: number,
    end: number,
    blockBytes: Uint8Array,
    blockStart: number,
    blockEnd: number,
  ): Parsed {
    const result = this.#body(conn, bytes, at, end);
    if (this.#heads === null) return result;
    // Only a block whose body goes on has to be copied.
    if (result === PARSED.more) this.#heads.add(conn, blockBytes, blockStart, blockEnd);
    else if (result !== PARSED.bad) this.#heads.finish(conn, blockBytes, blockStart, blockEnd);
    return result;
  }

  #body(conn: number, bytes: Uint8Array, start: number, end: number): Parsed {
    const state = this.#state[conn]!;
    if (state === BY_LENGTH) {
      const left = this.#left[conn]!;
      if (end - start < left) {
        this.#left[conn] = left - (end - start);
        this.#capture?.add(conn, bytes, start, end);
        return this.#more(end);
      }
      this.next = start + left;
      this.#end(conn, bytes, start, start + left);
    } else if (state === BY_CHUNKS) {
      const next = this.#chunked.skip(conn, bytes, start, end);
      if (next === CHUNKED.more) {
        this.#size[conn]! += end - start;
        return this.#more(end);
      }
      if (next < 0) return this.#bad(PROBLEM.badChunk);
      this.next = next;
      this.#size[conn]! += next - start;
      this.#end(conn, EMPTY, 0, 0);
    } else {
      this.#size[conn]! += end - start;
      this.#capture?.add(conn, bytes, start, end);
      return this.#more(end);
    }
    return this.#closes[conn] === 1 ? PARSED.lastMessage : PARSED.message;
  }

  /** The reply is whole; [start, end) is the last piece of its body. */
  #end(conn: number, bytes: Uint8Array, start: number, end: number): void {
    this.bodyWireBytes = this.#size[conn]!;
    this.bodyBytes = this.#state[conn] === BY_CHUNKS ? this.#chunked.dataBytes(conn) : this.bodyWireBytes;
    this.#state[conn] = START;
    this.#noBody[conn] = 0;
    this.status = this.#status[conn]!;
    if (this.#capture === null) return;
    this.#capture.finish(conn, bytes, start, end);
    this.#heads!.finish(conn, EMPTY, 0, 0);
  }

  #more(end: number): Parsed {
    this.next = end;
    return PARSED.more;
  }

  #bad(problem: string): Parsed {
    this.problem = problem;
    return PARSED.bad;
  }
}
