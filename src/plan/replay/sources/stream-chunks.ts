import { createReadStream, fstatSync, open } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { formatBytes } from '../../../base/units.ts';
import { CHUNK_BYTES, type Chunks, type OpenedPath, reasonOf } from './chunks.ts';

const openFd = promisify(open);

/** Standard input. By its descriptor, because a worker thread has no stdin of its own. */
export function openStdinChunks(): OpenedPath {
  return { chunks: new StreamChunks(stdinStream()), sizeBytes: 0, isFile: false };
}

/** A named pipe; waits for one who writes. Throws as open(2) fails. */
export async function openPipeChunks(path: string): Promise<OpenedPath> {
  const fd = await openFd(path, 'r');
  return { chunks: new StreamChunks(pipeStream(fd)), sizeBytes: 0, isFile: false };
}

function stdinStream(): Readable {
  const info = fstatSync(0);
  return info.isFIFO() || info.isSocket()
    ? pipeStream(0)
    : createReadStream('', { fd: 0, autoClose: false, highWaterMark: CHUNK_BYTES });
}

/**
 * A pipe is waited for as a socket is: a read that blocks a thread of the pool could not be given up, and would hold up
 * the end of the process.
 */
function pipeStream(fd: number): Readable {
  return new Socket({ fd, readable: true, writable: false });
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
