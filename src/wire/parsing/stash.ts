/** Bytes of messages that arrive in pieces: one buffer a connection, made at its first need and then kept. */
export class Stash {
  readonly #buffers: (Uint8Array | null)[];
  readonly #lengths: Int32Array;
  readonly #limitBytes: number;

  constructor(connectionLimit: number, limitBytes: number) {
    this.#buffers = Array<Uint8Array | null>(connectionLimit).fill(null);
    this.#lengths = new Int32Array(connectionLimit);
    this.#limitBytes = limitBytes;
  }

  length(conn: number): number {
    return this.#lengths[conn]!;
  }

  /** The kept bytes are [0, length). Valid until the next append. */
  bytes(conn: number): Uint8Array {
    return this.#buffers[conn] ?? EMPTY;
  }

  /** Appends [start, end). False, with nothing kept, when that would pass the limit. */
  append(conn: number, bytes: Uint8Array, start: number, end: number): boolean {
    const used = this.#lengths[conn]!;
    const needed = used + end - start;
    if (needed > this.#limitBytes) return false;
    let buffer = this.#buffers[conn] ?? EMPTY;
    if (buffer.length < needed) {
      const grown = new Uint8Array(Math.min(this.#limitBytes, Math.max(1024, needed, buffer.length * 2)));
      grown.set(buffer.subarray(0, used));
      this.#buffers[conn] = buffer = grown;
    }
    // Pieces are small as a rule, and a loop needs no temporary view.
    if (end - start <= 256) for (let i = start; i < end; i++) buffer[used + i - start] = bytes[i]!;
    else buffer.set(bytes.subarray(start, end), used);
    this.#lengths[conn] = needed;
    return true;
  }

  clear(conn: number): void {
    this.#lengths[conn] = 0;
  }
}

const EMPTY = new Uint8Array(0);
