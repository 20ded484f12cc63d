/**
 * The sending side of the ring loop.
 *
 * Invariants
 *  T1  At most one send of a connection is with the kernel.
 *  T2  sendNow is over when enter() returns: MSG_DONTWAIT keeps the kernel from putting it off, and a short send counts
 *      as a failure, which IOSQE_CQE_SKIP_SUCCESS lets through. So what has no completion by then was sent whole, and
 *      its pieces are confirmed before handlers run.
 *  T3  Only sendAll outlives an enter(): asyncSend[c] = 1, and slot and memory stay taken until its completion.
 *  T4  Nothing is allocated, and nothing thrown, per send.
 */
import { SHUT_RDWR, SHUT_WR } from '../kernel/abi/socket.ts';
import { ERRNO } from '../kernel/errno.ts';
import { GATHER_LIMIT, MessageSlots } from '../kernel/message-slots.ts';
import type { SendArea } from '../kernel/send-area.ts';
import { shutdownSocket } from '../kernel/sockets.ts';
import { type ConnectionTable, ENDING, NOT_ASKED } from './connection-table.ts';
import type { SendQueues } from './send-queue.ts';
import { INDEX_MASK, OP_NONE, OP_SEND_ALL, OP_SEND_NOW, type Submitter } from './submitter.ts';

/** What one sendAll holds at most: what a slow peer takes of a long reply shows at the end of each. */
const SEND_ALL_BYTES = 262_144;
/** Gathered sends of one batch; further ones send their first piece only, and the rest in the next cycle. */
const MESSAGE_SLOTS = 64;

export type SenderHandlers = {
  /** All is sent on a connection whose both sides have ended. */
  drained(conn: number): void;
  /** A send failed, and receiving was ended. */
  failed(conn: number): void;
};

export class RingSender {
  readonly #queues: SendQueues;
  /** The kernel holds a sendAll of the connection. */
  readonly asyncSend: Uint8Array;
  readonly #submitter: Submitter;
  readonly #table: ConnectionTable;
  readonly #handlers: SenderHandlers;
  readonly #messages = new MessageSlots(MESSAGE_SLOTS);
  /** Bytes of the sendNow submitted for a connection, until confirmed. */
  readonly #nowBytes: Float64Array;
  /** Connections with something to send, each once. */
  readonly #dirty: Int32Array;
  readonly #isDirty: Uint8Array;
  #dirtyCount = 0;
  /** Connections whose sendNow awaits confirmation. */
  readonly #sentNow: Int32Array;
  #sentNowCount = 0;
  #messageSlot = 0;
  /** Among the sends that await confirmation is one of a connection that ends, or whose owner waits for room. */
  hasUrgent = false;

  constructor(submitter: Submitter, table: ConnectionTable, queues: SendQueues, handlers: SenderHandlers) {
    this.#handlers = handlers;
    this.#submitter = submitter;
    this.#table = table;
    this.#queues = queues;
    this.asyncSend = new Uint8Array(table.limit);
    this.#nowBytes = new Float64Array(table.limit);
    this.#dirty = new Int32Array(table.limit);
    this.#isDirty = new Uint8Array(table.limit);
    this.#sentNow = new Int32Array(table.limit);
  }

  /** Connections with something queued that flush() has not looked at. */
  get dirtyCount(): number {
    return this.#dirtyCount;
  }

  push(conn: number, area: SendArea, start: number, end: number): boolean {
    if (!this.#queues.push(conn, area, start, end)) return false;
    this.#markDirty(conn);
    return true;
  }

  pushCopy(conn: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (!this.#queues.pushCopy(conn, bytes, start, end)) return false;
    this.#markDirty(conn);
    return true;
  }

  /** Writes a send for each connection that has something queued and nothing with the kernel. */
  flush(): void {
    const count = this.#dirtyCount;
    if (count === 0) return;
    this.#dirtyCount = 0;
    this.#messageSlot = 0;
    for (let i = 0; i < count; i++) {
      const conn = this.#dirty[i]!;
      this.#isDirty[conn] = 0;
      if (this.#mayStart(conn)) this.#start(conn);
    }
  }

  /** T2: after an enter() and before handlers, looks for sends that fell short, and takes all others as done. */
  confirm(): void {
    if (this.#sentNowCount === 0) {
      this.hasUrgent = false;
      return;
    }
    const { ring, stats } = this.#submitter;
    // The kernel had no memory for some requests: they are submitted by the next enter().
    if (ring.unsubmittedCount > 0) {
      stats.shortageCount++;
      return;
    }
    const head = ring.cqHead;
    for (let i = 0, count = ring.cqReady(); i < count; i++) {
      const low = ring.cqeLow(head + i);
      if ((low & ~INDEX_MASK) !== OP_SEND_NOW) continue;
      ring.relabel(head + i, OP_NONE);
      const conn = low & INDEX_MASK;
      if (this.#table.generation[conn] === ring.cqeHigh(head + i)) {
        this.#fellShort(conn, ring.cqeResult(head + i));
      }
    }
    // A failure may be among the completions that did not fit: then nothing can be told yet.
    if (ring.isOverflown) return;
    const count = this.#sentNowCount;
    this.#sentNowCount = 0;
    this.hasUrgent = false;
    for (let i = 0; i < count; i++) {
      const conn = this.#sentNow[i]!;
      const byteCount = this.#nowBytes[conn]!;
      if (byteCount === 0) continue;
      this.#nowBytes[conn] = 0;
      this.#advance(conn, byteCount);
    }
  }

  /** A sendAll ended, on a connection that is still open. */
  sentAll(conn: number, result: number): void {
    this.asyncSend[conn] = 0;
    this.#queues.lockedCount[conn] = 0;
    if (result >= 0) this.#advance(conn, result);
    else this.#fail(conn, -result);
  }

  /** Before a close: offers queued bytes to the kernel once. */
  lastTry(conn: number): void {
    if (this.#mayStart(conn)) {
      this.#messageSlot = 0; // Those of the last flush were submitted before handlers ran.
      this.#start(conn);
      this.#sentNowCount--; // Nobody waits for the outcome.
      this.#submitter.enter(0); // Its memory is free again after this (T2).
    }
    this.#nowBytes[conn] = 0;
  }

  #mayStart(conn: number): boolean {
    return this.#queues.count[conn]! > 0 && this.asyncSend[conn] === 0 && this.#nowBytes[conn] === 0;
  }

  #start(conn: number): void {
    this.#submitter.makeRoom(1);
    const { ring } = this.#submitter;
    const queues = this.#queues;
    const fd = this.#table.fd[conn]!;
    const low = OP_SEND_NOW | conn;
    const high = this.#table.generation[conn]!;
    const first = queues.piece(conn, 0);
    const count = queues.count[conn]!;
    let byteCount = queues.end(first) - queues.start(first);
    if (count === 1 || this.#messageSlot === MESSAGE_SLOTS) {
      ring.sendNow(fd, queues.area(first), queues.start(first), queues.end(first), low, high);
      queues.lockedCount[conn] = 1;
      if (count > 1) this.#markDirty(conn);
    } else {
      const slot = this.#messageSlot++;
      const pieceCount = Math.min(count, GATHER_LIMIT);
      byteCount = 0;
      for (let nth = 0; nth < pieceCount; nth++) {
        const piece = queues.piece(conn, nth);
        const length = queues.end(piece) - queues.start(piece);
        const addressNumber = queues.area(piece).addressNumber + queues.start(piece);
        this.#messages.setPiece(slot, nth, addressNumber, length);
        byteCount += length;
      }
      this.#messages.setPieceCount(slot, pieceCount);
      ring.sendMessageNow(fd, this.#messages, slot, low, high);
      queues.lockedCount[conn] = pieceCount;
    }
    const { state, shuts, roomBytes } = this.#table;
    if (state[conn] === ENDING || shuts[conn] === 1 || roomBytes[conn] !== NOT_ASKED) this.hasUrgent = true;
    this.#nowBytes[conn] = byteCount;
    this.#sentNow[this.#sentNowCount++] = conn;
  }

  /** The kernel took part of a sendNow or none: the rest is sent with patience. */
  #fellShort(conn: number, result: number): void {
    this.#nowBytes[conn] = 0;
    this.#queues.lockedCount[conn] = 0;
    if (result < 0 && result !== -ERRNO.EAGAIN && result !== -ERRNO.EINTR) {
      this.#fail(conn, -result);
      return;
    }
    if (result > 0) this.#queues.advance(conn, result);
    if (this.#queues.count[conn] === 0) return;
    this.#submitter.makeRoom(1);
    const first = this.#queues.piece(conn, 0);
    this.#queues.lockedCount[conn] = 1;
    this.asyncSend[conn] = 1;
    this.#submitter.ring.sendAll(
      this.#table.fd[conn]!,
      this.#queues.area(first),
      this.#queues.start(first),
      Math.min(this.#queues.end(first), this.#queues.start(first) + SEND_ALL_BYTES),
      OP_SEND_ALL | conn,
      this.#table.generation[conn]!,
    );
  }

  #advance(conn: number, byteCount: number): void {
    this.#queues.advance(conn, byteCount);
    if (this.#queues.count[conn]! > 0) this.#markDirty(conn);
    else if (this.#table.peerEnded[conn] === 1) this.#handlers.drained(conn);
    else if (this.#table.state[conn] === ENDING || this.#table.shuts[conn] === 1) {
      shutdownSocket(this.#table.fd[conn]!, SHUT_WR);
    }
  }

  /** The peer may still have sent something worth reading: reading then ends, and the close carries this error. */
  #fail(conn: number, errno: number): void {
    this.#queues.clear(conn);
    this.#table.sendErrno[conn] = errno;
    if (this.#table.peerEnded[conn] === 1) {
      this.#handlers.drained(conn);
      return;
    }
    shutdownSocket(this.#table.fd[conn]!, SHUT_RDWR);
    this.#handlers.failed(conn);
  }

  #markDirty(conn: number): void {
    if (this.#isDirty[conn] === 1) return;
    this.#isDirty[conn] = 1;
    this.#dirty[this.#dirtyCount++] = conn;
  }
}
