/**
 * A shortcut past header parsing. A server under load sends the same header block again and again, and a new one when
 * the second in its date changes: comparing it word by word with the last one parsed costs a tenth of parsing it, and
 * proves the same. No byte is excepted, not even the date's: whatever stood there would pass unread.
 */
// Invariants
//  S1  matches() is true only if every byte of the block equals the learned block.
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
    for (let i = 0; i < last; i++) if (view[base + i] !== words[i]) return false;
    this.#misses = 0;
    return true;
  }

  #use(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#byteOffset = bytes.byteOffset;
    this.#view = new Int32Array(bytes.buffer, 0, bytes.buffer.byteLength >> 2);
  }

  /** Remembers the block [start, end). False: not worth it now. */
  learn(bytes: Uint8Array, start: number, end: number): boolean {
    const misses = ++this.#misses;
    const byteLength = end - start;
    if (byteLength > MAX_SHAPE_BYTES || (misses > MISSES_BEFORE_REST && misses % REST !== 0)) return false;
    this.byteLength = byteLength;
    this.#wordCount = (byteLength + 3) >> 2;
    for (let i = 0; i < byteLength; i++) this.#wordBytes[i] = bytes[start + i]!;
    this.#endMask = endMaskOf(byteLength);
    return true;
  }
}

/** All ones in the bytes of the last word that belong to the block. Byte order is the machine's own. */
function endMaskOf(byteLength: number): number {
  const mask = new Int32Array(1);
  const maskBytes = new Uint8Array(mask.buffer);
  for (let i = 0; i <= (byteLength - 1) % 4; i++) maskBytes[i] = 0xff;
  return mask[0]!;
}
