/**
 * One request head, read strictly (RFC 9112): what two readers could understand differently is refused, because that
 * is how requests are smuggled past a proxy.
 */
// Invariants
//  H1  read() allocates nothing, and reads no byte outside [start, end).
import { isTokenByte, isValueByte } from '../../wire/http1/http1-fields.ts';
import { isHostAndPort } from './authority.ts';

const CR = 13;
const LF = 10;
const SP = 32;
const HT = 9;
const COLON = 58;
const QUESTION = 63;
const HASH = 35;

/** Answered like GET (HEAD without the body). Other methods of the registry are not implemented here: 501. */
const METHODS = ['GET', 'POST', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'] as const;
const HEAD_METHOD = 2;
const OPTIONS_METHOD = 5;

export const FRAMING = { none: 0, length: 1, chunked: 2 } as const;

export class RequestHead {
  isHeadMethod = false;
  /** The path is bytes [pathStart, pathEnd) of what was read; empty for "*" (OPTIONS) and for an absolute form without. */
  pathStart = 0;
  pathEnd = 0;
  framing: number = FRAMING.none;
  /** Of the body, with FRAMING.length. */
  contentLength = 0;
  /** The client wants the connection closed after the reply. */
  closes = false;
  expectsContinue = false;
  readonly #maxTargetBytes: number;
  readonly #maxFieldCount: number;
  #minor = 1;
  #hostCount = 0;
  #hasLength = false;
  #keepsAlive = false;
  #status = 0;

  constructor(maxTargetBytes: number, maxFieldCount: number) {
    this.#maxTargetBytes = maxTargetBytes;
    this.#maxFieldCount = maxFieldCount;
  }

  /** Reads the head [start, end), its empty line included. 0, or the status to refuse it with. */
  read(bytes: Uint8Array, start: number, end: number): number {
    this.framing = FRAMING.none;
    this.contentLength = this.#hostCount = this.#status = 0;
    this.closes = this.expectsContinue = this.#hasLength = this.#keepsAlive = false;
    const fields = this.#requestLine(bytes, start, end);
    if (this.#status !== 0) return this.#status;
    if (!this.#fields(bytes, fields, end)) return this.#status;
    // §3.2: one Host, and no more, whatever the form of the target.
    if (this.#minor > 0 ? this.#hostCount !== 1 : this.#hostCount > 1) return 400;
    // §6.1, §6.3: two framings at once, or chunks from a client that cannot know them, are an attack.
    if (this.framing === FRAMING.chunked && (this.#hasLength || this.#minor === 0)) return 400;
    if (this.#minor === 0) {
      this.closes ||= !this.#keepsAlive;
      this.expectsContinue = false;
    }
    return 0;
  }

  /** Returns the position after the line; the status is set when it is refused. */
  #requestLine(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    while (at < end && isTokenByte(bytes[at]!)) at++;
    if (at === start || bytes[at] !== SP) return this.#refuse(400);
    const method = methodIndex(bytes, start, at);
    const target = ++at;
    // A fragment is the client's own (§3.2): some would take "#" for a part of the path, others not.
    while (at < end && bytes[at]! > SP && bytes[at]! < 127 && bytes[at] !== HASH) at++;
    if (at === target || bytes[at] !== SP) return this.#refuse(400);
    if (at - target > this.#maxTargetBytes) return this.#refuse(414);
    const version = at + 1;
    const lineEnd = version + 8;
    if (!this.#version(bytes, version, end) || bytes[lineEnd] !== CR || bytes[lineEnd + 1] !== LF) {
      return this.#refuse(this.#status || 400);
    }
    if (method < 0) return this.#refuse(501);
    this.isHeadMethod = method === HEAD_METHOD;
    if (!this.#target(bytes, target, at, method)) return this.#refuse(400);
    return lineEnd + 2;
  }

  /** "HTTP/" DIGIT "." DIGIT; another major version is 505. */
  #version(bytes: Uint8Array, at: number, end: number): boolean {
    if (end - at < 10 || !equals(bytes, at, at + 5, 'HTTP/')) return false;
    const major = bytes[at + 5]! - 48;
    const minor = bytes[at + 7]! - 48;
    if (major < 0 || major > 9 || bytes[at + 6] !== 46 || minor < 0 || minor > 9) return false;
    if (major !== 1) this.#status = 505;
    this.#minor = minor;
    return major === 1;
  }

  /** §3.2: origin form, absolute form, or "*" for OPTIONS. (The authority form is CONNECT's alone.) */
  #target(bytes: Uint8Array, start: number, end: number, method: number): boolean {
    let path = start;
    if (bytes[start] === 42) {
      this.pathStart = this.pathEnd = start;
      return method === OPTIONS_METHOD && end === start + 1;
    }
    if (bytes[start] !== 47) {
      const isAbsolute = foldedEquals(bytes, start, Math.min(end, start + 7), 'http://');
      path = start + 7;
      if (!isAbsolute || path === end) return false;
      while (path < end && bytes[path] !== 47 && bytes[path] !== QUESTION) path++;
      // RFC 9110 §4.2.1: without a host it is no http URI.
      if (path === start + 7 || bytes[start + 7] === COLON || !isHostAndPort(bytes, start + 7, path))
        return false;
    }
    let stop = path;
    while (stop < end && bytes[stop] !== QUESTION) stop++;
    this.pathStart = path;
    this.pathEnd = stop;
    return true;
  }

  #fields(bytes: Uint8Array, start: number, end: number): boolean {
    let at = start;
    for (let count = 0; bytes[at] !== CR; count++) {
      if (count === this.#maxFieldCount) return this.#refuse(431) === 0;
      let colon = at;
      // A blank here is a folded line (§5.2), or one before the colon (§5.1): both refused.
      while (isTokenByte(bytes[colon]!)) colon++;
      if (colon === at || bytes[colon] !== COLON) return this.#refuse(400) === 0;
      let stop = colon + 1;
      while (isValueByte(bytes[stop]!)) stop++;
      // Only CR LF ends a line: a bare CR, a bare LF, a NUL do not.
      if (bytes[stop] !== CR || bytes[stop + 1] !== LF) return this.#refuse(400) === 0;
      if (!this.#field(bytes, at, colon, stop)) return false;
      at = stop + 2;
    }
    return at + 2 === end || this.#refuse(400) === 0;
  }

  #field(bytes: Uint8Array, name: number, colon: number, stop: number): boolean {
    const length = colon - name;
    // The few fields that matter are told apart by their length alone.
    if (length !== 4 && length !== 6 && length !== 10 && length !== 14 && length !== 17) return true;
    let start = colon + 1;
    while (start < stop && (bytes[start] === SP || bytes[start] === HT)) start++;
    let end = stop;
    while (end > start && (bytes[end - 1] === SP || bytes[end - 1] === HT)) end--;
    if (length === 4) {
      if (!foldedEquals(bytes, name, colon, 'host')) return true;
      this.#hostCount++;
      return isHostAndPort(bytes, start, end) || this.#refuse(400) === 0;
    } else if (length === 6) {
      if (foldedEquals(bytes, name, colon, 'expect')) return this.#expect(bytes, start, end);
    } else if (length === 10) {
      if (foldedEquals(bytes, name, colon, 'connection')) this.#connection(bytes, start, end);
    } else if (length === 14) {
      if (foldedEquals(bytes, name, colon, 'content-length')) return this.#length(bytes, start, end);
    } else if (foldedEquals(bytes, name, colon, 'transfer-encoding')) {
      return this.#transfer(bytes, start, end);
    }
    return true;
  }

  /** Digits alone, once: "5, 5" and a second field are refused, though a proxy may have made them of one (§6.3). */
  #length(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#hasLength || end <= start || end - start > 15) return this.#refuse(400) === 0;
    let value = 0;
    for (let i = start; i < end; i++) {
      const digit = bytes[i]! - 48;
      if (digit < 0 || digit > 9) return this.#refuse(400) === 0;
      value = value * 10 + digit;
    }
    this.#hasLength = true;
    this.contentLength = value;
    if (this.framing === FRAMING.none && value > 0) this.framing = FRAMING.length;
    return true;
  }

  /** §6.3: without a final "chunked" nobody can say where the body ends; other codings before it are not known here. */
  #transfer(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.framing === FRAMING.chunked) return this.#refuse(400) === 0;
    if (end - start < 7 || !foldedEquals(bytes, end - 7, end, 'chunked')) return this.#refuse(400) === 0;
    let before = end - 7;
    while (before > start && (bytes[before - 1] === SP || bytes[before - 1] === HT)) before--;
    if (before > start) return this.#refuse(bytes[before - 1] === 44 ? 501 : 400) === 0;
    this.framing = FRAMING.chunked;
    return true;
  }

  #expect(bytes: Uint8Array, start: number, end: number): boolean {
    if (!foldedEquals(bytes, start, end, '100-continue')) return this.#refuse(417) === 0;
    this.expectsContinue = true;
    return true;
  }

  #connection(bytes: Uint8Array, start: number, end: number): void {
    let at = start;
    while (at < end) {
      let comma = at;
      while (comma < end && bytes[comma] !== 44) comma++;
      let first = at;
      while (first < comma && (bytes[first] === SP || bytes[first] === HT)) first++;
      let last = comma;
      while (last > first && (bytes[last - 1] === SP || bytes[last - 1] === HT)) last--;
      if (foldedEquals(bytes, first, last, 'close')) this.closes = true;
      else if (foldedEquals(bytes, first, last, 'keep-alive')) this.#keepsAlive = true;
      at = comma + 1;
    }
  }

  #refuse(status: number): number {
    this.#status = status;
    return status;
  }
}

function methodIndex(bytes: Uint8Array, start: number, end: number): number {
  for (let i = 0; i < METHODS.length; i++) if (equals(bytes, start, end, METHODS[i]!)) return i;
  return -1;
}

function equals(bytes: Uint8Array, start: number, end: number, text: string): boolean {
  if (end - start !== text.length) return false;
  for (let i = 0; i < text.length; i++) if (bytes[start + i] !== text.charCodeAt(i)) return false;
  return true;
}

/** Compares with a lower-case text, ignoring the case of letters. */
function foldedEquals(bytes: Uint8Array, start: number, end: number, lower: string): boolean {
  if (end - start !== lower.length) return false;
  for (let i = 0; i < lower.length; i++) {
    const byte = bytes[start + i]!;
    if ((byte >= 65 && byte <= 90 ? byte | 32 : byte) !== lower.charCodeAt(i)) return false;
  }
  return true;
}
