/**
 * Routes: method and path, the query cut off, and `*` for each segment that is a number, a UUID or hexadecimal. The first
 * ones met have a number of their own, all others share the last.
 *
 * Invariants
 *  N1  numberOf() allocates only for a route that it meets for the first time.
 */
import { printable } from '../../../base/printable.ts';
import { mix } from '../lines/bytes.ts';
import { FIELD, type LogEntry } from '../lines/log-entry.ts';
import { ROUTE_LIMIT } from '../replay-request.ts';

/** Longer ones are told apart by their beginnings. */
const NAME_BYTES_MAX = 160;
const TABLE_LENGTH = 128;
/** Shorter words of a to f may be words. */
const HEX_LENGTH_MIN = 8;

const SLASH = 0x2f;
const QUESTION = 0x3f;
const STAR = 0x2a;
const SPACE = 0x20;

export class Routes {
  readonly #names: Uint8Array[] = [];
  /** By hash, open addressing: number of the route plus one. */
  readonly #table: Uint8Array = new Uint8Array(TABLE_LENGTH);
  readonly #hashes: Uint32Array = new Uint32Array(ROUTE_LIMIT);
  readonly #scratch: Uint8Array = new Uint8Array(NAME_BYTES_MAX);

  numberOf(entry: LogEntry): number {
    const length = this.#write(entry);
    const scratch = this.#scratch;
    let hash = 0x811c9dc5;
    for (let i = 0; i < length; i++) hash = Math.imul(hash ^ scratch[i]!, 0x01000193);
    hash = mix(hash);
    for (let at = hash % TABLE_LENGTH; ; at = (at + 1) % TABLE_LENGTH) {
      const known = this.#table[at]! - 1;
      if (known < 0) return this.#add(at, hash, length);
      if (this.#hashes[known] === hash && this.#isNamed(known, length)) return known;
    }
  }

  /** By number. */
  names(): string[] {
    const names = this.#names.map((bytes) => printable(Buffer.from(bytes).toString('utf8')));
    return this.#hasOthers ? [...names, 'other'] : names;
  }

  #hasOthers = false;

  #add(at: number, hash: number, length: number): number {
    const number = this.#names.length;
    if (number === ROUTE_LIMIT - 1) {
      this.#hasOthers = true;
      return number;
    }
    this.#names.push(this.#scratch.slice(0, length));
    this.#hashes[number] = hash;
    this.#table[at] = number + 1;
    return number;
  }

  #isNamed(number: number, length: number): boolean {
    const name = this.#names[number]!;
    if (name.length !== length) return false;
    for (let i = 0; i < length; i++) if (name[i] !== this.#scratch[i]) return false;
    return true;
  }

  /** The name of an entry's route into the scratch; its length. */
  #write({ bytes, ranges }: LogEntry): number {
    const out = this.#scratch;
    let length = 0;
    for (let i = ranges[2 * FIELD.method]!; i < ranges[2 * FIELD.method + 1]!; i++) out[length++] = bytes[i]!;
    out[length++] = SPACE;
    const end = ranges[2 * FIELD.path + 1]!;
    let at = ranges[2 * FIELD.path]!;
    while (at < end && length < NAME_BYTES_MAX) {
      const byte = bytes[at]!;
      if (byte === QUESTION) break;
      if (byte !== SLASH) {
        out[length++] = byte;
        at++;
        continue;
      }
      out[length++] = SLASH;
      const next = afterIdentifier(bytes, at + 1, end);
      if (next > at + 1 && length < NAME_BYTES_MAX) out[length++] = STAR;
      at = next;
    }
    return length;
  }
}

/** Where the segment at `start` ends if it is a number, a UUID or hexadecimal; `start` if it is none. */
function afterIdentifier(bytes: Uint8Array, start: number, end: number): number {
  let digits = 0;
  let letters = 0;
  let dashes = 0;
  let at = start;
  for (; at < end; at++) {
    const byte = bytes[at]!;
    if (byte === SLASH || byte === QUESTION) break;
    const letter = byte | 0x20;
    if (byte >= 0x30 && byte <= 0x39) digits++;
    else if (letter >= 0x61 && letter <= 0x66) letters++;
    else if (byte === 0x2d) dashes++;
    else return start;
  }
  if (letters === 0 && dashes === 0) return at;
  const isUuid = dashes === 4 && digits + letters === 32;
  const isHex = dashes === 0 && digits > 0 && digits + letters >= HEX_LENGTH_MIN;
  return isUuid || isHex ? at : start;
}
