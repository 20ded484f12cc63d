/** HTTP/1.1 requests as a server meets them (RFC 9112): bounded, strict where two readings could differ. */
// Invariants
//  Q1  A request counts only when its body has passed; its bytes then lie in targetBytes until the next feed().
//  Q2  Nothing is allocated for a request that arrives in one piece with a known method.
import {
  DEFAULT_MAX_HEADER_BYTES,
  DEFAULT_MAX_HEADER_COUNT,
  PARSED,
  type Parsed,
  type ParserOptions,
  PROBLEM,
} from './codec.ts';
import { CHUNKED, ChunkedBodies } from './http1-chunked.ts';
import { createHeaderFacts, findBlockEnd, type HeaderFacts, lineEnd, parseFields } from './http1-fields.ts';
import { Shape } from './shape.ts';
import { Stash } from './stash.ts';

const HEAD = 0;
const BY_LENGTH = 1;
const BY_CHUNKS = 2;

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'] as const;
const OTHER_METHOD = 'OTHER';

const EMPTY = new Uint8Array(0);

export class Http1RequestParser {
  next = 0;
  problem = '';
  /** Of the last request: GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH or OTHER. */
  method: (typeof METHODS)[number] | typeof OTHER_METHOD = 'GET';
  /** Its target is targetBytes[targetStart, targetEnd), until the next feed(). */
  targetBytes: Uint8Array = EMPTY;
  targetStart = 0;
  targetEnd = 0;
  bodyByteCount = 0;
  readonly #state: Uint8Array;
  readonly #left: Float64Array;
  readonly #closes: Uint8Array;
  readonly #method: Uint8Array;
  readonly #targetStart: Int32Array;
  readonly #targetEnd: Int32Array;
  readonly #body: Float64Array;
  readonly #stash: Stash;
  readonly #chunked: ChunkedBodies;
  readonly #maxHeaderBytes: number;
  readonly #facts: HeaderFacts;
  readonly #shape = new Shape();
  #shapeMethod = 0;
  #shapeTargetStart = 0;
  #shapeTargetEnd = 0;
  #shapeResult: Parsed = PARSED.message;

  constructor(options: ParserOptions) {
    const limit = options.connectionLimit;
    this.#maxHeaderBytes = options.maxHeaderBytes ?? DEFAULT_MAX_HEADER_BYTES;
    const maxHeaderCount = options.maxHeaderCount ?? DEFAULT_MAX_HEADER_COUNT;
    // A server must not take a folded line for what it says (§5.2).
    this.#facts = createHeaderFacts(maxHeaderCount, false);
    this.#state = new Uint8Array(limit);
    this.#left = new Float64Array(limit);
    this.#closes = new Uint8Array(limit);
    this.#method = new Uint8Array(limit);
    this.#targetStart = new Int32Array(limit);
    this.#targetEnd = new Int32Array(limit);
    this.#body = new Float64Array(limit);
    this.#stash = new Stash(limit, this.#maxHeaderBytes);
    this.#chunked = new ChunkedBodies(limit, this.#maxHeaderBytes, maxHeaderCount, null);
  }

  /** As ReplyParser.feed(); lastMessage means that the client wants the connection closed after the reply. */
  feed(conn: number, bytes: Uint8Array, start: number, end: number): Parsed {
    if (this.#state[conn] !== HEAD) return this.#passBody(conn, bytes, start, end, this.#stash.bytes(conn));
    if (this.#stash.length(conn) === 0 && this.#shape.matches(bytes, start, end)) {
      this.next = start + this.#shape.byteLength;
      this.#emit(bytes, start + this.#shapeTargetStart, start + this.#shapeTargetEnd, this.#shapeMethod, 0);
      return this.#shapeResult;
    }
    return this.#head(conn, bytes, start, end);
  }

  midMessage(conn: number): boolean {
    return this.#state[conn] !== HEAD || this.#stash.length(conn) > 0;
  }

  reset(conn: number): void {
    this.#state[conn] = HEAD;
    this.#stash.clear(conn);
  }

  #head(conn: number, bytes: Uint8Array, from: number, end: number): Parsed {
    const kept = this.#stash.length(conn);
    let start = from;
    if (kept === 0) {
      // A server should pass over empty lines before a request (§2.2).
      while (start < end && (bytes[start] === 13 || bytes[start] === 10)) start++;
      if (start === end) return this.#more(end);
      const blockEnd = findBlockEnd(bytes, start, end);
      if (blockEnd < 0) {
        const full = end - start >= this.#maxHeaderBytes;
        if (full || !this.#stash.append(conn, bytes, start, end)) return this.#bad(PROBLEM.headersTooLong);
        return this.#more(end);
      }
      if (blockEnd - start > this.#maxHeaderBytes) return this.#bad(PROBLEM.headersTooLong);
      if (!this.#readBlock(conn, bytes, start, blockEnd)) return this.#bad(PROBLEM.notHttp);
      if (this.#state[conn] === BY_LENGTH && this.#left[conn] === 0)
        this.#learn(conn, bytes, start, blockEnd);
      const result = this.#passBody(conn, bytes, blockEnd, end, bytes);
      if (result === PARSED.more) this.#keepTarget(conn, bytes, start, blockEnd);
      return result;
    }
    const take = Math.min(end - start, this.#maxHeaderBytes - kept);
    this.#stash.append(conn, bytes, start, start + take);
    const block = this.#stash.bytes(conn);
    const blockEnd = findBlockEnd(block, Math.max(0, kept - 2), kept + take);
    if (blockEnd < 0) {
      return kept + take >= this.#maxHeaderBytes ? this.#bad(PROBLEM.headersTooLong) : this.#more(end);
    }
    if (!this.#readBlock(conn, block, 0, blockEnd)) return this.#bad(PROBLEM.notHttp);
    return this.#passBody(conn, bytes, start + blockEnd - kept, end, block);
  }

  /** The body goes on in a later buffer: the target must outlive this one. */
  #keepTarget(conn: number, bytes: Uint8Array, start: number, blockEnd: number): void {
    this.#stash.append(conn, bytes, start, blockEnd);
    this.#targetStart[conn]! -= start;
    this.#targetEnd[conn]! -= start;
  }

  #readBlock(conn: number, bytes: Uint8Array, start: number, end: number): boolean {
    const firstLineEnd = lineEnd(bytes, start, end);
    let at = start;
    while (at < firstLineEnd && bytes[at]! >= 65 && bytes[at]! <= 90) at++;
    if (at === start || bytes[at] !== 32) return false;
    this.#method[conn] = methodIndex(bytes, start, at);
    const target = ++at;
    while (at < firstLineEnd && bytes[at]! > 32 && bytes[at] !== 127) at++;
    if (at === target || bytes[at] !== 32) return false;
    this.#targetStart[conn] = target;
    this.#targetEnd[conn] = at;
    const minor = versionMinor(bytes, at + 1, firstLineEnd);
    const facts = this.#facts;
    if (minor < 0 || !parseFields(bytes, firstLineEnd, end, facts)) return false;
    // Two framings at once is how requests are smuggled; an unknown coding cannot be framed at all (§6.3).
    if (facts.otherTransfer || (facts.chunked && facts.contentLength >= 0)) return false;
    this.#closes[conn] = facts.close || (minor === 0 && !facts.keepAlive) ? 1 : 0;
    this.#left[conn] = Math.max(0, facts.contentLength);
    this.#body[conn] = this.#left[conn]!;
    this.#state[conn] = facts.chunked ? BY_CHUNKS : BY_LENGTH;
    if (facts.chunked) this.#chunked.begin(conn);
    return true;
  }

  #passBody(conn: number, bytes: Uint8Array, start: number, end: number, block: Uint8Array): Parsed {
    let next: number;
    if (this.#state[conn] === BY_LENGTH) {
      const take = Math.min(this.#left[conn]!, end - start);
      this.#left[conn]! -= take;
      if (this.#left[conn]! > 0) return this.#more(end);
      next = start + take;
    } else {
      next = this.#chunked.skip(conn, bytes, start, end);
      if (next === CHUNKED.bad) return this.#bad(PROBLEM.badChunk);
      if (next === CHUNKED.more) return this.#more(end);
      this.#body[conn] = 0;
    }
    this.next = next;
    this.#state[conn] = HEAD;
    this.#stash.clear(conn);
    this.#emit(
      block,
      this.#targetStart[conn]!,
      this.#targetEnd[conn]!,
      this.#method[conn]!,
      this.#body[conn]!,
    );
    return this.#closes[conn] === 1 ? PARSED.lastMessage : PARSED.message;
  }

  #emit(bytes: Uint8Array, targetStart: number, targetEnd: number, method: number, body: number): void {
    this.targetBytes = bytes;
    this.targetStart = targetStart;
    this.targetEnd = targetEnd;
    this.method = METHODS[method] ?? OTHER_METHOD;
    this.bodyByteCount = body;
  }

  #learn(conn: number, bytes: Uint8Array, start: number, blockEnd: number): void {
    if (!this.#shape.learn(bytes, start, blockEnd)) return;
    this.#shapeMethod = this.#method[conn]!;
    this.#shapeTargetStart = this.#targetStart[conn]! - start;
    this.#shapeTargetEnd = this.#targetEnd[conn]! - start;
    this.#shapeResult = this.#closes[conn] === 1 ? PARSED.lastMessage : PARSED.message;
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

/** Does the last request's target begin with this text, up to its end or a "?"? */
export function targetIs(parser: Http1RequestParser, path: string): boolean {
  const { targetBytes, targetStart, targetEnd } = parser;
  if (targetEnd - targetStart < path.length) return false;
  for (let i = 0; i < path.length; i++) if (targetBytes[targetStart + i] !== path.charCodeAt(i)) return false;
  return targetStart + path.length === targetEnd || targetBytes[targetStart + path.length] === 63;
}

function methodIndex(bytes: Uint8Array, start: number, end: number): number {
  for (let i = 0; i < METHODS.length; i++) {
    const name = METHODS[i]!;
    if (name.length !== end - start) continue;
    let at = 0;
    while (at < name.length && bytes[start + at] === name.charCodeAt(at)) at++;
    if (at === name.length) return i;
  }
  return METHODS.length;
}

/** 0 or 1 (or a later minor version) of "HTTP/1.x" up to the line's end; −1 for anything else. */
function versionMinor(bytes: Uint8Array, start: number, lineStop: number): number {
  const version = 'HTTP/1.';
  for (let i = 0; i < version.length; i++) if (bytes[start + i] !== version.charCodeAt(i)) return -1;
  const minor = bytes[start + version.length]! - 48;
  const after = bytes[start + version.length + 1];
  const ends = (after === 13 || after === 10) && start + version.length + 1 < lineStop;
  return ends && minor >= 0 && minor <= 9 ? minor : -1;
}
