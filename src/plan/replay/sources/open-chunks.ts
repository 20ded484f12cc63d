/** A path's bytes, unpacked, however they are packed and whatever the path leads to. */
import type { Chunks } from './chunks.ts';
import { openFileChunks } from './file-chunks.ts';
import { MAGIC_BYTES, type Packing, packingOf } from './packing.ts';
import { openStdinChunks } from './stream-chunks.ts';
import { UnpackedChunks } from './unpacked-chunks.ts';

export type OpenLog = {
  chunks: Chunks;
  packing: Packing;
  /** As it lies on disk; 0 for what has no size. */
  sizeBytes: number;
  /** It can be opened again, and read from its beginning. */
  isFile: boolean;
};

/** "-" is standard input. Throws as open(2) and read(2) fail. `signal`: a wait for the first bytes is given up. */
export async function openChunks(path: string, signal?: AbortSignal): Promise<OpenLog> {
  const file = path === '-' ? openStdinChunks() : await openFileChunks(path);
  signal?.addEventListener('abort', () => file.chunks.close(), { once: true });
  const [first, ended] = await firstBytes(file.chunks);
  const packing = packingOf(first);
  const packed = new ReadChunks(first, ended, file.chunks);
  const chunks = packing === 'plain' ? packed : new UnpackedChunks(packed, packing);
  return { chunks, packing, sizeBytes: file.sizeBytes, isFile: file.isFile };
}

/** Enough of them to know the packing: a pipe may bring them one by one. */
async function firstBytes(chunks: Chunks): Promise<[bytes: Uint8Array, ended: boolean]> {
  let first: Uint8Array = new Uint8Array(0);
  while (first.length < MAGIC_BYTES) {
    const chunk = await chunks.read();
    if (chunk === null) return [first, true];
    // Copied: the next read() would write over it.
    first = first.length === 0 && chunk.length >= MAGIC_BYTES ? chunk : Buffer.concat([first, chunk]);
  }
  return [first, false];
}

/** Bytes that were read already, and what follows them. */
export class ReadChunks implements Chunks {
  readonly #inner: Chunks;
  #first: Uint8Array | null;
  readonly #ended: boolean;

  constructor(first: Uint8Array, ended: boolean, inner: Chunks) {
    this.#first = first.length > 0 ? first : null;
    this.#ended = ended;
    this.#inner = inner;
  }

  async read(): Promise<Uint8Array | null> {
    const first = this.#first;
    this.#first = null;
    if (first !== null) return first;
    return this.#ended ? null : this.#inner.read();
  }

  damage(): string | null {
    return this.#inner.damage();
  }

  readBytes(): number {
    return this.#inner.readBytes();
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}
