/** HTTP/1.1 replies as a client meets them (RFC 9112): lengths, chunks, bodies ended by closing, interim replies. */
// Invariants
//  R1  A reply counts only when its last byte has been seen; `next` never passes it.
//  R2  Nothing is allocated for a reply that arrives in one piece. Pieces are kept up to maxHeaderBytes, bodies never.
//  R3  The shape shortcut is taken only at a reply's first byte, and only if the whole reply lies in the buffer.
import {
  DEFAULT_MAX_HEADER_BYTES,
  PARSED,
  type Parsed,
  type ParserOptions,
  PROBLEM,
  type ReplyParser,
} from './codec.ts';
import { CHUNKED, ChunkedBodies } from './http1-chunked.ts';
import { createHeaderFacts, findBlockEnd, lineEnd, parseFields } from './http1-fields.ts';
import { Shape } from './shape.ts';
import { Stash } from './stash.ts';

const HEAD = 0;
const BY_LENGTH = 1;
const BY_CHUNKS = 2;
const UNTIL_CLOSE = 3;

const PREFIX = 'HTTP/1.';
/** Status line without a reason: "HTTP/1.1 200". */
const STATUS_LINE_BYTES = 12;

export class Http1ReplyParser implements ReplyParser {
  next = 0;
  status = 0;
  problem = '';
  readonly #state: Uint8Array;
  readonly #left: Float64Array;
  readonly #status: Uint16Array;
  readonly #closes: Uint8Array;
  readonly #stash: Stash;
  readonly #chunked: ChunkedBodies;
  readonly #maxHeaderBytes: number;
  readonly #headOnly: boolean;
  readonly #facts = createHeaderFacts();
  readonly #shape = new Shape();
  #shapeBodyBytes = 0;
  #shapeStatus = 0;
  #shapeResult: Parsed = PARSED.message;

  constructor(options: ParserOptions) {
    const limit = options.connectionLimit;
    this.#maxHeaderBytes = options.maxHeaderBytes ?? DEFAULT_MAX_HEADER_BYTES;
    this.#headOnly = options.headOnly ?? false;
    this.#state = new Uint8Array(limit);
    this.#left = new Float64Array(limit);
    this.#status = new Uint16Array(limit);
    this.#closes = new Uint8Array(limit);
    this.#stash = new Stash(limit, this.#maxHeaderBytes);
    this.#chunked = new ChunkedBodies(limit, this.#maxHeaderBytes);
  }

  feed(conn: number, bytes: Uint8Array, start: number, end: number): Parsed {
    const state = this.#state[conn]!;
    if (state === HEAD) {
      if (this.#stash.length(conn) === 0 && this.#shape.matches(bytes, start, end)) {
        const next = start + this.#shape.byteLength + this.#shapeBodyBytes;
        if (next <= end) {
          this.next = next;
          this.status = this.#shapeStatus;
          return this.#shapeResult;
        }
      }
      return this.#head(conn, bytes, start, end);
    }
    return this.#body(conn, bytes, start, end);
  }

  endOfStream(conn: number): Parsed {
    if (this.#state[conn] === UNTIL_CLOSE) {
      this.#state[conn] = HEAD;
      this.status = this.#status[conn]!;
      return PARSED.lastMessage;
    }
    return this.midMessage(conn) ? this.#bad(PROBLEM.truncated) : PARSED.more;
  }

  midMessage(conn: number): boolean {
    return this.#state[conn] !== HEAD || this.#stash.length(conn) > 0;
  }

  reset(conn: number): void {
    this.#state[conn] = HEAD;
    this.#stash.clear(conn);
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
        return this.#body(conn, bytes, at, end);
      }
    }
    this.next = end;
    return PARSED.more;
  }

  #keep(conn: number, bytes: Uint8Array, start: number, end: number): Parsed {
    this.next = end;
    // A block of exactly the limit cannot be told from a longer one until its end is seen.
    if (end - start >= this.#maxHeaderBytes || !this.#stash.append(conn, bytes, start, end)) {
      return this.#bad(PROBLEM.headersTooLong);
    }
    return PARSED.more;
  }

  /** Status line and fields of a whole block. Sets the connection's state; false with `problem` set. */
  #readBlock(conn: number, bytes: Uint8Array, start: number, end: number): boolean {
    const status = parseStatus(bytes, start, end);
    const facts = this.#facts;
    if (status < 0 || !parseFields(bytes, lineEnd(bytes, start, end), end, facts)) {
      this.problem = PROBLEM.notHttp;
      return false;
    }
    if (status === 101) {
      this.problem = PROBLEM.upgrade;
      return false;
    }
    this.#status[conn] = status;
    if (status < 200) return true;
    const transfer = facts.chunked || facts.otherTransfer;
    const oldVersion = bytes[start + PREFIX.length] === 48;
    let closes = facts.close || (oldVersion && !facts.keepAlive) || (transfer && facts.contentLength >= 0);
    this.#left[conn] = 0;
    if (this.#headOnly || status === 204 || status === 304) this.#state[conn] = BY_LENGTH;
    else if (facts.chunked) {
      this.#state[conn] = BY_CHUNKS;
      this.#chunked.begin(conn);
    } else if (!transfer && facts.contentLength >= 0) {
      this.#state[conn] = BY_LENGTH;
      this.#left[conn] = facts.contentLength;
    } else {
      this.#state[conn] = UNTIL_CLOSE;
      closes = true;
    }
    this.#closes[conn] = closes ? 1 : 0;
    return true;
  }

  #learn(conn: number, bytes: Uint8Array, start: number, blockEnd: number): void {
    if (this.#state[conn] !== BY_LENGTH) return;
    if (!this.#shape.learn(bytes, start, blockEnd, this.#facts.dateStart, this.#facts.dateEnd)) return;
    this.#shapeBodyBytes = this.#left[conn]!;
    this.#shapeStatus = this.#status[conn]!;
    this.#shapeResult = this.#closes[conn] === 1 ? PARSED.lastMessage : PARSED.message;
  }

  #body(conn: number, bytes: Uint8Array, start: number, end: number): Parsed {
    let next = end;
    if (this.#state[conn] === BY_LENGTH) {
      const take = Math.min(this.#left[conn]!, end - start);
      this.#left[conn]! -= take;
      next = start + take;
      if (this.#left[conn]! > 0) {
        this.next = end;
        return PARSED.more;
      }
    } else {
      const result =
        this.#state[conn] === UNTIL_CLOSE ? CHUNKED.more : this.#chunked.skip(conn, bytes, start, end);
      if (result === CHUNKED.bad) return this.#bad(PROBLEM.badChunk);
      if (result === CHUNKED.more) {
        this.next = end;
        return PARSED.more;
      }
      next = result;
    }
    this.#state[conn] = HEAD;
    this.next = next;
    this.status = this.#status[conn]!;
    return this.#closes[conn] === 1 ? PARSED.lastMessage : PARSED.message;
  }

  #bad(problem: string): Parsed {
    this.problem = problem;
    return PARSED.bad;
  }
}

/** Could [start, end) be the beginning of a reply? Garbage is known by its first bytes. */
function plausible(bytes: Uint8Array, start: number, end: number): boolean {
  const last = Math.min(end - start, PREFIX.length);
  for (let i = 0; i < last; i++) if (bytes[start + i] !== PREFIX.charCodeAt(i)) return false;
  return true;
}

/** The three digits of a status line "HTTP/1.x NNN", or −1. */
function parseStatus(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < STATUS_LINE_BYTES + 2 || bytes[start + 8] !== 32) return -1;
  const minor = bytes[start + 7]! - 48;
  if (minor < 0 || minor > 9) return -1;
  let status = 0;
  for (let i = 9; i < STATUS_LINE_BYTES; i++) {
    const digit = bytes[start + i]! - 48;
    if (digit < 0 || digit > 9) return -1;
    status = status * 10 + digit;
  }
  const after = bytes[start + STATUS_LINE_BYTES]!;
  return status >= 100 && (after === 32 || after === 13 || after === 10) ? status : -1;
}
