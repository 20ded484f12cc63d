/**
 * The interchange form of a histogram: HdrHistogram's V2 encoding, compressed, in base64; other implementations read
 * it. A header of 40 bytes (big-endian), then the counts up to the last one in use as ZigZag LEB128 numbers, a run of
 * n empty buckets as −n. https://github.com/HdrHistogram/HdrHistogram (V2 histogram encoding format).
 */
import { deflateSync, inflateSync } from 'node:zlib';
import { LoopscopeError } from '../base/errors.ts';
import {
  createHistogram,
  HIGHEST_NS,
  HISTOGRAM_BUCKETS,
  type Histogram,
  SIGNIFICANT_DIGITS,
} from './histogram.ts';
import { NO_TIMES, type SparseHistogram } from './sparse-histogram.ts';

// The low byte's upper half is the word size, 1 in V2: counts are of variable length.
const COOKIE = 0x1c849303 | 0x10;
const COOKIE_COMPRESSED = 0x1c849304 | 0x10;
const HEADER_BYTES = 40;
/** Every bucket in use with the longest number. */
const MAX_PLAIN_BYTES = HEADER_BYTES + HISTOGRAM_BUCKETS * 9;
const MAX_TEXT_LENGTH = 1_000_000;

const scratch = Buffer.alloc(MAX_PLAIN_BYTES);
const scratchBuckets = new Uint16Array(HISTOGRAM_BUCKETS);
const scratchCounts = new Float64Array(HISTOGRAM_BUCKETS);

/** The histogram as text, about 1 kB for a second's requests. */
export function encodeHistogram(histogram: Histogram): string {
  const at = writeCounts(histogram.counts, usedLength(histogram.counts));
  scratch.writeInt32BE(COOKIE, 0);
  scratch.writeInt32BE(at - HEADER_BYTES, 4);
  scratch.writeInt32BE(0, 8);
  scratch.writeInt32BE(SIGNIFICANT_DIGITS, 12);
  scratch.writeBigInt64BE(1n, 16);
  scratch.writeBigInt64BE(BigInt(HIGHEST_NS), 24);
  scratch.writeDoubleBE(1, 32);
  const packed = deflateSync(scratch.subarray(0, at));
  const text = Buffer.alloc(8 + packed.length);
  text.writeInt32BE(COOKIE_COMPRESSED, 0);
  text.writeInt32BE(packed.length, 4);
  packed.copy(text, 8);
  return text.toString('base64');
}

/** Buckets up to the last one in use. An empty histogram still has bucket 0, as other implementations write it. */
function usedLength(counts: Float64Array): number {
  let used = counts.length;
  while (used > 1 && counts[used - 1] === 0) used--;
  return used;
}

/** Fills the scratch buffer after the header; returns where it ends. */
function writeCounts(counts: Float64Array, used: number): number {
  let at = HEADER_BYTES;
  let empty = 0;
  for (let i = 0; i < used; i++) {
    const count = counts[i]!;
    if (count === 0 && i < used - 1) {
      empty++;
      continue;
    }
    if (empty > 0) at = writeNumber(at, empty === 1 ? 0 : empty * 2 - 1);
    empty = 0;
    at = writeNumber(at, count * 2);
  }
  return at;
}

/** Little-endian groups of seven bits; values below 2^53. */
function writeNumber(from: number, value: number): number {
  let at = from;
  let rest = value;
  while (rest >= 128) {
    scratch[at++] = (rest % 128) | 128;
    rest = Math.floor(rest / 128);
  }
  scratch[at++] = rest;
  return at;
}

/** Reads what encodeHistogram() wrote. Anything else, damaged or hostile, throws RUN_FILE_INVALID. */
export function decodeHistogram(text: string): Histogram {
  const { buckets, counts, totalCount } = decodeSparse(text);
  const histogram = createHistogram();
  for (let i = 0; i < buckets.length; i++) histogram.counts[buckets[i]!] = counts[i]!;
  histogram.totalCount = totalCount;
  return histogram;
}

/** The same, as the buckets in use: a tenth of the work for a second's requests. */
export function decodeSparse(text: string): SparseHistogram {
  try {
    return readPlain(unpack(text));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new LoopscopeError('RUN_FILE_INVALID', `a latency histogram cannot be read: ${why}`);
  }
}

/** The same, a damaged one as empty: what it held is shown as not measured, and the run-file reader reports the damage. */
export function timesIn(text: string): SparseHistogram {
  if (text === '') return NO_TIMES;
  try {
    return decodeSparse(text);
  } catch {
    return NO_TIMES;
  }
}

function unpack(text: string): Buffer {
  if (text.length > MAX_TEXT_LENGTH) throw new Error('too long');
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length < 8 || bytes.readInt32BE(0) !== COOKIE_COMPRESSED) throw new Error('no V2 cookie');
  const length = bytes.readInt32BE(4);
  if (length < 0 || length > bytes.length - 8) throw new Error('cut short');
  return inflateSync(bytes.subarray(8, 8 + length), { maxOutputLength: MAX_PLAIN_BYTES });
}

function readPlain(plain: Buffer): SparseHistogram {
  if (plain.length < HEADER_BYTES || plain.readInt32BE(0) !== COOKIE) throw new Error('no V2 cookie');
  if (plain.readInt32BE(4) !== plain.length - HEADER_BYTES) throw new Error('wrong length');
  const ours =
    plain.readInt32BE(12) === SIGNIFICANT_DIGITS &&
    plain.readBigInt64BE(16) === 1n &&
    plain.readBigInt64BE(24) === BigInt(HIGHEST_NS);
  if (!ours) throw new Error('of another range or precision');
  let at = HEADER_BYTES;
  let bucket = 0;
  let used = 0;
  let totalCount = 0;
  while (at < plain.length) {
    let value = 0;
    let scale = 1;
    let byte = 128;
    while (byte >= 128) {
      if (at === plain.length || scale > 2 ** 49) throw new Error('a number without end');
      byte = plain[at++]!;
      value += (byte & 127) * scale;
      scale *= 128;
    }
    if (value % 2 === 1) {
      bucket += (value + 1) / 2;
    } else {
      if (bucket >= HISTOGRAM_BUCKETS) throw new Error('more buckets than there are');
      totalCount += value / 2;
      if (value > 0) {
        scratchBuckets[used] = bucket;
        scratchCounts[used++] = value / 2;
      }
      bucket++;
    }
  }
  if (!Number.isSafeInteger(totalCount)) throw new Error('counts past counting');
  return {
    buckets: scratchBuckets.slice(0, used),
    counts: scratchCounts.slice(0, used),
    totalCount,
  };
}
