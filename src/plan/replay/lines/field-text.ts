/** Fields as the client sent them: what the log escaped is put back. */
import type { Escapes, Field, LogEntry } from './log-entry.ts';

const BACKSLASH = 0x5c;
const HASH = 0x23;

/** The byte that an escape begins with; −1 for none. */
export function escapeByte(escapes: Escapes): number {
  if (escapes === 'none') return -1;
  return escapes === 'hash' ? HASH : BACKSLASH;
}

/** What follows a backslash, and the byte it stands for. */
const SHORT: Readonly<Record<number, number>> = {
  34: 0x22,
  39: 0x27,
  92: 0x5c,
  47: 0x2f,
  98: 8,
  102: 12,
  110: 10,
  114: 13,
  116: 9,
  118: 11,
};

/** Writes [start, end) of `bytes` into `out` at `at`, without escapes. Returns the length, −1 for a broken escape. */
export function unescapeInto(
  bytes: Uint8Array,
  start: number,
  end: number,
  escapes: Escapes,
  out: Uint8Array,
  at = 0,
): number {
  const mark = escapeByte(escapes);
  let length = at;
  for (let from = start; from < end; from++) {
    const byte = bytes[from]!;
    if (byte !== mark) {
      out[length++] = byte;
      continue;
    }
    if (mark === HASH) {
      const value = hexAt(bytes, from + 1, from + 3, end);
      if (value < 0) return -1;
      out[length++] = value;
      from += 2;
      continue;
    }
    const kind = from + 1 < end ? bytes[++from]! : -1;
    const short = SHORT[kind];
    if (short !== undefined) {
      out[length++] = short;
    } else if (kind === 0x78 && escapes === 'backslash') {
      const value = hexAt(bytes, from + 1, from + 3, end);
      if (value < 0) return -1;
      out[length++] = value;
      from += 2;
    } else if (kind === 0x75 && escapes === 'json') {
      const unit = hexAt(bytes, from + 1, from + 5, end);
      if (unit < 0) return -1;
      from += 4;
      const low = isHigh(unit) && bytes[from + 1] === BACKSLASH ? hexAt(bytes, from + 3, from + 7, end) : -1;
      if (low >= 0xdc00 && low <= 0xdfff) from += 6;
      length += writeUtf8(low >= 0xdc00 && low <= 0xdfff ? pair(unit, low) : unit, out, length);
    } else {
      return -1;
    }
  }
  return length - at;
}

/** A field as text, escapes undone; null for a broken one. Allocates: not for every line. */
export function fieldText(entry: LogEntry, field: Field): string | null {
  const start = entry.ranges[2 * field]!;
  const end = entry.ranges[2 * field + 1]!;
  const out = Buffer.alloc(end - start);
  const length = unescapeInto(entry.bytes, start, end, entry.escapes, out);
  return length < 0 ? null : out.toString('utf8', 0, length);
}

function isHigh(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function pair(high: number, low: number): number {
  return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

function writeUtf8(code: number, out: Uint8Array, at: number): number {
  if (code < 0x80) {
    out[at] = code;
    return 1;
  }
  if (code < 0x800) {
    out[at] = 0xc0 | (code >> 6);
    out[at + 1] = 0x80 | (code & 63);
    return 2;
  }
  if (code < 0x10000) {
    out[at] = 0xe0 | (code >> 12);
    out[at + 1] = 0x80 | ((code >> 6) & 63);
    out[at + 2] = 0x80 | (code & 63);
    return 3;
  }
  out[at] = 0xf0 | (code >> 18);
  out[at + 1] = 0x80 | ((code >> 12) & 63);
  out[at + 2] = 0x80 | ((code >> 6) & 63);
  out[at + 3] = 0x80 | (code & 63);
  return 4;
}

/** A hexadecimal number in [start, stop); −1 when it is none, or does not end before `end`. */
function hexAt(bytes: Uint8Array, start: number, stop: number, end: number): number {
  if (stop > end) return -1;
  let value = 0;
  for (let at = start; at < stop; at++) {
    const byte = bytes[at]!;
    const letter = byte | 0x20;
    const digit =
      byte >= 0x30 && byte <= 0x39 ? byte - 0x30 : letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}
