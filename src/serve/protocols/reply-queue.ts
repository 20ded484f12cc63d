/**
 * Replies on their way out. A lone reply goes out of send memory without a copy; replies to pipelined requests are
 * gathered and sent together; what the loop's queue cannot take waits here, up to a limit, for the next cycles.
 */
// Invariants
//  R1  Replies of a connection leave in the order they were made: nothing is sent past what waits.
//  R2  One request in one piece allocates nothing.
import type { EventLoop, SendMemory } from '../../loop/event-loop.ts';

const SCRATCH_BYTES = 65_536;
/** Replies a peer may leave unread, beyond what the loop and the kernel hold. */
const WAITING_LIMIT_BYTES = 1 << 20;

type Waiting = { bytes: Uint8Array; ends: boolean };

export class ReplyQueue {
  slowReaderCount = 0;
  readonly #loop: EventLoop;
  readonly #scratch = new Uint8Array(SCRATCH_BYTES);
  #scratchLength = 0;
  /** The only reply of the batch so far; null once there are two. */
  #lone: SendMemory | null = null;
  #loneEnd = 0;
  readonly #waiting = new Map<number, Waiting>();

  constructor(loop: EventLoop) {
    this.#loop = loop;
  }

  get hasWaiting(): boolean {
    return this.#waiting.size > 0;
  }

  isWaiting(conn: number): boolean {
    return this.#waiting.has(conn) || this.#loop.pendingSendBytes(conn) > 0;
  }

  /** Adds bytes [0, end) of a reply to the batch of the connection that is being served. False: it was closed. */
  add(conn: number, reply: SendMemory, end: number): boolean {
    if (this.#scratchLength === 0 && this.#lone === null) {
      this.#lone = reply;
      this.#loneEnd = end;
      return true;
    }
    if (this.#lone !== null) {
      const first = this.#lone;
      this.#lone = null;
      if (!this.#gather(conn, first.bytes, this.#loneEnd)) return false;
    }
    return this.#gather(conn, reply.bytes, end);
  }

  /** Sends the batch. False: the connection was closed, because its peer does not read. */
  flush(conn: number): boolean {
    const lone = this.#lone;
    if (lone !== null) {
      this.#lone = null;
      if (!this.#waiting.has(conn) && this.#loop.send(conn, lone, 0, this.#loneEnd)) return true;
      return this.#wait(conn, lone.bytes, this.#loneEnd);
    }
    const length = this.#scratchLength;
    if (length === 0) return true;
    this.#scratchLength = 0;
    if (!this.#waiting.has(conn) && this.#loop.sendCopy(conn, this.#scratch, 0, length)) return true;
    return this.#wait(conn, this.#scratch, length);
  }

  /** Ends the connection once everything for it is sent. */
  end(conn: number): void {
    const waiting = this.#waiting.get(conn);
    if (waiting) waiting.ends = true;
    else this.#loop.end(conn);
  }

  forget(conn: number): void {
    this.#waiting.delete(conn);
  }

  /** Offers the loop what waits. True while something is left. */
  turn(): boolean {
    for (const [conn, waiting] of this.#waiting) {
      let { bytes } = waiting;
      while (bytes.length > 0) {
        const take = Math.min(bytes.length, SCRATCH_BYTES);
        if (!this.#loop.sendCopy(conn, bytes, 0, take)) break;
        bytes = bytes.subarray(take);
      }
      waiting.bytes = bytes;
      if (bytes.length > 0) continue;
      this.#waiting.delete(conn);
      if (waiting.ends) this.#loop.end(conn);
    }
    return this.#waiting.size > 0;
  }

  #gather(conn: number, bytes: Uint8Array, end: number): boolean {
    if (end > SCRATCH_BYTES) {
      return this.#flushScratch(conn) && this.#sendOrWait(conn, bytes, end);
    }
    if (this.#scratchLength + end > SCRATCH_BYTES && !this.#flushScratch(conn)) return false;
    for (let i = 0; i < end; i++) this.#scratch[this.#scratchLength + i] = bytes[i]!;
    this.#scratchLength += end;
    return true;
  }

  #flushScratch(conn: number): boolean {
    const length = this.#scratchLength;
    this.#scratchLength = 0;
    return length === 0 || this.#sendOrWait(conn, this.#scratch, length);
  }

  #sendOrWait(conn: number, bytes: Uint8Array, end: number): boolean {
    if (!this.#waiting.has(conn) && this.#loop.sendCopy(conn, bytes, 0, end)) return true;
    return this.#wait(conn, bytes, end);
  }

  #wait(conn: number, bytes: Uint8Array, end: number): boolean {
    const before = this.#waiting.get(conn);
    const kept = before?.bytes ?? new Uint8Array(0);
    if (kept.length + end > WAITING_LIMIT_BYTES) {
      this.slowReaderCount++;
      this.#waiting.delete(conn);
      this.#loop.close(conn);
      return false;
    }
    const joined = new Uint8Array(kept.length + end);
    joined.set(kept);
    joined.set(bytes.subarray(0, end), kept.length);
    this.#waiting.set(conn, { bytes: joined, ends: before?.ends ?? false });
    return true;
  }
}
