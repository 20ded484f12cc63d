/** Strings, numbers and words of JSON (RFC 8259), walked over. All take [at, end) and return where it ends, −1 for none. */
import { isDigit } from '../../lines/bytes.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;

/** Behind white space. Always ends. */
export function skipSpace(bytes: Uint8Array, at: number, end: number): number {
  while (at < end) {
    const byte = bytes[at]!;
    if (byte > SPACE || (byte !== SPACE && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) return at;
    at++;
  }
  return end;
}

/** `at` is behind the opening quote; the closing one is at what is returned. Broken UTF-8 is let through. */
export function stringEnd(bytes: Uint8Array, at: number, end: number): number {
  while (at < end) {
    const byte = bytes[at]!;
    if (byte === QUOTE) return at;
    if (byte < SPACE) return -1;
    if (byte === BACKSLASH) {
      at = escapeEnd(bytes, at + 1, end);
      if (at < 0) return -1;
    } else at++;
  }
  return -1;
}

function escapeEnd(bytes: Uint8Array, at: number, end: number): number {
  if (at >= end) return -1;
  switch (bytes[at]) {
    case QUOTE:
    case BACKSLASH:
    case 0x2f:
    case 0x62: // b f n r t
    case 0x66:
    case 0x6e:
    case 0x72:
    case 0x74:
      return at + 1;
    case 0x75: // uXXXX
      if (at + 5 > end) return -1;
      for (let i = at + 1; i < at + 5; i++) if (!isHex(bytes[i]!)) return -1;
      return at + 5;
    default:
      return -1;
  }
}

function isHex(byte: number): boolean {
  const letter = byte | 0x20;
  return isDigit(byte) || (letter >= 0x61 && letter <= 0x66);
}

/** A number, true, false or null. */
export function scalarEnd(bytes: Uint8Array, at: number, end: number): number {
  switch (bytes[at]) {
    case 0x74:
      return wordEnd(bytes, at, end, TRUE);
    case 0x66:
      return wordEnd(bytes, at, end, FALSE);
    case 0x6e:
      return wordEnd(bytes, at, end, NULL);
    default:
      return numberEnd(bytes, at, end);
  }
}

const TRUE = Buffer.from('true');
const FALSE = Buffer.from('false');
const NULL = Buffer.from('null');

function wordEnd(bytes: Uint8Array, at: number, end: number, word: Uint8Array): number {
  if (end - at < word.length) return -1;
  for (let i = 1; i < word.length; i++) if (bytes[at + i] !== word[i]) return -1;
  return at + word.length;
}

function numberEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = bytes[start] === 0x2d ? start + 1 : start;
  if (at < end && bytes[at] === 0x30) at++;
  else at = digitsEnd(bytes, at, end);
  if (at > 0 && at < end && bytes[at] === 0x2e) at = digitsEnd(bytes, at + 1, end);
  if (at > 0 && at < end && (bytes[at]! | 0x20) === 0x65) {
    at++;
    if (at < end && (bytes[at] === 0x2b || bytes[at] === 0x2d)) at++;
    at = digitsEnd(bytes, at, end);
  }
  return at;
}

/** One digit at least. */
function digitsEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && isDigit(bytes[at]!)) at++;
  return at === start ? -1 : at;
}
