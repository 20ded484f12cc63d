/**
 * A log that is still written, from its end on: through rotation by rename, truncation, and copytruncate.
 *
 * Invariants
 *  F1  What the old file still gets is read until the new one has been there for GRACE_MS: writers change over one by one.
 *  F2  A line that was begun in one file does not go on in another.
 *  F3  What lies before the place where reading goes on is what was read there: a file that was cut and has grown again
 *      is read from its beginning.
 *  F4  read() comes back at least every POLL_MS, with no bytes when there are none, so that its caller sees time pass.
 */
import { type FileHandle, open, stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { CHUNK_BYTES, type Chunks, reasonOf } from './chunks.ts';

const POLL_MS = 50;
const GRACE_MS = 1000;
const LF = 10;
/** Of what was read last, so much is compared. */
const TAIL_BYTES = 64;
const NOTHING = new Uint8Array(0);
const LINE_END = Uint8Array.of(LF);

export type FollowOptions = {
  /** Begin at the file's beginning, not behind its last line. */
  fromStart?: boolean;
  pollMs?: number;
  graceMs?: number;
};

export class FollowChunks implements Chunks {
  rotatedCount = 0;
  truncatedCount = 0;
  /** Written and not yet read, when it was last looked at. */
  behindBytes = 0;
  readonly #path: string;
  readonly #pollMs: number;
  readonly #graceMs: number;
  readonly #buffer: Buffer = Buffer.allocUnsafeSlow(TAIL_BYTES + CHUNK_BYTES);
  readonly #tail: Buffer = Buffer.alloc(TAIL_BYTES);
  #tailLength = 0;
  #handle: FileHandle;
  #at: number;
  #readBytes = 0;
  /** The last byte handed over ended a line. */
  #atLineStart = true;
  #replacedSinceMs: number | null = null;
  #damage: string | null = null;
  #closed = false;

  private constructor(path: string, handle: FileHandle, at: number, options: FollowOptions) {
    this.#path = path;
    this.#handle = handle;
    this.#at = at;
    this.#pollMs = options.pollMs ?? POLL_MS;
    this.#graceMs = options.graceMs ?? GRACE_MS;
  }

  /** Throws as open(2) fails. */
  static async open(path: string, options: FollowOptions = {}): Promise<FollowChunks> {
    const handle = await open(path, 'r');
    const at = options.fromStart ? 0 : await lastLineEnd(handle);
    return new FollowChunks(path, handle, at, options);
  }

  async read(): Promise<Uint8Array | null> {
    if (this.#closed || this.#damage !== null) return null;
    try {
      const chunk = await this.#readOn();
      if (chunk !== null) return chunk;
      const change = await this.#look();
      if (change !== null) return change;
    } catch (error) {
      // Closing it ends a read that is under way.
      if (!this.#closed) this.#damage = reasonOf(error);
      return null;
    }
    await delay(this.#pollMs, undefined, { ref: true });
    return this.#closed ? null : NOTHING;
  }

  async #readOn(): Promise<Uint8Array | null> {
    const buffer = this.#buffer;
    const tailLength = this.#tailLength;
    const length = tailLength + CHUNK_BYTES;
    const { bytesRead } = await this.#handle.read(buffer, 0, length, this.#at - tailLength);
    if (bytesRead <= tailLength) return null;
    if (buffer.compare(this.#tail, 0, tailLength, 0, tailLength) !== 0) return this.#beginAgain();
    this.#at += bytesRead - tailLength;
    this.#readBytes += bytesRead - tailLength;
    this.#tailLength = Math.min(TAIL_BYTES, bytesRead);
    buffer.copy(this.#tail, 0, bytesRead - this.#tailLength, bytesRead);
    this.#atLineStart = buffer[bytesRead - 1] === LF;
    if (bytesRead === length) this.behindBytes = Math.max(0, (await this.#handle.stat()).size - this.#at);
    return buffer.subarray(tailLength, bytesRead);
  }

  /** The file was cut. */
  #beginAgain(): Uint8Array {
    this.truncatedCount++;
    this.#at = 0;
    this.#tailLength = 0;
    return this.#endLine();
  }

  /** At the end: has the file been cut or replaced? Null when not; otherwise what ends a line that was begun. */
  async #look(): Promise<Uint8Array | null> {
    const now = await this.#handle.stat();
    this.behindBytes = Math.max(0, now.size - this.#at);
    if (now.size < this.#at) return this.#beginAgain();
    const named = await stat(this.#path).catch(() => null);
    if (named === null || (named.ino === now.ino && named.dev === now.dev)) {
      this.#replacedSinceMs = null;
      return null;
    }
    this.#replacedSinceMs ??= performance.now();
    if (performance.now() - this.#replacedSinceMs < this.#graceMs) return null;
    return this.#changeOver();
  }

  async #changeOver(): Promise<Uint8Array | null> {
    // It may be gone again by now: then the next look tells.
    const next = await open(this.#path, 'r').catch(() => null);
    if (next === null) return null;
    await this.#handle.close();
    this.#handle = next;
    this.#at = 0;
    this.#tailLength = 0;
    this.#replacedSinceMs = null;
    this.rotatedCount++;
    return this.#endLine();
  }

  #endLine(): Uint8Array {
    const wasOpen = !this.#atLineStart;
    this.#atLineStart = true;
    return wasOpen ? LINE_END : NOTHING;
  }

  damage(): string | null {
    return this.#damage;
  }

  readBytes(): number {
    return this.#readBytes;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#handle.close();
  }
}

/** Behind the last line that has its end. */
async function lastLineEnd(handle: FileHandle): Promise<number> {
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  const { size } = await handle.stat();
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - CHUNK_BYTES);
    const { bytesRead } = await handle.read(buffer, 0, end - start, start);
    const newline = buffer.lastIndexOf(LF, bytesRead - 1);
    if (bytesRead > 0 && newline >= 0) return start + newline + 1;
    end = start;
  }
  return 0;
}
