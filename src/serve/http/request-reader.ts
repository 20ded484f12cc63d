/** HTTP/1.1 requests of all connections of a loop: heads in one piece or many, bodies passed over, limits held. */
// Invariants
//  R1  A request counts when its body has passed; `next` is then the first byte after it.
//  R2  Nothing is allocated for a request whose head arrives in one piece.
//  R3  Memory for heads in pieces is bounded: by maxHeaderBytes each, by PARTIAL_LIMIT_BYTES in all.
import { CHUNKED, ChunkedBodies } from '../../wire/http1/http1-chunked.ts';
import { isTokenByte } from '../../wire/http1/http1-fields.ts';
import { Shape } from '../../wire/parsing/shape.ts';
import type { PathTable } from './path-table.ts';
import { FRAMING, RequestHead } from './request-head.ts';

export const GOT = { more: 0, request: 1, refused: 2, wantsContinue: 3 } as const;

export type RequestReaderOptions = {
  connectionLimit: number;
  maxHeaderBytes: number;
  maxBodyBytes: number;
  paths: PathTable;
};

/** OPTIONS *: a question about the server, not about a path. */
export const ROUTE_SERVER = -2;

/** RFC 9112 §3 wants 8000 at least. */
const MAX_TARGET_BYTES = 8192;
const MAX_FIELD_COUNT = 100;
const MAX_EMPTY_LINES = 8;
const PARTIAL_LIMIT_BYTES = 64 << 20;
const SMALLEST_PARTIAL_BYTES = 256;

const IN_HEAD = 0;
const IN_LENGTH = 1;
const IN_CHUNKS = 2;

const IS_HEAD_METHOD = 1;
const CLOSES = 2;

const CR = 13;
const LF = 10;
const SP = 32;
const NOT_YET = -1;
const BARE_LF = -2;
const ROOT = Uint8Array.of(47);
const NONE = new Uint8Array(0);

/** A head seen before, byte for byte, and what it meant. */
type Known = { shape: Shape; route: number; flags: number; framing: number; contentLength: number };
const KNOWN_COUNT = 4;

export class RequestReader {
  next = 0;
  /** Why the request is refused: an HTTP status. */
  status = 0;
  /** Of the last request: its route, −1 when there is none, or ROUTE_SERVER. */
  route = 0;
  /** Of the last request, also of one that is refused. */
  isHeadMethod = false;
  closes = false;
  readonly #limit: RequestReaderOptions;
  readonly #head: RequestHead;
  readonly #chunked: ChunkedBodies;
  readonly #phase: Uint8Array;
  readonly #left: Float64Array;
  readonly #route: Int32Array;
  readonly #flags: Uint8Array;
  readonly #emptyLines: Uint8Array;
  readonly #partial: Uint8Array[];
  readonly #partialLength: Int32Array;
  #partialBytes = 0;
  readonly #known: Known[];
  #lastKnown = 0;
  #nextKnown = 0;

  constructor(options: RequestReaderOptions) {
    const { connectionLimit, maxBodyBytes, maxHeaderBytes } = options;
    this.#limit = options;
    this.#head = new RequestHead(Math.min(MAX_TARGET_BYTES, maxHeaderBytes), MAX_FIELD_COUNT);
    this.#chunked = new ChunkedBodies({
      connectionLimit,
      maxExtraBytes: maxHeaderBytes,
      maxTrailerCount: MAX_FIELD_COUNT,
      maxBodyBytes,
      isStrict: true,
      capture: null,
    });
    this.#phase = new Uint8Array(connectionLimit);
    this.#left = new Float64Array(connectionLimit);
    this.#route = new Int32Array(connectionLimit);
    this.#flags = new Uint8Array(connectionLimit);
    this.#emptyLines = new Uint8Array(connectionLimit);
    this.#partial = Array<Uint8Array>(connectionLimit).fill(NONE);
    this.#partialLength = new Int32Array(connectionLimit);
    this.#known = Array.from({ length: KNOWN_COUNT }, () => {
      return { shape: new Shape(), route: 0, flags: 0, framing: 0, contentLength: 0 };
    });
  }

  /** The slot has a new connection, or none. */
  reset(conn: number): void {
    this.#phase[conn] = IN_HEAD;
    this.#emptyLines[conn] = 0;
    this.#dropPartial(conn);
  }

  isMidRequest(conn: number): boolean {
    return this.#phase[conn] !== IN_HEAD || this.#partialLength[conn]! > 0;
  }

  /** A HEAD's body, of all things, is under way. */
  asksWithHead(conn: number): boolean {
    return this.#phase[conn] !== IN_HEAD && (this.#flags[conn]! & IS_HEAD_METHOD) !== 0;
  }

  /** Takes bytes up to the end of one request; GOT says what came of it. Never throws, whatever the bytes. */
  feed(conn: number, bytes: Uint8Array, start: number, end: number): number {
    if (this.#phase[conn] !== IN_HEAD) return this.#body(conn, bytes, start, end);
    if (this.#partialLength[conn]! > 0) return this.#goOn(conn, bytes, start, end);
    let at = start;
    // §2.2: an empty line before a request is an old client's slip.
    while (end - at >= 2 && bytes[at] === CR && bytes[at + 1] === LF) {
      at += 2;
      if (++this.#emptyLines[conn]! > MAX_EMPTY_LINES) return this.#refuse(400);
    }
    if (at === end) return this.#more(end);
    for (let i = 0; i < KNOWN_COUNT; i++) {
      const index = (this.#lastKnown + i) & (KNOWN_COUNT - 1);
      const known = this.#known[index]!;
      if (!known.shape.matches(bytes, at, end)) continue;
      this.#lastKnown = index;
      return this.#begin(conn, bytes, at + known.shape.byteLength, end, known);
    }
    return this.#readHead(conn, bytes, at, end);
  }

  #readHead(conn: number, bytes: Uint8Array, at: number, end: number): number {
    // Not HTTP at all (a TLS hello, say) is told by its first byte.
    if (!isTokenByte(bytes[at]!) && (bytes[at] !== CR || end - at > 1)) return this.#refuse(400);
    const blockEnd = findBlockEnd(bytes, at, at, end);
    if (blockEnd === NOT_YET) return this.#keep(conn, bytes, at, end) ? this.#more(end) : GOT.refused;
    if (blockEnd === BARE_LF) return this.#refuse(400, isHeadAt(bytes, at, end));
    const { maxHeaderBytes } = this.#limit;
    const status =
      blockEnd - at > maxHeaderBytes
        ? statusOfTooLong(bytes, at, at + maxHeaderBytes + 1)
        : this.#head.read(bytes, at, blockEnd);
    if (status !== 0) return this.#refuse(status, isHeadAt(bytes, at, blockEnd));
    return this.#begin(conn, bytes, blockEnd, end, this.#learn(bytes, at, blockEnd));
  }

  /** More of a head that began in an earlier buffer. */
  #goOn(conn: number, bytes: Uint8Array, start: number, end: number): number {
    let kept = this.#partialLength[conn]!;
    if (!this.#keep(conn, bytes, start, end)) return GOT.refused;
    const block = this.#partial[conn]!;
    // Kept for its CR, which turns out to be an empty line's.
    if (kept === 1 && block[0] === CR) {
      if (block[1] !== LF) return this.#refuse(400);
      this.#dropPartial(conn);
      if (++this.#emptyLines[conn]! > MAX_EMPTY_LINES) return this.#refuse(400);
      return start + 1 === end ? this.#more(end) : this.feed(conn, bytes, start + 1, end);
    }
    const blockEnd = findBlockEnd(block, 0, kept, this.#partialLength[conn]!);
    if (blockEnd === NOT_YET) return this.#more(end);
    const status = blockEnd === BARE_LF ? 400 : this.#head.read(block, 0, blockEnd);
    if (status !== 0) return this.#refuse(status, isHeadAt(block, 0, this.#partialLength[conn]!));
    const known = this.#learn(block, 0, 0);
    kept = blockEnd - kept;
    this.#dropPartial(conn);
    return this.#begin(conn, bytes, start + kept, end, known);
  }

  /** Notes what the head just read means; with its bytes [start, end), to know it again. */
  #learn(bytes: Uint8Array, start: number, end: number): Known {
    const head = this.#head;
    const known = this.#known[this.#nextKnown]!;
    if (end === start || head.expectsContinue || !known.shape.learn(bytes, start, end)) {
      return this.#describe(bytes, this.#passing);
    }
    this.#lastKnown = this.#nextKnown;
    this.#nextKnown = (this.#nextKnown + 1) & (KNOWN_COUNT - 1);
    return this.#describe(bytes, known);
  }

  /** For heads that are not remembered. */
  readonly #passing: Known = { shape: new Shape(), route: 0, flags: 0, framing: 0, contentLength: 0 };

  #describe(bytes: Uint8Array, known: Known): Known {
    const head = this.#head;
    const { paths } = this.#limit;
    if (head.pathEnd > head.pathStart) known.route = paths.find(bytes, head.pathStart, head.pathEnd);
    else known.route = bytes[head.pathStart] === 42 ? ROUTE_SERVER : paths.find(ROOT, 0, 1);
    known.flags = (head.isHeadMethod ? IS_HEAD_METHOD : 0) | (head.closes ? CLOSES : 0);
    known.framing = head.framing;
    known.contentLength = head.contentLength;
    return known;
  }

  /** A head is read; its body, if any, begins at `start`. */
  #begin(conn: number, bytes: Uint8Array, start: number, end: number, known: Known): number {
    if (known.framing === FRAMING.none) {
      this.next = start;
      return this.#done(conn, known.route, known.flags);
    }
    if (known.framing === FRAMING.length && known.contentLength > this.#limit.maxBodyBytes) {
      return this.#refuse(413, (known.flags & IS_HEAD_METHOD) !== 0);
    }
    this.#route[conn] = known.route;
    this.#flags[conn] = known.flags;
    this.#phase[conn] = known.framing === FRAMING.length ? IN_LENGTH : IN_CHUNKS;
    this.#left[conn] = known.contentLength;
    if (known.framing === FRAMING.chunked) this.#chunked.begin(conn);
    if (start < end) return this.#body(conn, bytes, start, end);
    this.next = end;
    return known === this.#passing && this.#head.expectsContinue ? GOT.wantsContinue : GOT.more;
  }

  #body(conn: number, bytes: Uint8Array, start: number, end: number): number {
    if (this.#phase[conn] === IN_LENGTH) {
      const take = Math.min(this.#left[conn]!, end - start);
      this.#left[conn]! -= take;
      if (this.#left[conn]! > 0) return this.#more(end);
      this.next = start + take;
    } else {
      const next = this.#chunked.skip(conn, bytes, start, end);
      if (next === CHUNKED.more) return this.#more(end);
      if (next < 0) return this.#refuse(next === CHUNKED.tooLong ? 413 : 400, this.asksWithHead(conn));
      this.next = next;
    }
    this.#phase[conn] = IN_HEAD;
    return this.#done(conn, this.#route[conn]!, this.#flags[conn]!);
  }

  #done(conn: number, route: number, flags: number): number {
    this.route = route;
    this.isHeadMethod = (flags & IS_HEAD_METHOD) !== 0;
    this.closes = (flags & CLOSES) !== 0;
    this.#emptyLines[conn] = 0;
    return GOT.request;
  }

  #more(end: number): number {
    this.next = end;
    return GOT.more;
  }

  /** isHead: the refusal is the answer to a HEAD, so that a body in it would be taken for another reply. */
  #refuse(status: number, isHead = false): number {
    this.status = status;
    this.isHeadMethod = isHead;
    return GOT.refused;
  }

  /** Adds to a head in pieces. False: it is too long, or all of them together are; the status says which. */
  #keep(conn: number, bytes: Uint8Array, start: number, end: number): boolean {
    const { maxHeaderBytes } = this.#limit;
    const length = this.#partialLength[conn]!;
    const total = length + end - start;
    let partial = this.#partial[conn]!;
    // Judged by what is here, with the new bytes up to the limit: the end of the head may be among them.
    const take = Math.min(end - start, Math.max(0, maxHeaderBytes + 1 - length));
    if (length + take > partial.length) {
      const grown = new Uint8Array(
        Math.max(SMALLEST_PARTIAL_BYTES, 2 ** Math.ceil(Math.log2(length + take))),
      );
      grown.set(partial.subarray(0, length));
      this.#partialBytes += grown.length - partial.length;
      this.#partial[conn] = partial = grown;
    }
    for (let i = 0; i < take; i++) partial[length + i] = bytes[start + i]!;
    this.#partialLength[conn] = length + take;
    const hasEnd =
      length > 0 && total > maxHeaderBytes && findBlockEnd(partial, 0, length, length + take) > 0;
    if (total > maxHeaderBytes && !hasEnd) {
      this.#refuse(statusOfTooLong(partial, 0, length + take), isHeadAt(partial, 0, length + take));
      return false;
    }
    if (this.#partialBytes <= PARTIAL_LIMIT_BYTES) return true;
    this.#refuse(503);
    return false;
  }

  #dropPartial(conn: number): void {
    const partial = this.#partial[conn]!;
    if (partial === NONE) return;
    this.#partialBytes -= partial.length;
    this.#partial[conn] = NONE;
    this.#partialLength[conn] = 0;
  }
}

/** Which part of a head that begins with [start, end) is too long: its method (RFC 9112 §3), its target, or the fields. */
function statusOfTooLong(bytes: Uint8Array, start: number, end: number): number {
  for (let i = start, hasBlank = false; i < end; i++) {
    if (bytes[i] === SP) hasBlank = true;
    if (bytes[i] === LF) break;
    if (i === end - 1) return hasBlank ? 414 : 501;
  }
  return 431;
}

function isHeadAt(bytes: Uint8Array, start: number, end: number): boolean {
  return (
    end - start >= 5 &&
    bytes[start] === 72 &&
    bytes[start + 1] === 69 &&
    bytes[start + 2] === 65 &&
    bytes[start + 3] === 68 &&
    bytes[start + 4] === SP
  );
}

/**
 * Position after the empty line that ends the head beginning at `blockStart`, looking from `from` on. BARE_LF: a line
 * ended without CR, which some would take for an end and others not.
 */
function findBlockEnd(bytes: Uint8Array, blockStart: number, from: number, end: number): number {
  for (let i = from; i < end; i++) {
    if (bytes[i] !== LF) continue;
    if (i === blockStart || bytes[i - 1] !== CR) return BARE_LF;
    if (i - 2 > blockStart && bytes[i - 2] === LF) return i + 1;
  }
  return NOT_YET;
}
