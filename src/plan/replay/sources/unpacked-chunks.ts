/**
 * gzip and zstd, by Node's zlib. What was unpacked before damage is handed on; the damage is told with its place.
 *
 * Invariants
 *  U1  A packed chunk is read only when the one before has been taken in whole: its buffer is used again.
 *  U2  zlib unpacks no further than its reader reads: a bomb takes time, and no memory.
 */
import { createGunzip, createZstdDecompress, type Gunzip, type ZstdDecompress } from 'node:zlib';
import { formatBytes } from '../../../base/units.ts';
import type { Chunks } from './chunks.ts';

/** zlib's last, unfinished piece is lost where the damage begins: pieces are small for that. */
const PIECE_BYTES = 32 * 1024;

export class UnpackedChunks implements Chunks {
  readonly #packed: Chunks;
  readonly #packing: 'gzip' | 'zstd';
  readonly #unpacker: Gunzip | ZstdDecompress;
  #writing = false;
  #packedEnded = false;
  #over = false;
  #failure: string | null = null;
  #wake: (() => void) | null = null;

  constructor(packed: Chunks, packing: 'gzip' | 'zstd') {
    this.#packed = packed;
    this.#packing = packing;
    const options = { chunkSize: PIECE_BYTES };
    this.#unpacker = packing === 'gzip' ? createGunzip(options) : createZstdDecompress(options);
    const wake = () => this.#wake?.();
    this.#unpacker.on('readable', wake);
    this.#unpacker.on('end', () => {
      this.#over = true;
      wake();
    });
    this.#unpacker.on('error', (error) => {
      this.#over = true;
      this.#failure = error.message;
      wake();
    });
  }

  async read(): Promise<Uint8Array | null> {
    for (;;) {
      // Also after an error: what had been unpacked by then is still there.
      const chunk = this.#unpacker.read() as Uint8Array | null;
      if (chunk !== null) return chunk;
      if (this.#over) return null;
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      if (!this.#writing && !this.#packedEnded) await this.#feed();
      else await woken;
    }
  }

  async #feed(): Promise<void> {
    const packed = await this.#packed.read();
    if (packed === null) {
      this.#packedEnded = true;
      this.#unpacker.end();
      return;
    }
    this.#writing = true;
    this.#unpacker.write(packed, () => {
      this.#writing = false;
      this.#wake?.();
    });
  }

  damage(): string | null {
    const inner = this.#packed.damage();
    if (inner !== null || this.#failure === null) return inner;
    const at = formatBytes(this.#packed.readBytes());
    if (this.#packedEnded)
      return `the ${this.#packing} data ends in the middle, after ${at} (${this.#failure})`;
    const lost = `up to ${formatBytes(PIECE_BYTES)} of text before that are lost too`;
    return `the ${this.#packing} data is damaged within its first ${at} (${this.#failure}); ${lost}`;
  }

  readBytes(): number {
    return this.#packed.readBytes();
  }

  async close(): Promise<void> {
    this.#unpacker.destroy();
    await this.#packed.close();
  }
}
