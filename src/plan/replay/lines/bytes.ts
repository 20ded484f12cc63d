/** Numbers and text straight from bytes: nothing here allocates. */

const ZERO = 0x30;
const DOT = 0x2e;

export function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= 0x39;
}

/** A whole number of at most 15 digits; −1 when [start, end) is none. */
export function readUint(bytes: Uint8Array, start: number, end: number): number {
  if (end <= start || end - start > 15) return -1;
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = bytes[at]! - ZERO;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

/**
 * "0.123" in units of `unitNs`, or in its own as Go writes durations ("1.5ms", "1m2.5s") → ns; −1 for anything that is
 * neither, "-" and "-1" among them.
 */
export function readNs(bytes: Uint8Array, start: number, end: number, unitNs: number): number {
  let at = start;
  let value = 0;
  let digits = 0;
  for (; at < end && isDigit(bytes[at]!); at++, digits++) value = value * 10 + bytes[at]! - ZERO;
  let scale = 1;
  if (at < end && bytes[at] === DOT) {
    for (at++; at < end && isDigit(bytes[at]!); at++, digits++) {
      // Digits behind the 15th change nothing that a clock could see.
      if (scale >= 1e15) continue;
      scale *= 10;
      value = value * 10 + bytes[at]! - ZERO;
    }
  }
  if (digits === 0) return -1;
  if (at < end && (bytes[at]! | 0x20) === 0x65)
    return readExponent(bytes, at + 1, end, (value / scale) * unitNs);
  if (at === end) return Math.round((value / scale) * unitNs);
  return readUnits(bytes, at, end, value / scale);
}

/** The rest of "1h2m3.5s", from its first unit on. */
function readUnits(bytes: Uint8Array, start: number, end: number, first: number): number {
  let totalNs = 0;
  let value = first;
  for (let at = start; ; ) {
    const second = at + 1 < end ? bytes[at + 1]! : 0;
    const isBare = second === 0 || isDigit(second);
    const unitNs = isBare ? longUnitNs(bytes[at]!) : second === LETTER.s ? shortUnitNs(bytes[at]!) : -1;
    // The micro sign, and the Greek letter, in UTF-8.
    const isMicro = unitNs < 0 && (bytes[at] === 0xc2 || bytes[at] === 0xce) && bytes[at + 2] === LETTER.s;
    if (unitNs < 0 && !isMicro) return -1;
    totalNs += value * (isMicro ? 1e3 : unitNs);
    at += isMicro ? 3 : isBare ? 1 : 2;
    if (at >= end) return at === end ? Math.round(totalNs) : -1;
    const from = at;
    value = 0;
    let step = 0;
    for (; at < end && (isDigit(bytes[at]!) || (bytes[at] === DOT && step === 0)); at++) {
      if (bytes[at] === DOT) step = 1;
      else if (step === 0) value = value * 10 + bytes[at]! - ZERO;
      else value += (bytes[at]! - ZERO) * (step /= 10);
    }
    // A number without a unit, or a unit without a number.
    if (at === end || at === from) return -1;
  }
}

const LETTER = { s: 0x73, m: 0x6d, h: 0x68, u: 0x75, n: 0x6e } as const;

function longUnitNs(letter: number): number {
  if (letter === LETTER.s) return 1e9;
  return letter === LETTER.m ? 60e9 : letter === LETTER.h ? 3600e9 : -1;
}

function shortUnitNs(letter: number): number {
  if (letter === LETTER.m) return 1e6;
  return letter === LETTER.u ? 1e3 : letter === LETTER.n ? 1 : -1;
}

/** The rest of "9.29e-05", as Go and JavaScript write small numbers. */
function readExponent(bytes: Uint8Array, start: number, end: number, mantissa: number): number {
  const sign = bytes[start] === 0x2d ? -1 : 1;
  const from = bytes[start] === 0x2d || bytes[start] === 0x2b ? start + 1 : start;
  const exponent = readUint(bytes, from, end);
  return exponent < 0 || exponent > 30 ? -1 : Math.round(mantissa * 10 ** (sign * exponent));
}

/** Whether [start, …) begins with `wanted`. */
export function beginsWith(bytes: Uint8Array, start: number, end: number, wanted: Uint8Array): boolean {
  if (end - start < wanted.length) return false;
  for (let i = 0; i < wanted.length; i++) if (bytes[start + i] !== wanted[i]) return false;
  return true;
}

/** Whether [start, end) is `wanted`. */
export function isText(bytes: Uint8Array, start: number, end: number, wanted: Uint8Array): boolean {
  return end - start === wanted.length && beginsWith(bytes, start, end, wanted);
}

/** The first `byte` in [start, end); `end` when there is none. */
export function find(bytes: Uint8Array, start: number, end: number, byte: number): number {
  let at = start;
  while (at < end && bytes[at] !== byte) at++;
  return at;
}

/** The last `byte` in [start, end); −1 when there is none. */
export function findLast(bytes: Uint8Array, start: number, end: number, byte: number): number {
  for (let at = end - 1; at >= start; at--) if (bytes[at] === byte) return at;
  return -1;
}

/** Bytes that no text has: control characters but tab. */
export function isBinary(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    if (byte < 0x20 && byte !== 0x09 && byte !== 0x0d && byte !== 0x1b) return true;
  }
  return false;
}

/** A 32-bit hash of [start, end), begun from `seed` (MurmurHash3 a byte at a time; not for secrets). */
export function hashBytes(bytes: Uint8Array, start: number, end: number, seed: number): number {
  let hash = seed;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
  return mix(hash ^ (end - start));
}

/** Spreads a hash over all its bits (MurmurHash3's finaliser). */
export function mix(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
