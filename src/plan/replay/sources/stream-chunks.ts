import { createReadStream, fstatSync, open } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { formatBytes } from '../../../base/units.ts';
import { CHUNK_BYTES, type Chunks, type OpenedPath, reasonOf } from './chunks.ts';

const openFd = promisify(open);

/** As much as a pipe holds. */
const PIPE_BYTES = 64 * 1024;

/** Standard input. By its descriptor, because a worker thread has no stdin of its own. */
export function openStdinChunks(): OpenedPath {
  return { chunks: stdinChunks(), sizeBytes: 0, isFile: false };
}

/** A named pipe; waits for one who writes. Throws as open(2) fails. */
export async function openPipeChunks(path: string): Promise<OpenedPath> {
  const fd = await openFd(path, 'r');
  return { chunks: new StreamChunks(pipeReads(fd)), sizeBytes: 0, isFile: false };
}

function stdinChunks(): Chunks {
  const info = fstatSync(0);
  const isPipe = info.isFIFO() || info.isSocket();
  return new StreamChunks(isPipe ? pipeReads(0) : fileReads());
}

/** `take()` gives the next bytes, good until it is called again; null when there are none now. */
type Reads = { stream: Readable; take(): Uint8Array | null; onBytes(listener: () => void): void };

function fileReads(): Reads {
  const stream = createReadStream('', { fd: 0, autoClose: false, highWaterMark: CHUNK_BYTES });
  return { stream, take: () => stream.read(), onBytes: (listener) => stream.on('readable', listener) };
}

/**
 * A pipe is waited for as a socket is: a read that blocks a thread of the pool could not be given up, and would hold up
 * the end of the process. All is read into one buffer: a new one for each piece would be garbage by the gigabyte.
 */
function pipeReads(fd: number): Reads {
  let length = 0;
  let isTaken = false;
  let tell = () => {};
  const buffer = Buffer.allocUnsafeSlow(PIPE_BYTES);
  const onread = {
    buffer,
    callback(bytesRead: number): boolean {
      length = bytesRead;
      tell();
      return false;
    },
  };
  const stream = new Socket({ fd, readable: true, writable: false, onread });
  return {
    stream,
    onBytes(listener) {
      tell = listener;
      stream.resume();
    },
    take() {
      if (isTaken) {
        isTaken = false;
        length = 0;
        stream.resume();
      }
      if (length === 0) return null;
      isTaken = true;
      return buffer.subarray(0, length);
    },
  };
}

class StreamChunks implements Chunks {
  readonly #reads: Reads;
  #readBytes = 0;
  #over = false;
  #damage: string | null = null;
  #wake: (() => void) | null = null;

  constructor(reads: Reads) {
    this.#reads = reads;
    const { stream } = reads;
    const wake = () => this.#wake?.();
    reads.onBytes(wake);
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
      const chunk = this.#reads.take();
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
    this.#reads.stream.destroy();
  }
}
