/** The head of an HTTP/1 message that was recorded: where its lines are. Nothing here allocates. */
import { find } from './bytes.ts';

const LF = 10;
const CR = 13;
const COLON = 0x3a;

/** Behind the line that begins at `at`, its LF with it; `end` when it has none. */
export function lineEnd(bytes: Uint8Array, at: number, end: number): number {
  return Math.min(end, find(bytes, at, end, LF) + 1);
}

/** Where the text of a line stops that ends at `end`: before CRLF or LF. */
export function textEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = end;
  if (at > start && bytes[at - 1] === LF) at--;
  if (at > start && bytes[at - 1] === CR) at--;
  return at;
}

/** Where header lines that begin at `at` stop: at the empty line, or at `end` in a head that was cut. */
export function headersEnd(bytes: Uint8Array, at: number, end: number): number {
  let start = at;
  while (start < end) {
    const next = lineEnd(bytes, start, end);
    if (textEnd(bytes, start, next) === start) return start;
    start = next;
  }
  return end;
}

/** A value's place, as headerValue() finds it. */
export type Place = { start: number; end: number };

/** Finds the header of that lower-case name among the lines [start, end); false for none. White space around it is not of it. */
export function headerValue(
  bytes: Uint8Array,
  start: number,
  end: number,
  name: Uint8Array,
  out: Place,
): boolean {
  for (let at = start; at < end; ) {
    const next = lineEnd(bytes, at, end);
    if (bytes[at + name.length] === COLON && isName(bytes, at, name)) {
      out.start = at + name.length + 1;
      out.end = textEnd(bytes, at, next);
      while (out.start < out.end && isBlank(bytes[out.start]!)) out.start++;
      while (out.end > out.start && isBlank(bytes[out.end - 1]!)) out.end--;
      return true;
    }
    at = next;
  }
  return false;
}

function isName(bytes: Uint8Array, at: number, name: Uint8Array): boolean {
  for (let i = 0; i < name.length; i++) {
    const byte = bytes[at + i]!;
    if ((byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte) !== name[i]) return false;
  }
  return true;
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x09;
}

/**
 * The content of the chunks in [start, end) into `out` from `at` on, as far as they are whole. Returns where it ends
 * there; −1 for chunks that are none, or more than `out` holds.
 */
export function joinChunks(
  bytes: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  at: number,
): number {
  let from = start;
  let to = at;
  while (from < end) {
    const next = lineEnd(bytes, from, end);
    const length = chunkLength(bytes, from, textEnd(bytes, from, next));
    if (length < 0) return -1;
    if (length === 0) return to;
    const stop = Math.min(end, next + length);
    if (to + stop - next > out.length) return -1;
    for (let i = next; i < stop; i++) out[to++] = bytes[i]!;
    from = lineEnd(bytes, stop, end);
  }
  return to;
}

/** "1a;extension" → 26; −1 for no hexadecimal number of at most eight digits. */
function chunkLength(bytes: Uint8Array, start: number, end: number): number {
  let length = 0;
  let at = start;
  for (; at < end; at++) {
    const byte = bytes[at]!;
    const letter = byte | 0x20;
    const isDecimal = byte >= 0x30 && byte <= 0x39;
    if (!isDecimal && (letter < 0x61 || letter > 0x66)) break;
    length = length * 16 + (isDecimal ? byte - 0x30 : letter - 0x57);
  }
  const isEnd = at === end || bytes[at] === 0x3b || isBlank(bytes[at]!);
  return at === start || at - start > 8 || !isEnd ? -1 : length;
}
