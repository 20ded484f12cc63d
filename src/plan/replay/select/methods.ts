/** Methods by number, so that counting and asking costs no text. */
import { isText } from '../lines/bytes.ts';
import { FIELD, type LogEntry } from '../lines/log-entry.ts';

const KNOWN = ['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE', 'TRACE', 'CONNECT'];
const KNOWN_BYTES = KNOWN.map((name) => Buffer.from(name));
/** Of KNOWN, the first ones change nothing on a server. RFC 9110 §9.2.1 */
const SAFE_COUNT = 3;
export const HEAD = 1;
const POST = 3;
const PATCH = 5;
/** Names beside these are told apart as far as this. */
const NAMES_MAX = 64;

export class Methods {
  readonly #names: string[] = [...KNOWN];
  readonly #bytes: Uint8Array[] = [...KNOWN_BYTES];

  /** The number of an entry's method. */
  numberOf({ bytes, ranges }: LogEntry): number {
    const start = ranges[2 * FIELD.method]!;
    const end = ranges[2 * FIELD.method + 1]!;
    const names = this.#bytes;
    for (let i = 0; i < names.length; i++) if (isText(bytes, start, end, names[i]!)) return i;
    if (names.length === NAMES_MAX) return NAMES_MAX;
    names.push(bytes.slice(start, end));
    this.#names.push(Buffer.from(bytes.subarray(start, end)).toString('latin1'));
    return names.length - 1;
  }

  nameOf(number: number): string {
    return this.#names[number] ?? 'others';
  }
}

/** How many numbers there can be. */
export const METHOD_LIMIT: number = NAMES_MAX + 1;

export function isSafe(method: number): boolean {
  return method < SAFE_COUNT;
}

/** Says how long its body is also when it has none. RFC 9110 §8.6 */
export function announcesBody(method: number): boolean {
  return method >= POST && method <= PATCH;
}
