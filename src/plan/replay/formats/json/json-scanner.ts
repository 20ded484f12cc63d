/**
 * One walk over a JSON object that says where the wanted values are, and whether it is JSON at all.
 *
 * Invariants
 *  J1  scan() writes only to its own arrays, and allocates nothing: strings stay as they are written, escapes and all.
 *  J2  Every byte is looked at once: keys and values that are not wanted are checked like the others.
 *  J3  No deeper than DEPTH_MAX, whatever a line holds; there is no recursion.
 * Guarded by: json-scanner.test.ts, against JSON.parse.
 */
import { scalarEnd, skipSpace, stringEnd } from './json-text.ts';
import { createKeyTree, type KeyTree, type WantedKey } from './key-tree.ts';

/** What is deeper is no access log. */
export const DEPTH_MAX = 64;

/** What a wanted value is. */
export const KIND = { absent: 0, text: 1, scalar: 2 } as const;

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const NULL_LETTER = 0x6e;

export class JsonScanner {
  /** Start and end of value i: of a string, what is between its quotes; of a list, its first item. */
  readonly ranges: Int32Array;
  /** KIND of value i; absent for null, and for objects. */
  readonly kinds: Uint8Array;
  readonly #root: KeyTree;
  /** By depth: 1 for objects, and what is wanted of them. */
  readonly #isObject: Uint8Array = new Uint8Array(DEPTH_MAX);
  readonly #trees: (KeyTree | null)[] = new Array<KeyTree | null>(DEPTH_MAX).fill(null);

  constructor(paths: readonly string[]) {
    this.#root = createKeyTree(paths);
    this.ranges = new Int32Array(2 * paths.length);
    this.kinds = new Uint8Array(paths.length);
  }

  /** Whether [start, end) is one JSON object, with nothing but white space around it. */
  scan(bytes: Uint8Array, start: number, end: number): boolean {
    this.ranges.fill(0);
    this.kinds.fill(0);
    let at = skipSpace(bytes, start, end);
    if (bytes[at] !== OPEN_OBJECT || at >= end) return false;
    at = this.#walk(bytes, at, end);
    return at >= 0 && skipSpace(bytes, at, end) === end;
  }

  /** From the opening brace to behind its closing one; −1 when it is not JSON. */
  #walk(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    let depth = 0;
    /** The key whose value comes next, where it is wanted. */
    let wanted: WantedKey | null = null;
    for (;;) {
      // A value begins at `at`.
      const byte = at < end ? bytes[at]! : 0;
      let opened = false;
      if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
        if (depth === DEPTH_MAX) return -1;
        const isObject = byte === OPEN_OBJECT;
        this.#isObject[depth] = isObject ? 1 : 0;
        this.#trees[depth] = depth === 0 ? this.#root : isObject && wanted !== null ? wanted.below : null;
        depth++;
        opened = true;
        // The first item of a list stands for it.
        if (isObject || wanted === null || wanted.leaf < 0) wanted = null;
        at = skipSpace(bytes, at + 1, end);
      } else {
        at = this.#scalar(bytes, at, end, wanted);
        if (at < 0) return -1;
        wanted = null;
      }
      // Behind a value, or an opening brace or bracket.
      for (;;) {
        if (depth === 0) return at;
        if (!opened) at = skipSpace(bytes, at, end);
        const isObject = this.#isObject[depth - 1] === 1;
        const next = at < end ? bytes[at]! : 0;
        if (next === (isObject ? CLOSE_OBJECT : CLOSE_LIST)) {
          depth--;
          at++;
          opened = false;
          wanted = null;
          continue;
        }
        if (!opened) {
          if (next !== COMMA) return -1;
          at = skipSpace(bytes, at + 1, end);
        }
        if (!isObject) break;
        if (at >= end || bytes[at] !== QUOTE) return -1;
        const keyEnd = stringEnd(bytes, at + 1, end);
        if (keyEnd < 0) return -1;
        wanted = this.#wantedKey(bytes, at + 1, keyEnd, depth);
        at = skipSpace(bytes, keyEnd + 1, end);
        if (at >= end || bytes[at] !== COLON) return -1;
        at = skipSpace(bytes, at + 1, end);
        break;
      }
    }
  }

  #wantedKey(bytes: Uint8Array, start: number, end: number, depth: number): WantedKey | null {
    const sameLength = this.#trees[depth - 1]?.byLength[end - start];
    if (sameLength === undefined) return null;
    for (let i = 0; i < sameLength.length; i++) {
      const key = sameLength[i]!;
      if (!isKey(key.bytes, bytes, start)) continue;
      for (let j = 0; j < key.leaves.length; j++) this.kinds[key.leaves[j]!] = KIND.absent;
      return key;
    }
    return null;
  }

  /** A string, number or word; where it is wanted, it is kept. Returns its end. */
  #scalar(bytes: Uint8Array, at: number, end: number, wanted: WantedKey | null): number {
    const isText = at < end && bytes[at] === QUOTE;
    const from = isText ? at + 1 : at;
    const to = at >= end ? -1 : isText ? stringEnd(bytes, from, end) : scalarEnd(bytes, at, end);
    if (to < 0) return -1;
    if (wanted !== null && wanted.leaf >= 0 && (isText || bytes[at] !== NULL_LETTER)) {
      this.kinds[wanted.leaf] = isText ? KIND.text : KIND.scalar;
      this.ranges[2 * wanted.leaf] = from;
      this.ranges[2 * wanted.leaf + 1] = to;
    }
    return isText ? to + 1 : to;
  }
}

function isKey(key: Buffer, bytes: Uint8Array, start: number): boolean {
  for (let i = 0; i < key.length; i++) if (bytes[start + i] !== key[i]) return false;
  return true;
}
