/** Bytes of which both ends know what comes at which place, so that what arrives is told to the byte. */
import { createHash, type Hash } from 'node:crypto';

/** A prime length: no size of a buffer makes one place look like another. */
const LENGTH = 1_048_573;
const SOURCE = makeSource();

function makeSource(): Buffer {
  const bytes = Buffer.alloc(LENGTH);
  let state = 0x9e3779b9;
  for (let i = 0; i < LENGTH; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[i] = state;
  }
  return bytes;
}

export class FlowStream {
  byteCount = 0;
  /** What came is what was sent, as far as it came. */
  isPrefix = true;
  readonly #offset: number;
  readonly #hash: Hash = createHash('sha256');

  constructor(seed: number) {
    this.#offset = (seed * 7919) % LENGTH;
  }

  /** The next bytes, up to so many. */
  next(most: number): Buffer {
    const at = (this.#offset + this.byteCount) % LENGTH;
    const bytes = SOURCE.subarray(at, Math.min(LENGTH, at + most));
    this.#add(bytes);
    return bytes;
  }

  /** Bytes came that should be the next ones. */
  check(bytes: Buffer): void {
    for (let done = 0; done < bytes.length; ) {
      const at = (this.#offset + this.byteCount) % LENGTH;
      const length = Math.min(bytes.length - done, LENGTH - at);
      if (bytes.compare(SOURCE, at, at + length, done, done + length) !== 0) this.isPrefix = false;
      this.#add(bytes.subarray(done, done + length));
      done += length;
    }
  }

  digest(): string {
    return this.#hash.copy().digest('hex');
  }

  #add(bytes: Buffer): void {
    this.#hash.update(bytes);
    this.byteCount += bytes.length;
  }
}
