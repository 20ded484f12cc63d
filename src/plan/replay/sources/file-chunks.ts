import { type FileHandle, open, stat } from 'node:fs/promises';
import { formatBytes } from '../../../base/units.ts';
import { CHUNK_BYTES, type Chunks, type OpenedPath, reasonOf } from './chunks.ts';
import { openPipeChunks } from './stream-chunks.ts';

/** A file from its beginning, or a named pipe. Throws as open(2) fails. */
export async function openFileChunks(path: string): Promise<OpenedPath> {
  // A pipe is waited for in the way of pipes.
  if ((await stat(path)).isFIFO()) return openPipeChunks(path);
  const handle = await open(path, 'r');
  try {
    const info = await handle.stat();
    if (info.isDirectory()) throw Object.assign(new Error('it is a folder'), { code: 'EISDIR' });
    const isFile = info.isFile();
    const sizeBytes = isFile ? info.size : 0;
    return { chunks: new FileChunks(handle, sizeBytes), sizeBytes, isFile };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Into one buffer that is used again and again. */
class FileChunks implements Chunks {
  readonly #handle: FileHandle;
  readonly #buffer: Buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  readonly #sizeBytes: number;
  #at = 0;
  #damage: string | null = null;
  #closed = false;

  constructor(handle: FileHandle, sizeBytes: number) {
    this.#handle = handle;
    this.#sizeBytes = sizeBytes;
  }

  async read(): Promise<Uint8Array | null> {
    if (this.#closed || this.#damage !== null) return null;
    try {
      const { bytesRead } = await this.#handle.read(this.#buffer, 0, CHUNK_BYTES, null);
      if (bytesRead > 0) {
        this.#at += bytesRead;
        return this.#buffer.subarray(0, bytesRead);
      }
      if (this.#at < this.#sizeBytes) {
        this.#damage = `it shrank from ${formatBytes(this.#sizeBytes)} to ${formatBytes(this.#at)} while it was read`;
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
