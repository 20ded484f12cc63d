/**
 * Replies on their way out. A lone reply, and every long one, goes out of send memory without a copy; short replies to
 * pipelined requests are gathered and sent together; what the loop's queue cannot take waits here, up to a limit, for the
 * next cycles.
 */
// Invariants
//  R1  Replies of a connection leave in the order they were made: nothing is sent past what waits.
//  R2  One request in one piece allocates nothing.
import type { SendMemory } from '../../loop/event-loop.ts';
import type { ReplyLoop, ResponderCounts } from './protocol.ts';
import { WaitingReplies } from './waiting-replies.ts';

const SCRATCH_BYTES = 61_440;
/** Longer replies are not copied. */
const LONGEST_COPY_BYTES = 4096;
/** Replies a peer may leave unread, beyond what the loop and the kernel hold; for all peers together. */
const ALL_WAITING_LIMIT_BYTES = 64 << 20;

export class ReplyQueue {
  readonly #loop: ReplyLoop;
  readonly #counts: ResponderCounts;
  readonly #scratch = new Uint8Array(SCRATCH_BYTES);
  #scratchLength = 0;
  /** The only reply of the batch so far; null once there are two. */
  #lone: SendMemory | null = null;
  #loneEnd = 0;
  readonly #waiting = new Map<number, WaitingReplies>();
  /** Memory that all of them hold. */
  #heldBytes = 0;

  /** Connections closed because their peers do not read are counted as slowReaderCount. */
  constructor(loop: ReplyLoop, counts: ResponderCounts) {
    this.#loop = loop;
    this.#counts = counts;
  }

  get hasWaiting(): boolean {
    return this.#waiting.size > 0;
  }

  /** Bytes of a connection that the kernel has not taken. */
  unsentBytes(conn: number): number {
    const waiting = this.#waiting.size > 0 ? this.#waiting.get(conn) : undefined;
    return this.#loop.pendingSendBytes(conn) + (waiting?.unsentBytes ?? 0);
  }

  /** Adds bytes [0, end) of a reply to the batch of the connection that is being served. False: it was closed. */
  add(conn: number, reply: SendMemory, end: number): boolean {
    if (end > LONGEST_COPY_BYTES) return this.flush(conn) && this.#sendMemory(conn, reply, end);
    if (this.#scratchLength === 0 && this.#lone === null) {
      this.#lone = reply;
      this.#loneEnd = end;
      return true;
    }
    if (this.#lone !== null) {
      const first = this.#lone;
      this.#lone = null;
      this.#gather(conn, first.bytes, this.#loneEnd);
    }
    return this.#gather(conn, reply.bytes, end);
  }

  /** Sends the batch. False: the connection was closed, because its peer does not read. */
  flush(conn: number): boolean {
    const lone = this.#lone;
    if (lone !== null) {
      this.#lone = null;
      return this.#sendMemory(conn, lone, this.#loneEnd);
    }
    const length = this.#scratchLength;
    if (length === 0) return true;
    this.#scratchLength = 0;
    return this.sendBytes(conn, this.#scratch, 0, length);
  }

  /** Ends the connection once everything for it is sent. */
  end(conn: number): void {
    const waiting = this.#waiting.get(conn);
    if (waiting) waiting.ends = true;
    else this.#loop.end(conn);
  }

  forget(conn: number): void {
    const waiting = this.#waiting.get(conn);
    if (!waiting) return;
    this.#heldBytes -= waiting.heldBytes;
    this.#waiting.delete(conn);
  }

  /**
   * The peer has ended its side and may still read: what is unsent goes out, in one piece of its own. When that is more
   * than may be copied, it was asked for faster than it is read: the rest is dropped.
   */
  endUnsent(conn: number): void {
    const waiting = this.#waiting.get(conn);
    if (waiting) {
      this.forget(conn);
      const left = waiting.copyRest();
      if (left === null) {
        this.#counts.slowReaderCount++;
      } else {
        const memory = this.#loop.allocateSendMemory(left.length);
        memory.bytes.set(left);
        this.#loop.send(conn, memory, 0, left.length);
      }
    }
    if (this.#loop.pendingSendBytes(conn) > 0) this.#loop.end(conn);
  }

  /** Sends bytes as they are, at once or when there is room. False: the connection was closed. */
  sendBytes(conn: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (!this.#waiting.has(conn) && this.#loop.sendCopy(conn, bytes, start, end)) return true;
    const waiting = this.#waitingOf(conn);
    const before = waiting.heldBytes;
    return this.#settle(conn, waiting, before, waiting.addCopy(bytes, start, end));
  }

  /** Offers the loop what waits. True while something is left. */
  turn(): boolean {
    for (const [conn, waiting] of this.#waiting) {
      const before = waiting.heldBytes;
      waiting.offer(this.#loop, conn);
      this.#heldBytes += waiting.heldBytes - before;
      if (waiting.unsentBytes > 0) continue;
      this.forget(conn);
      if (waiting.ends) this.#loop.end(conn);
    }
    return this.#waiting.size > 0;
  }

  #sendMemory(conn: number, memory: SendMemory, end: number): boolean {
    if (!this.#waiting.has(conn) && this.#loop.send(conn, memory, 0, end)) return true;
    const waiting = this.#waitingOf(conn);
    const before = waiting.heldBytes;
    return this.#settle(conn, waiting, before, waiting.addMemory(memory, end));
  }

  #gather(conn: number, bytes: Uint8Array, end: number): boolean {
    if (this.#scratchLength + end > SCRATCH_BYTES && !this.flush(conn)) return false;
    for (let i = 0; i < end; i++) this.#scratch[this.#scratchLength + i] = bytes[i]!;
    this.#scratchLength += end;
    return true;
  }

  #waitingOf(conn: number): WaitingReplies {
    let waiting = this.#waiting.get(conn);
    if (!waiting) {
      waiting = new WaitingReplies();
      this.#waiting.set(conn, waiting);
    }
    return waiting;
  }

  /** Accounts for what was added; closes the connection when that did not fit, or all of them together hold too much. */
  #settle(conn: number, waiting: WaitingReplies, before: number, fitted: boolean): boolean {
    this.#heldBytes += waiting.heldBytes - before;
    if (fitted && this.#heldBytes <= ALL_WAITING_LIMIT_BYTES) return true;
    this.#counts.slowReaderCount++;
    this.#scratchLength = 0;
    this.#lone = null;
    this.forget(conn);
    this.#loop.close(conn);
    return false;
  }
}
