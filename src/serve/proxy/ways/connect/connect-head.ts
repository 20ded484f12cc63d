/**
 * The head of one CONNECT request (RFC 9110 §9.3.6), read strictly: what two readers could understand differently is
 * refused, because that is how requests are smuggled past a proxy.
 */
// Invariants: R1 to R3 of reading.ts, and
//  C1  Every byte is looked at twice at most: for the end of the head, and then for what the head says.
import { isTokenByte, isValueByte, same } from '../../../../wire/http1/http1-fields.ts';
import { type HostAndPort, textOf } from '../host.ts';
import { READ, type Read } from '../reading.ts';
import type { Credentials } from '../way.ts';
import { readAuthority } from './authority.ts';
import { readBasic } from './basic.ts';

const CR = 13;
const LF = 10;
const SP = 32;
const HT = 9;
const COLON = 58;
const DOT = 46;
const ZERO = 48;
const ONE = 49;
const CONNECT = 'CONNECT';
const SPACE_HTTP = ' HTTP/';
/** " HTTP/1.1" CR LF. */
const REST_OF_LINE_BYTES = 11;
const MAX_FIELD_COUNT = 100;

export type ConnectRequest = {
  readonly target: HostAndPort;
  /** Of the Basic scheme; null without, or where they cannot be read. */
  readonly credentials: Credentials | null;
};

export class ConnectHead {
  next = 0;
  request: ConnectRequest | null = null;
  /** Why it is refused: an HTTP status, and words to follow "the request has". */
  status = 0;
  fault = '';
  readonly #maxHeadBytes: number;
  #scanned = 0;
  #hostCount = 0;
  #authorizationCount = 0;
  #credentials: Credentials | null = null;

  constructor(maxHeadBytes: number) {
    this.#maxHeadBytes = maxHeadBytes;
  }

  /** Reads on; see reading.ts. */
  read(bytes: Uint8Array, start: number, end: number): Read {
    if (end > start && !isTokenByte(bytes[start]!)) return this.#refuse(400, 'no HTTP method');
    const stop = Math.min(end, start + this.#maxHeadBytes);
    let at = start + this.#scanned;
    for (; at < stop; at++) {
      if (bytes[at] !== LF) continue;
      if (bytes[at - 1] !== CR) return this.#refuse(400, 'a line that ends without CR');
      if (at - 3 > start && bytes[at - 2] === LF) {
        this.next = at + 1;
        return this.#head(bytes, start, at + 1);
      }
    }
    this.#scanned = at - start;
    return this.#scanned < this.#maxHeadBytes
      ? READ.more
      : this.#refuse(431, `a head of more than ${this.#maxHeadBytes} bytes`);
  }

  #head(bytes: Uint8Array, start: number, end: number): Read {
    let at = start;
    while (isTokenByte(bytes[at]!)) at++;
    if (bytes[at] !== SP) return this.#refuse(400, 'a malformed request line');
    const isConnect = textOf(bytes, start, Math.min(at, start + 8)) === CONNECT;
    const target = ++at;
    while (bytes[at]! > SP && bytes[at]! < 127) at++;
    const minor = versionAt(bytes, at);
    if (at === target || minor < -1) return this.#refuse(400, 'a malformed request line');
    if (minor < 0) return this.#refuse(505, 'another version of HTTP');
    if (!isConnect) return this.#refuse(405, 'another method than CONNECT');
    const authority = readAuthority(bytes, target, at);
    if (typeof authority === 'string') return this.#refuse(400, authority);
    if (!this.#fields(bytes, at + REST_OF_LINE_BYTES, end)) return READ.refused;
    // RFC 9112 §3.2: one Host and no more; HTTP/1.0 may have none.
    if (minor > 0 ? this.#hostCount !== 1 : this.#hostCount > 1)
      return this.#refuse(400, 'not one Host field');
    this.request = { target: authority, credentials: this.#credentials };
    return READ.done;
  }

  /** The field lines of [start, end), the empty line last. */
  #fields(bytes: Uint8Array, start: number, end: number): boolean {
    let at = start;
    for (let count = 0; bytes[at] !== CR; count++) {
      if (count === MAX_FIELD_COUNT) return this.#wrong(431, `more than ${MAX_FIELD_COUNT} fields`);
      let colon = at;
      // A blank here is a folded line (§5.2), or one before the colon (§5.1): both refused.
      while (isTokenByte(bytes[colon]!)) colon++;
      if (colon === at || bytes[colon] !== COLON) return this.#wrong(400, 'a malformed field');
      let stop = colon + 1;
      while (isValueByte(bytes[stop]!)) stop++;
      if (bytes[stop] !== CR || bytes[stop + 1] !== LF)
        return this.#wrong(400, 'a control character in a field');
      if (!this.#field(bytes, at, colon, stop)) return false;
      at = stop + 2;
    }
    return at + 2 === end || this.#wrong(400, 'a malformed field');
  }

  #field(bytes: Uint8Array, name: number, colon: number, stop: number): boolean {
    let start = colon + 1;
    while (start < stop && isBlank(bytes[start]!)) start++;
    let end = stop;
    while (end > start && isBlank(bytes[end - 1]!)) end--;
    if (same(bytes, name, colon, 'host')) this.#hostCount++;
    if (same(bytes, name, colon, 'proxy-authorization')) {
      this.#credentials = readBasic(bytes, start, end);
      if (++this.#authorizationCount > 1) return this.#wrong(400, 'more than one Proxy-Authorization');
    }
    // A body would be taken for the tunnel's first bytes by one reader, and for the request's by another.
    const hasBody =
      same(bytes, name, colon, 'transfer-encoding') ||
      (same(bytes, name, colon, 'content-length') && textOf(bytes, start, Math.min(end, start + 2)) !== '0');
    return !hasBody || this.#wrong(400, 'a body, which CONNECT has not');
  }

  #refuse(status: number, fault: string): Read {
    this.#wrong(status, fault);
    return READ.refused;
  }

  #wrong(status: number, fault: string): false {
    this.status = status;
    this.fault = fault;
    return false;
  }
}

/** The minor version of " HTTP/1.x" CR LF; −1 for another major one, −2 for anything else. The head's end stops it. */
function versionAt(bytes: Uint8Array, at: number): number {
  for (let i = 0; i < SPACE_HTTP.length; i++) {
    if (bytes[at + i] !== SPACE_HTTP.charCodeAt(i)) return -2;
  }
  const major = at + SPACE_HTTP.length;
  if (!isDigit(bytes[major]!) || bytes[major + 1] !== DOT || !isDigit(bytes[major + 2]!)) return -2;
  if (bytes[major + 3] !== CR || bytes[major + 4] !== LF) return -2;
  return bytes[major] === ONE ? bytes[major + 2]! - ZERO : -1;
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte < ZERO + 10;
}

function isBlank(byte: number): boolean {
  return byte === SP || byte === HT;
}
