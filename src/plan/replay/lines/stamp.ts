/**
 * Stamps as logs write them, straight from bytes: "29/Nov/2026:07:04:55 +0000", "2026-11-29T07:04:55.123Z", and seconds,
 * milliseconds, microseconds or nanoseconds since 1970. One without a zone is taken as UTC.
 */
import { isDigit, readUint } from './bytes.ts';

/** Where a stamp is put; LogEntry is one. */
export type Stamp = {
  stampSec: number;
  stampSubNs: number;
  grainNs: number;
  zoneSec: number;
  /** It has no zone. */
  isLocal: boolean;
};

/** An empty one, to be read into. */
export function createStamp(): Stamp {
  return { stampSec: 0, stampSubNs: 0, grainNs: 1, zoneSec: 0, isLocal: false };
}

/** 1980 and 2100: what lies outside was not a time. */
const SEC_MIN = 315_532_800;
const SEC_MAX = 4_102_444_800;

const MONTHS = 'JanFebMarAprMayJunJulAugSepOctNovDec';
const SLASH = 0x2f;
const DASH = 0x2d;
const COLON = 0x3a;
const DOT = 0x2e;
const SPACE = 0x20;

/** Reads whichever of the forms [start, end) has; false for none, and for times before 1980 or after 2100. */
export function readStamp(bytes: Uint8Array, start: number, end: number, out: Stamp): boolean {
  if (end - start < 9) return false;
  const read =
    bytes[start + 2] === SLASH
      ? readCommon(bytes, start, end, out)
      : bytes[start + 4] === DASH
        ? readIso(bytes, start, end, out)
        : readEpoch(bytes, start, end, out);
  return read && out.stampSec >= SEC_MIN && out.stampSec < SEC_MAX;
}

/** "29/Nov/2026:07:04:55[.123][ +0000]" */
function readCommon(bytes: Uint8Array, start: number, end: number, out: Stamp): boolean {
  if (end - start < 20 || bytes[start + 6] !== SLASH || bytes[start + 11] !== COLON) return false;
  const month = monthAt(bytes, start + 3);
  const year = readUint(bytes, start + 7, start + 11);
  return readTimeOfDay(bytes, start + 12, end, year, month, readUint(bytes, start, start + 2), out);
}

/** "2026-11-29T07:04:55[.123](Z|+00:00|)", a space for the T. */
function readIso(bytes: Uint8Array, start: number, end: number, out: Stamp): boolean {
  if (end - start < 19 || bytes[start + 7] !== DASH) return false;
  const between = bytes[start + 10]! | 0x20;
  if (between !== 0x74 && between !== SPACE) return false;
  const year = readUint(bytes, start, start + 4);
  const month = readUint(bytes, start + 5, start + 7);
  return readTimeOfDay(bytes, start + 11, end, year, month, readUint(bytes, start + 8, start + 10), out);
}

function readTimeOfDay(
  bytes: Uint8Array,
  start: number,
  end: number,
  year: number,
  month: number,
  day: number,
  out: Stamp,
): boolean {
  const hour = readUint(bytes, start, start + 2);
  const minute = readUint(bytes, start + 3, start + 5);
  const second = readUint(bytes, start + 6, start + 8);
  if (year < 0 || month < 1 || month > 12 || day < 1 || day > 31) return false;
  if (bytes[start + 2] !== COLON || bytes[start + 5] !== COLON) return false;
  // A leap second is written as 60.
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) return false;
  const afterFraction = readFraction(bytes, start + 8, end, out);
  const zoneSec = readZone(bytes, afterFraction, end);
  if (Number.isNaN(zoneSec)) return false;
  out.zoneSec = zoneSec;
  out.isLocal = afterFraction >= end;
  out.stampSec = daysSince1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - zoneSec;
  return true;
}

/** ".123" or ",123" → nanoseconds and grain; what follows it. */
function readFraction(bytes: Uint8Array, start: number, end: number, out: Stamp): number {
  out.stampSubNs = 0;
  out.grainNs = 1e9;
  if (start >= end || (bytes[start] !== DOT && bytes[start] !== 0x2c)) return start;
  let at = start + 1;
  let scaleNs = 1e9;
  for (; at < end && isDigit(bytes[at]!); at++) {
    if (scaleNs === 1) continue;
    scaleNs /= 10;
    out.stampSubNs += (bytes[at]! - 0x30) * scaleNs;
  }
  out.grainNs = scaleNs;
  return at;
}

/** "", "Z", " +0100", "+01:00" → seconds east of Greenwich; NaN for anything else. */
function readZone(bytes: Uint8Array, start: number, end: number): number {
  const at = bytes[start] === SPACE && start < end ? start + 1 : start;
  if (at >= end) return 0;
  if (at === end - 1 && (bytes[at]! | 0x20) === 0x7a) return 0;
  const sign = bytes[at] === DASH ? -1 : bytes[at] === 0x2b ? 1 : 0;
  const minuteAt = bytes[at + 3] === COLON ? at + 4 : at + 3;
  if (sign === 0 || minuteAt + 2 !== end) return Number.NaN;
  const hours = readUint(bytes, at + 1, at + 3);
  const minutes = readUint(bytes, minuteAt, end);
  return hours < 0 || minutes < 0 ? Number.NaN : sign * (hours * 3600 + minutes * 60);
}

/** "1764399895", "1764399895.123", or with 3, 6 or 9 digits more in milli-, micro- or nanoseconds. */
function readEpoch(bytes: Uint8Array, start: number, end: number, out: Stamp): boolean {
  let dot = start;
  while (dot < end && isDigit(bytes[dot]!)) dot++;
  const digits = dot - start;
  // Seconds had nine digits until 2001, and have ten until 2286.
  const extra = digits >= 18 ? 9 : digits >= 15 ? 6 : digits >= 12 ? 3 : 0;
  const secEnd = dot - extra;
  const sec = readUint(bytes, start, secEnd);
  if (sec < 0) return false;
  out.stampSec = sec;
  out.zoneSec = 0;
  out.isLocal = false;
  if (extra === 0) return (dot === end || bytes[dot] === DOT) && readFraction(bytes, dot, end, out) === end;
  const unitNs = 10 ** (9 - extra);
  out.stampSubNs = readUint(bytes, secEnd, dot) * unitNs;
  out.grainNs = unitNs;
  // "1764399895123.4": a fraction of a millisecond.
  let at = dot;
  if (at < end && bytes[at] === DOT) for (at++; at < end && isDigit(bytes[at]!); at++);
  return at === end;
}

/** 1 to 12; 0 for no month. */
function monthAt(bytes: Uint8Array, at: number): number {
  for (let month = 0; month < 12; month++) {
    if (
      bytes[at] === MONTHS.charCodeAt(3 * month) &&
      bytes[at + 1] === MONTHS.charCodeAt(3 * month + 1) &&
      bytes[at + 2] === MONTHS.charCodeAt(3 * month + 2)
    ) {
      return month + 1;
    }
  }
  return 0;
}

/** Of the Gregorian calendar (Hinnant, "chrono-Compatible Low-Level Date Algorithms"). */
function daysSince1970(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}
