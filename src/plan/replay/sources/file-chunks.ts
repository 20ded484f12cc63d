import { type FileHandle, open } from 'node:fs/promises';
import { formatBytes } from '../../../base/units.ts';
import { CHUNK_BYTES, type Chunks, reasonOf } from './chunks.ts';

/** A file or named pipe from its beginning, into one buffer that is used again and again. Throws as open(2) fails. */
export async function openFileChunks(path: string): Promise<Chunks & { sizeBytes: number }> {
  const handle = await open(path, 'r');
  try {
    const info = await handle.stat();
    if (info.isDirectory()) throw Object.assign(new Error('it is a folder'), { code: 'EISDIR' });
    return new FileChunks(handle, info.isFile() ? info.size : 0);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

class FileChunks implements Chunks {
  /** When it was opened; 0 for what has no size. */
  readonly sizeBytes: number;
  readonly #handle: FileHandle;
  readonly #buffer: Buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  #at = 0;
  #damage: string | null = null;
  #closed = false;

  constructor(handle: FileHandle, sizeBytes: number) {
    this.#handle = handle;
    this.sizeBytes = sizeBytes;
  }

  async read(): Promise<Uint8Array | null> {
    if (this.#closed || this.#damage !== null) return null;
    try {
      const { bytesRead } = await this.#handle.read(this.#buffer, 0, CHUNK_BYTES, null);
      if (bytesRead > 0) {
        this.#at += bytesRead;
        return this.#buffer.subarray(0, bytesRead);
      }
      if (this.#at < this.sizeBytes) {
        this.#damage = `it shrank from ${formatBytes(this.sizeBytes)} to ${formatBytes(this.#at)} while it was read`;
      }
    } catch (error) {
      this.#damage = `${reasonOf(error)}, after ${formatBytes(this.#at)}`;
    }
    return null;
  }

  damage(): string | null {
    return this.#damage;
  }

  readBytes(): number {
    return this.#at;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#handle.close();
  }
}
