/**
 * HTTP/1.1 header blocks (RFC 9112): where one ends, and the few fields that decide a message's framing. Bare LF is
 * accepted as a line's end (§2.2). Folded lines are refused (§5.2).
 */
const LF = 10;
const CR = 13;
const SP = 32;
const HT = 9;
const COLON = 58;

/** The framing facts of one header block. One object a parser, written over each time. */
export type HeaderFacts = {
  /** −1 when there is none. */
  contentLength: number;
  chunked: boolean;
  /** A transfer coding other than a final chunked: the body ends with the connection. */
  otherTransfer: boolean;
  close: boolean;
  keepAlive: boolean;
  /** Span of the Date field's value, both 0 without one. */
  dateStart: number;
  dateEnd: number;
};

export function createHeaderFacts(): HeaderFacts {
  return {
    contentLength: -1,
    chunked: false,
    otherTransfer: false,
    close: false,
    keepAlive: false,
    dateStart: 0,
    dateEnd: 0,
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

/** Reads the field lines in [start, end), the last of them empty. False when a line is not a field. */
export function parseFields(bytes: Uint8Array, start: number, end: number, facts: HeaderFacts): boolean {
  facts.contentLength = -1;
  facts.chunked = facts.otherTransfer = facts.close = facts.keepAlive = false;
  facts.dateStart = facts.dateEnd = 0;
  let at = start;
  while (at < end) {
    const next = lineEnd(bytes, at, end);
    const last = next >= 2 && bytes[next - 2] === CR ? next - 2 : next - 1;
    if (last <= at) return next === end;
    let colon = at;
    while (colon < last && bytes[colon] !== COLON) colon++;
    if (colon === last || colon === at || bytes[at] === SP || bytes[at] === HT) return false;
    if (!readField(bytes, at, colon, last, facts)) return false;
    at = next;
  }
  return false;
}

function readField(bytes: Uint8Array, name: number, colon: number, end: number, facts: HeaderFacts): boolean {
  const length = colon - name;
  // Most fields are told apart by their length alone.
  if (length !== 14 && length !== 17 && length !== 10 && length !== 4) return true;
  let start = colon + 1;
  while (start < end && (bytes[start] === SP || bytes[start] === HT)) start++;
  let last = end;
  while (last > start && (bytes[last - 1] === SP || bytes[last - 1] === HT)) last--;
  if (length === 14 && same(bytes, name, colon, 'content-length')) {
    const value = parseLength(bytes, start, last);
    if (value < 0 || (facts.contentLength >= 0 && facts.contentLength !== value)) return false;
    facts.contentLength = value;
  } else if (length === 17 && same(bytes, name, colon, 'transfer-encoding')) {
    // Only a final "chunked" says where the body ends (RFC 9112 §6.3).
    facts.chunked = last - start >= 7 && same(bytes, last - 7, last, 'chunked');
    facts.otherTransfer = !facts.chunked;
  } else if (length === 10 && same(bytes, name, colon, 'connection')) {
    readConnection(bytes, start, last, facts);
  } else if (length === 4 && same(bytes, name, colon, 'date')) {
    facts.dateStart = start;
    facts.dateEnd = last;
  }
  return true;
}

function readConnection(bytes: Uint8Array, start: number, end: number, facts: HeaderFacts): void {
  let at = start;
  while (at < end) {
    let comma = at;
    while (comma < end && bytes[comma] !== 44) comma++;
    let first = at;
    while (first < comma && bytes[first] === SP) first++;
    let last = comma;
    while (last > first && bytes[last - 1] === SP) last--;
    if (same(bytes, first, last, 'close')) facts.close = true;
    if (same(bytes, first, last, 'keep-alive')) facts.keepAlive = true;
    at = comma + 1;
  }
}

/** Decimal digits only, at most 15 so that the value is exact; −1 otherwise. */
function parseLength(bytes: Uint8Array, start: number, end: number): number {
  if (end <= start || end - start > 15) return -1;
  let value = 0;
  for (let i = start; i < end; i++) {
    const digit = bytes[i]! - 48;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
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
