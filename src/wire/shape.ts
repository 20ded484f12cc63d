/**
 * A shortcut past header parsing. A server under load sends the same header block again and again, but for the date:
 * comparing it word by word with the last one parsed costs a tenth of parsing it, and proves the same.
 */
// Invariants
//  S1  matches() is true only if every byte of the block outside the masked span equals the learned block.
//  S2  matches() allocates only when a receive buffer is seen for the first time.
const MAX_SHAPE_BYTES = 1024;
/** After this many misses in a row learning stops being worth it, and is tried only now and then. */
const MISSES_BEFORE_REST = 16;
const REST = 256;

export class Shape {
  /** Length of the learned header block, its blank line included; 0 when nothing is learned. */
  byteLength = 0;
  readonly #words = new Int32Array(MAX_SHAPE_BYTES / 4);
  readonly #wordBytes = new Uint8Array(this.#words.buffer);
  #wordCount = 0;
  /** Words [freeFirst, freeLast] touch the free span or, as the last word may, what lies after the block. */
  #freeFirst = 0;
  #freeLast = -1;
  #freeFirstMask = 0;
  #freeLastMask = 0;
  #endMask = -1;
  #misses = 0;
  /** The receive buffer seen last, and its memory as words. */
  #bytes: Uint8Array = new Uint8Array(0);
  #byteOffset = 0;
  #view: Int32Array = new Int32Array(0);

  /** Does the block at `start` equal the learned one? Only for word-aligned starts; false is always safe. */
  matches(bytes: Uint8Array, start: number, end: number): boolean {
    if (end - start < this.byteLength || this.byteLength === 0) return false;
    // Loops receive into one array for ever; asking it for its buffer would be a call into V8.
    if (this.#bytes !== bytes) this.#use(bytes);
    const offset = this.#byteOffset + start;
    if ((offset & 3) !== 0) return false;
    const view = this.#view;
    const words = this.#words;
    const base = offset >> 2;
    const last = this.#wordCount - 1;
    if (base + last >= view.length) return false;
    if (((view[base + last]! ^ words[last]!) & this.#endMask) !== 0) return false;
    const freeFirst = this.#freeFirst;
    const freeLast = this.#freeLast;
    for (let i = 0; i < freeFirst; i++) if (view[base + i] !== words[i]) return false;
    if (freeLast >= 0) {
      if (((view[base + freeFirst]! ^ words[freeFirst]!) & this.#freeFirstMask) !== 0) return false;
      if (((view[base + freeLast]! ^ words[freeLast]!) & this.#freeLastMask) !== 0) return false;
      for (let i = freeLast + 1; i < last; i++) if (view[base + i] !== words[i]) return false;
    }
    this.#misses = 0;
    return true;
  }

  #use(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#byteOffset = bytes.byteOffset;
    this.#view = new Int32Array(bytes.buffer, 0, bytes.buffer.byteLength >> 2);
  }

  /** Remembers the block [start, end), whose bytes [freeStart, freeEnd) may differ. False: not worth it now. */
  learn(bytes: Uint8Array, start: number, end: number, freeStart: number, freeEnd: number): boolean {
    const misses = ++this.#misses;
    const byteLength = end - start;
    if (byteLength > MAX_SHAPE_BYTES || (misses > MISSES_BEFORE_REST && misses % REST !== 0)) return false;
    this.byteLength = byteLength;
    this.#wordCount = (byteLength + 3) >> 2;
    for (let i = 0; i < byteLength; i++) this.#wordBytes[i] = bytes[start + i]!;
    const from = freeStart - start;
    const to = freeEnd - start;
    // The block's last line is empty, so a free span never reaches the last word's bytes of it.
    const free = to > from;
    this.#freeFirst = free ? from >> 2 : this.#wordCount - 1;
    this.#freeLast = free ? (to - 1) >> 2 : -1;
    this.#freeFirstMask = free ? maskOf(this.#freeFirst, byteLength, from, to) : 0;
    this.#freeLastMask = free ? maskOf(this.#freeLast, byteLength, from, to) : 0;
    this.#endMask = maskOf(this.#wordCount - 1, byteLength, from, to);
    return true;
  }
}

/** All ones in the bytes of a word that belong to the block and are not free. Byte order is the machine's own. */
function maskOf(word: number, byteLength: number, freeFrom: number, freeTo: number): number {
  const mask = new Int32Array(1);
  const maskBytes = new Uint8Array(mask.buffer);
  for (let i = 0; i < 4; i++) {
    const at = word * 4 + i;
    maskBytes[i] = at < byteLength && !(at >= freeFrom && at < freeTo) ? 0xff : 0;
  }
  return mask[0]!;
}
