import { createReadStream, fstatSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { formatBytes } from '../../../base/units.ts';
import { CHUNK_BYTES, type Chunks, reasonOf } from './chunks.ts';
import type { OpenedPath } from './file-chunks.ts';

/** Standard input. By its descriptor, because a worker thread has no stdin of its own. */
export function openStdinChunks(): OpenedPath {
  return { chunks: new StreamChunks(stdinStream()), sizeBytes: 0, isFile: false };
}

/**
 * A pipe is waited for as a socket is: a read that blocks a thread of the pool could not be given up, and would hold up
 * the end of the process.
 */
function stdinStream(): Readable {
  const info = fstatSync(0);
  const waits = info.isFIFO() || info.isSocket();
  return waits
    ? new Socket({ fd: 0, readable: true, writable: false })
    : createReadStream('', { fd: 0, autoClose: false, highWaterMark: CHUNK_BYTES });
}

class StreamChunks implements Chunks {
  readonly #stream: Readable;
  #readBytes = 0;
  #over = false;
  #damage: string | null = null;
  #wake: (() => void) | null = null;

  constructor(stream: Readable) {
    this.#stream = stream;
    const wake = () => this.#wake?.();
    stream.on('readable', wake);
    stream.on('end', () => {
      this.#over = true;
      wake();
    });
    stream.on('close', () => {
      this.#over = true;
      wake();
    });
    stream.on('error', (error) => {
      this.#over = true;
      this.#damage = `${reasonOf(error)}, after ${formatBytes(this.#readBytes)}`;
      wake();
    });
  }

  async read(): Promise<Uint8Array | null> {
    for (;;) {
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      const chunk = this.#stream.read() as Uint8Array | null;
      if (chunk !== null) {
        this.#readBytes += chunk.length;
        return chunk;
      }
      if (this.#over) return null;
      await woken;
    }
  }

  damage(): string | null {
    return this.#damage;
  }

  readBytes(): number {
    return this.#readBytes;
  }

  async close(): Promise<void> {
    this.#stream.destroy();
  }
}
