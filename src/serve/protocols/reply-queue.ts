/**
 * Replies on their way out. A lone reply goes out of send memory without a copy; replies to pipelined requests are
 * gathered and sent together; what the loop's queue cannot take waits here, up to a limit, for the next cycles.
 */
// Invariants
//  R1  Replies of a connection leave in the order they were made: nothing is sent past what waits.
//  R2  One request in one piece allocates nothing.
import type { SendMemory } from '../../loop/event-loop.ts';
import type { ReplyLoop, ResponderCounts } from './protocol.ts';

/** Two of them leave room in the loop's queue for one piece more: what endUnsent() has left. */
const SCRATCH_BYTES = 61_440;
/** The loop takes a piece whole or not at all. */
const OFFER_BYTES = 16_384;
/** Replies a peer may leave unread, beyond what the loop and the kernel hold. */
const WAITING_LIMIT_BYTES = 1 << 20;

/** Bytes [start, end) are still to go. */
type Waiting = { bytes: Uint8Array; start: number; end: number; ends: boolean };

export class ReplyQueue {
  readonly #loop: ReplyLoop;
  readonly #counts: ResponderCounts;
  readonly #scratch = new Uint8Array(SCRATCH_BYTES);
  #scratchLength = 0;
  /** The only reply of the batch so far; null once there are two. */
  #lone: SendMemory | null = null;
  #loneEnd = 0;
  readonly #waiting = new Map<number, Waiting>();

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
    return this.#loop.pendingSendBytes(conn) + (waiting ? waiting.end - waiting.start : 0);
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
      return this.#wait(conn, lone.bytes, 0, this.#loneEnd);
    }
    const length = this.#scratchLength;
    if (length === 0) return true;
    this.#scratchLength = 0;
    if (!this.#waiting.has(conn) && this.#loop.sendCopy(conn, this.#scratch, 0, length)) return true;
    return this.#wait(conn, this.#scratch, 0, length);
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

  /** The peer has ended its side and may still read: what is unsent goes out, in one piece of its own. */
  endUnsent(conn: number): void {
    const waiting = this.#waiting.get(conn);
    if (waiting) {
      this.#waiting.delete(conn);
      const left = waiting.bytes.subarray(waiting.start, waiting.end);
      const memory = this.#loop.allocateSendMemory(left.length);
      memory.bytes.set(left);
      this.#loop.send(conn, memory, 0, left.length);
    }
    if (this.#loop.pendingSendBytes(conn) > 0) this.#loop.end(conn);
  }

  /** Sends bytes as they are, at once or when there is room. False: the connection was closed. */
  sendBytes(conn: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (!this.#waiting.has(conn) && this.#loop.sendCopy(conn, bytes, start, end)) return true;
    return this.#wait(conn, bytes, start, end);
  }

  /** Offers the loop what waits. True while something is left. */
  turn(): boolean {
    for (const [conn, waiting] of this.#waiting) {
      this.#offer(conn, waiting);
      if (waiting.start < waiting.end) continue;
      this.#waiting.delete(conn);
      if (waiting.ends) this.#loop.end(conn);
    }
    return this.#waiting.size > 0;
  }

  #offer(conn: number, waiting: Waiting): void {
    while (waiting.start < waiting.end) {
      const stop = Math.min(waiting.end, waiting.start + OFFER_BYTES);
      if (!this.#loop.sendCopy(conn, waiting.bytes, waiting.start, stop)) return;
      waiting.start = stop;
    }
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
    return this.sendBytes(conn, bytes, 0, end);
  }

  #wait(conn: number, bytes: Uint8Array, start: number, end: number): boolean {
    let waiting = this.#waiting.get(conn);
    const length = end - start;
    // A single reply may be longer than the limit; a second one then has to wait for the peer to read.
    if (waiting && waiting.end - waiting.start + length > WAITING_LIMIT_BYTES) {
      this.#counts.slowReaderCount++;
      this.#scratchLength = 0;
      this.#lone = null;
      this.#waiting.delete(conn);
      this.#loop.close(conn);
      return false;
    }
    if (!waiting) {
      waiting = { bytes: new Uint8Array(0), start: 0, end: 0, ends: false };
      this.#waiting.set(conn, waiting);
    }
    makeRoom(waiting, length);
    waiting.bytes.set(bytes.subarray(start, end), waiting.end);
    waiting.end += length;
    return true;
  }
}

/** Doubles as it grows, so that a peer that sends byte by byte cannot make us copy all of it each time. */
function makeRoom(waiting: Waiting, length: number): void {
  const { bytes, start, end } = waiting;
  if (bytes.length - end >= length) return;
  const grown = new Uint8Array(2 ** Math.ceil(Math.log2(Math.max(4096, end - start + length))));
  grown.set(bytes.subarray(start, end));
  waiting.bytes = grown;
  waiting.start = 0;
  waiting.end = end - start;
}
