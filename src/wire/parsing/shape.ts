/**
 * A shortcut past header parsing. A server under load sends the same header block again and again, and a new one when
 * the second in its date changes: comparing it word by word with the last one parsed costs a tenth of parsing it, and
 * proves the same. No byte is excepted, not even the date's: whatever stood there would pass unread.
 */
// Invariants
//  S1  matches() is true only if every byte of the block equals the learned block.
//  S2  matches() allocates only when a receive buffer is seen for the first time.
const MAX_SHAPE_BYTES = 1024;
/** Learning costs as much as several hits save: it is paid for by hits, and else tried only now and then. */
const LEARN_COST_HITS = 8;
const MAX_CREDIT_HITS = 16 * LEARN_COST_HITS;
const REST = 256;
/** All ones in bytes [n, 3] of a word, and in bytes [0, n]. Byte order is the machine's own. */
const FROM_MASKS = new Int32Array([0, 1, 2, 3].map((n) => maskOf(n, 3)));
const UP_TO_MASKS = new Int32Array([0, 1, 2, 3].map((n) => maskOf(0, n)));

export class Shape {
  /** Length of the learned header block, its blank line included; 0 when nothing is learned. */
  byteLength = 0;
  /** The block as words, once for each of the four places in a word where it may begin. */
  readonly #shifted = [0, 1, 2, 3].map(() => new Int32Array(MAX_SHAPE_BYTES / 4 + 1));
  readonly #shiftedBytes = this.#shifted.map((words) => new Uint8Array(words.buffer));
  #credit = MAX_CREDIT_HITS;
  #misses = 0;
  /** The receive buffer seen last, and its memory as words. */
  #bytes: Uint8Array = new Uint8Array(0);
  #byteOffset = 0;
  #view: Int32Array = new Int32Array(0);

  /** Does the block at `start` equal the learned one? False is always safe. */
  matches(bytes: Uint8Array, start: number, end: number): boolean {
    if (end - start < this.byteLength || this.byteLength === 0) return false;
    // Loops receive into one array for ever; asking it for its buffer would be a call into V8.
    if (this.#bytes !== bytes) this.#use(bytes);
    const offset = this.#byteOffset + start;
    const shift = offset & 3;
    const view = this.#view;
    const words = this.#shifted[shift]!;
    const base = offset >> 2;
    const lastByte = shift + this.byteLength - 1;
    const last = lastByte >> 2;
    if (base + last >= view.length) return false;
    if (((view[base + last]! ^ words[last]!) & UP_TO_MASKS[lastByte & 3]!) !== 0) return false;
    if (((view[base]! ^ words[0]!) & FROM_MASKS[shift]!) !== 0) return false;
    for (let i = 1; i < last; i++) if (view[base + i] !== words[i]) return false;
    if (this.#credit < MAX_CREDIT_HITS) this.#credit++;
    return true;
  }

  #use(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#byteOffset = bytes.byteOffset;
    this.#view = new Int32Array(bytes.buffer, 0, bytes.buffer.byteLength >> 2);
  }

  /** Remembers the block [start, end), of more than a word. False: not worth it now. */
  learn(bytes: Uint8Array, start: number, end: number): boolean {
    const byteLength = end - start;
    if (byteLength > MAX_SHAPE_BYTES) return false;
    if (this.#credit >= LEARN_COST_HITS) this.#credit -= LEARN_COST_HITS;
    else if (++this.#misses % REST !== 0) return false;
    this.byteLength = byteLength;
    for (let shift = 0; shift < 4; shift++) {
      const into = this.#shiftedBytes[shift]!;
      for (let i = 0; i < byteLength; i++) into[shift + i] = bytes[start + i]!;
    }
    return true;
  }
}

/** All ones in bytes `from` to `to` of a word. Byte order is the machine's own. */
function maskOf(from: number, to: number): number {
  const mask = new Int32Array(1);
  new Uint8Array(mask.buffer).fill(0xff, from, to + 1);
  return mask[0]!;
}
