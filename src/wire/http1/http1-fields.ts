/**
 * HTTP/1.1 header blocks (RFC 9112): where one ends, and the few fields that decide a message's framing. Bare LF is
 * accepted as a line's end (§2.2), a bare CR and other controls are not (RFC 9110 §5.5).
 */
import { PROBLEM } from '../codec.ts';

const LF = 10;
const CR = 13;
const SP = 32;
const HT = 9;
const COLON = 58;
const COMMA = 44;

const TOKEN = 1;
const VALUE = 2;
/** What a byte may be part of: a field's name, its value, both or neither (RFC 9110 §5.1, §5.5). */
const CLASS = new Uint8Array(256);
for (let byte = 0; byte < 256; byte++) {
  if ((byte >= 32 && byte !== 127) || byte === HT) CLASS[byte]! |= VALUE;
  if (/[!#$%&'*+.^_`|~0-9A-Za-z-]/.test(String.fromCharCode(byte))) CLASS[byte]! |= TOKEN;
}

/** May it stand in a field's name, and in its value? */
export const isTokenByte = (byte: number): boolean => (CLASS[byte]! & TOKEN) !== 0;
export const isValueByte = (byte: number): boolean => (CLASS[byte]! & VALUE) !== 0;

/** The framing facts of one header block. One object a parser, written over each time. */
export type HeaderFacts = {
  /** Most lines that a block may have. */
  readonly maxCount: number;
  /** −1 when there is none. */
  contentLength: number;
  chunked: boolean;
  /** A transfer coding other than a final chunked: the body ends with the connection. */
  otherTransfer: boolean;
  close: boolean;
  keepAlive: boolean;
  /** Why the block was refused. */
  problem: string;
};

export function createHeaderFacts(maxCount: number): HeaderFacts {
  return {
    maxCount,
    contentLength: -1,
    chunked: false,
    otherTransfer: false,
    close: false,
    keepAlive: false,
    problem: '',
  };
}

/** Position after the empty line that ends a header block, looking from `from` on; −1 when it has not come yet. */
export function findBlockEnd(bytes: Uint8Array, from: number, end: number): number {
  for (let i = from; i < end; i++) {
    if (bytes[i] !== LF) continue;
    if (i + 1 < end && bytes[i + 1] === LF) return i + 2;
    if (i + 2 < end && bytes[i + 1] === CR && bytes[i + 2] === LF) return i + 3;
  }
  return -1;
}

/** Position after the LF of the line that begins at `start`. The caller knows that there is one. */
export function lineEnd(bytes: Uint8Array, start: number, end: number): number {
  let i = start;
  while (i < end && bytes[i] !== LF) i++;
  return i + 1;
}

/** Reads the field lines in [start, end), the last of them empty. False, and facts.problem, when one is not a field. */
export function parseFields(bytes: Uint8Array, start: number, end: number, facts: HeaderFacts): boolean {
  facts.contentLength = -1;
  facts.chunked = facts.otherTransfer = facts.close = facts.keepAlive = false;
  facts.problem = PROBLEM.notHttp;
  let at = start;
  let count = 0;
  while (at < end) {
    if (bytes[at] === LF) return at + 1 === end;
    if (bytes[at] === CR) return bytes[at + 1] === LF && at + 2 === end;
    let colon = at;
    while ((CLASS[bytes[colon]!]! & TOKEN) !== 0) colon++;
    // The block ends with a line feed, so that no loop here can pass it.
    if (colon === at || bytes[colon] !== COLON) return false;
    const stop = valueEnd(bytes, colon + 1, end);
    if (stop < 0) return false;
    if (++count > facts.maxCount) {
      facts.problem = PROBLEM.tooManyHeaders;
      return false;
    }
    if (!readField(bytes, at, colon, stop, facts)) return false;
    at = bytes[stop] === CR ? stop + 2 : stop + 1;
  }
  return false;
}

/**
 * Position of the line break that ends a value; −1 for a byte that no value may hold. A value may go on in the next line,
 * if that begins with a blank: a client has to bear it (RFC 9112 §5.2).
 */
function valueEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  for (;;) {
    while ((CLASS[bytes[at]!]! & VALUE) !== 0) at++;
    const next = bytes[at] === CR ? at + 1 : at;
    if (bytes[next] !== LF) return -1;
    const after = next + 1;
    if (after >= end || (bytes[after] !== SP && bytes[after] !== HT)) return at;
    at = after;
  }
}

function readField(bytes: Uint8Array, name: number, colon: number, end: number, facts: HeaderFacts): boolean {
  const length = colon - name;
  // Most fields are told apart by their length alone.
  if (length !== 14 && length !== 17 && length !== 10) return true;
  let start = colon + 1;
  while (start < end && isBlank(bytes[start]!)) start++;
  let last = end;
  while (last > start && isBlank(bytes[last - 1]!)) last--;
  if (length === 14 && same(bytes, name, colon, 'content-length')) {
    if (readLengths(bytes, start, last, facts)) return true;
    facts.problem = PROBLEM.badLength;
    return false;
  }
  if (length === 17 && same(bytes, name, colon, 'transfer-encoding')) readCodings(bytes, start, last, facts);
  else if (length === 10 && same(bytes, name, colon, 'connection')) readConnection(bytes, start, last, facts);
  return true;
}

/** One length, or a list of equal ones, as proxies make of repeated fields (RFC 9110 §8.6). */
function readLengths(bytes: Uint8Array, start: number, end: number, facts: HeaderFacts): boolean {
  let at = start;
  do {
    const stop = elementEnd(bytes, at, end);
    const value = parseLength(bytes, trimStart(bytes, at, stop), trimEnd(bytes, at, stop));
    if (value < 0 || (facts.contentLength >= 0 && facts.contentLength !== value)) return false;
    facts.contentLength = value;
    at = stop + 1;
  } while (at <= end);
  return true;
}

/** Only "chunked", once and last of all fields' codings, says where the body ends (RFC 9112 §6.3). */
function readCodings(bytes: Uint8Array, start: number, end: number, facts: HeaderFacts): void {
  // No coding at all is a malformed field, and never a reason to trust a length instead.
  if (end <= start) facts.otherTransfer = true;
  for (let at = start; at < end; ) {
    const stop = elementEnd(bytes, at, end);
    const first = trimStart(bytes, at, stop);
    const last = trimEnd(bytes, at, stop);
    at = stop + 1;
    if (last <= first) continue;
    const final = same(bytes, first, last, 'chunked') && !facts.chunked;
    facts.chunked = final;
    facts.otherTransfer = !final;
  }
}

function readConnection(bytes: Uint8Array, start: number, end: number, facts: HeaderFacts): void {
  let at = start;
  while (at <= end) {
    const stop = elementEnd(bytes, at, end);
    const first = trimStart(bytes, at, stop);
    const last = trimEnd(bytes, at, stop);
    if (same(bytes, first, last, 'close')) facts.close = true;
    if (same(bytes, first, last, 'keep-alive')) facts.keepAlive = true;
    at = stop + 1;
  }
}

function elementEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && bytes[at] !== COMMA) at++;
  return at;
}

function trimStart(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && isBlank(bytes[at]!)) at++;
  return at;
}

function trimEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = end;
  while (at > start && isBlank(bytes[at - 1]!)) at--;
  return at;
}

/** A blank, or a line break that a fold has made one. */
function isBlank(byte: number): boolean {
  return byte === SP || byte === HT || byte === CR || byte === LF;
}

/** Decimal digits only, at most 15 that count, so that the value is exact; −1 otherwise. */
function parseLength(bytes: Uint8Array, start: number, end: number): number {
  if (end <= start) return -1;
  let value = 0;
  for (let i = start; i < end; i++) {
    const digit = bytes[i]! - 48;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
    if (value >= 1e15) return -1;
  }
  return value;
}

/** Compares with a lower-case name of letters and hyphens, ignoring case. */
export function same(bytes: Uint8Array, start: number, end: number, lower: string): boolean {
  if (end - start !== lower.length) return false;
  for (let i = 0; i < lower.length; i++) {
    const byte = bytes[start + i]!;
    const folded = byte >= 65 && byte <= 90 ? byte | 32 : byte;
    if (folded !== lower.charCodeAt(i)) return false;
  }
  return true;
}
