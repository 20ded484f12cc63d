/**
 * The io_uring back end: multishot receive into a provided-buffer ring, sends that report only failure, one
 * io_uring_enter(2) a cycle.
 *
 * Invariants
 *  L1  A completion carries the generation of the connection it was made for; a different one is a former
 *      connection's, whose buffer is recycled and nothing else done.
 *  L2  At most one send of a connection is with the kernel. sendNow is over when enter() returns: what has no
 *      completion by then was sent whole (MSG_DONTWAIT keeps the kernel from putting it off, and a short send counts
 *      as a failure, which IOSQE_CQE_SKIP_SUCCESS lets through). So its pieces are confirmed before handlers run.
 *  L3  Only sendAll outlives an enter(): asyncSend[c] = 1, and slot and memory stay taken until its completion.
 *  L4  Each receive buffer is recycled as soon as onData returns, and published before the next enter().
 *  L5  Nothing is allocated, and nothing thrown, per event.
 */
import type { Address } from '../base/address.ts';
import { assert } from '../base/assert.ts';
import { EPOLLOUT } from '../kernel/abi/epoll.ts';
import { IORING_CQE_BUFFER_SHIFT, IORING_CQE_F_BUFFER, IORING_CQE_F_MORE } from '../kernel/abi/io-uring.ts';
import { SHUT_RDWR, SHUT_WR } from '../kernel/abi/socket.ts';
import { BufferRing } from '../kernel/buffer-ring.ts';
import { ERRNO } from '../kernel/errno.ts';
import { IoUring } from '../kernel/io-uring.ts';
import { GATHER_LIMIT, MessageSlots } from '../kernel/message-slots.ts';
import { SendArea } from '../kernel/send-area.ts';
import { closeFd, shutdownSocket, socketError } from '../kernel/sockets.ts';
import { Connecting, dropConnecting, RETRY_NS } from './connecting.ts';
import { CLOSING, CONNECTING, ConnectionTable, ENDING, FREE, OPEN } from './connection-table.ts';
import { EndingList } from './ending-list.ts';
import type {
  ConnectOptions,
  EventLoop,
  ListenOptions,
  LoopHandlers,
  LoopOptions,
  LoopStats,
  SendMemory,
} from './event-loop.ts';
import { ACCEPT_RETRY_NS, Listeners } from './listeners.ts';
import { SendQueues } from './send-queue.ts';

export type RingSizes = {
  sqEntries: number;
  cqEntries: number;
  /** A power of two, at most 32 768. */
  bufferCount: number;
  bufferBytes: number;
  /** io_uring_setup(2) flags instead of COOP_TASKRUN; for measurements. */
  setupFlags?: number;
};

const BUFFER_GROUP = 0;
const MESSAGE_SLOTS = 64;
const OP_SHIFT = 24;
const INDEX_MASK = (1 << OP_SHIFT) - 1;
/** Operation codes, in the top byte of a completion's low word; the rest is the connection or listener. */
const OP_NONE = 0;
const OP_RECEIVE = 1 << OP_SHIFT;
const OP_SEND_NOW = 2 << OP_SHIFT;
const OP_SEND_ALL = 3 << OP_SHIFT;
const OP_CONNECT = 4 << OP_SHIFT;
const OP_ACCEPT = 5 << OP_SHIFT;
const OP_TIMER = 6 << OP_SHIFT;
/** Seconds of a timer fit 32 bits with room to spare; longer sleeps end early and are repeated. */
const LONGEST_SLEEP_NS = 1e6 * 1e9;
/** Rounds of emptying an overflown completion queue before the owner gets its turn. */
const OVERFLOW_ROUNDS = 16;

/** Makes an event loop on io_uring. Throws SYSCALL, PERMISSION or KERNEL_FEATURE when the kernel refuses. */
export function createRingLoop(options: LoopOptions, sizes: Partial<RingSizes> = {}): EventLoop {
  return new RingLoop(options, { ...defaultSizes(options.connectionLimit), ...sizes });
}

function defaultSizes(connectionLimit: number): RingSizes {
  const bufferCount = Math.min(4096, Math.max(64, 2 ** Math.ceil(Math.log2(connectionLimit * 2))));
  return { sqEntries: 512, cqEntries: Math.max(2048, bufferCount * 2), bufferCount, bufferBytes: 8192 };
}

class RingLoop implements EventLoop {
  readonly backend = 'ring';
  readonly stats: LoopStats = {
    waitCount: 0,
    eventCount: 0,
    systemCallCount: 0,
    spinNs: 0,
    acceptCount: 0,
    shortageCount: 0,
  };
  readonly #handlers: LoopHandlers;
  readonly #nowNs: () => number;
  readonly #spinNs: number;
  readonly #ring: IoUring;
  readonly #buffers: BufferRing;
  readonly #messages = new MessageSlots(MESSAGE_SLOTS);
  readonly #table: ConnectionTable;
  readonly #queues: SendQueues;
  readonly #connecting: Connecting;
  readonly #listeners = new Listeners();
  readonly #ending: EndingList;
  readonly #onConnected = (conn: number, errno: number) => this.#finishConnect(conn, errno);
  readonly #onLingered = (conn: number) => this.#release(conn);
  /** The kernel holds a multishot receive of the connection. */
  readonly #receiving: Uint8Array;
  /** The kernel holds a sendAll of the connection. */
  readonly #asyncSend: Uint8Array;
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
  /** Accepted while the table was full: [descriptor, listener], served before the listener resumes. */
  readonly #heldAccepts: [number, number][] = [];
  #wakeAtNs = 0;
  /** When the earliest timer of ours fires; Infinity when none is set. Later ones may be set too, and wake for nothing. */
  #timerAtNs = Number.POSITIVE_INFINITY;
  #timerNumber = 0;
  #closed = false;

  constructor(options: LoopOptions, sizes: RingSizes) {
    const limit = options.connectionLimit;
    assert(limit <= INDEX_MASK, 'connectionLimit fits 24 bits');
    this.#handlers = options.handlers;
    this.#nowNs = options.nowNs;
    this.#spinNs = options.spinNs ?? 0;
    this.#table = new ConnectionTable(limit);
    this.#queues = new SendQueues(limit);
    this.#connecting = new Connecting(this.#table, options.nowNs);
    this.#ending = new EndingList(this.#table);
    this.#receiving = new Uint8Array(limit);
    this.#asyncSend = new Uint8Array(limit);
    this.#nowBytes = new Float64Array(limit);
    this.#dirty = new Int32Array(limit);
    this.#isDirty = new Uint8Array(limit);
    this.#sentNow = new Int32Array(limit);
    this.#ring = new IoUring(sizes);
    try {
      this.#buffers = new BufferRing(this.#ring.fd, BUFFER_GROUP, sizes.bufferCount, sizes.bufferBytes);
    } catch (error) {
      this.#ring[Symbol.dispose]();
      throw error;
    }
  }

  get connectionCount(): number {
    return this.#table.takenCount;
  }

  allocateSendMemory(byteLength: number): SendMemory {
    return new SendArea(byteLength);
  }

  connect(address: Address, options?: ConnectOptions): number {
    const { conn, isInProgress } = this.#connecting.start(address, options);
    this.stats.systemCallCount += 2;
    if (isInProgress) {
      this.#makeRoom(1);
      // POLLOUT and EPOLLOUT are the same bit.
      this.#ring.pollOnce(this.#table.fd[conn]!, EPOLLOUT, OP_CONNECT | conn, this.#table.generation[conn]!);
    }
    return conn;
  }

  listen(address: Address, options?: ListenOptions): number {
    const listener = this.#listeners.open(address, options);
    this.#armAccept(listener);
    return listener;
  }

  listenerAddress(listener: number): Address {
    return this.#listeners.addressOf(listener);
  }

  send(conn: number, memory: SendMemory, start: number, end: number): boolean {
    if (this.#table.state[conn] !== OPEN) return false;
    if (start === end) return true;
    if (!this.#queues.push(conn, memory as SendArea, start, end)) return false;
    this.#markDirty(conn);
    return true;
  }

  sendCopy(conn: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#table.state[conn] !== OPEN) return false;
    if (start === end) return true;
    if (!this.#queues.pushCopy(conn, bytes, start, end)) return false;
    this.#markDirty(conn);
    return true;
  }

  pendingSendBytes(conn: number): number {
    return this.#queues.pendingBytes[conn]!;
  }

  close(conn: number): void {
    const state = this.#table.state[conn]!;
    if (state === OPEN || state === CONNECTING) this.#release(conn);
  }

  end(conn: number): void {
    if (this.#table.state[conn] !== OPEN) {
      this.close(conn);
      return;
    }
    this.#table.state[conn] = ENDING;
    this.#ending.add(conn, this.#nowNs());
    if (this.#queues.count[conn] === 0) shutdownSocket(this.#table.fd[conn]!, SHUT_WR);
  }

  turn(): void {
    assert(!this.#closed, 'turn() on an open loop');
    this.#connecting.retry();
    this.#flush();
    this.#wait();
    this.#confirmSends();
    this.#reap();
    for (let round = 0; this.#ring.isOverflown && round < OVERFLOW_ROUNDS; round++) {
      this.stats.shortageCount++;
      this.#enter(0);
      this.#confirmSends();
      this.#reap();
    }
    this.#connecting.report(this.#onConnected);
    const nowNs = this.#nowNs();
    if (this.#ending.count > 0) this.#ending.expire(nowNs, this.#onLingered);
    if (this.#listeners.anyPaused) this.#resumeListeners(nowNs);
    const waitNs = this.#handlers.onTurn(nowNs);
    this.#wakeAtNs = waitNs <= 0 ? 0 : nowNs + waitNs;
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    // The kernel ends what a closed ring holds at its leisure; until then it would keep ports and memory. So first.
    this.#makeRoom(1);
    this.#ring.cancelEverything(OP_NONE);
    this.#ring.enter(1);
    this.#ring.enter(0);
    for (let conn = 0; conn < this.#table.limit; conn++) {
      if (this.#table.fd[conn] !== -1) closeFd(this.#table.fd[conn]!);
      if (this.#table.state[conn] !== FREE) this.#table.release(conn);
      this.#queues.clear(conn);
    }
    for (const [fd] of this.#heldAccepts) closeFd(fd);
    // Connections accepted into the completion queue and never reported.
    for (let i = 0, count = this.#ring.cqReady(); i < count; i++) {
      const index = this.#ring.cqHead + i;
      const isAccept = (this.#ring.cqeLow(index) & ~INDEX_MASK) === OP_ACCEPT;
      if (isAccept && this.#ring.cqeResult(index) >= 0) closeFd(this.#ring.cqeResult(index));
    }
    this.#listeners[Symbol.dispose]();
    this.#ring[Symbol.dispose]();
    this.#buffers[Symbol.dispose]();
  }

  /** Writes a send for each connection that has something queued and nothing with the kernel. */
  #flush(): void {
    const count = this.#dirtyCount;
    if (count === 0) return;
    this.#dirtyCount = 0;
    this.#messageSlot = 0;
    for (let i = 0; i < count; i++) {
      const conn = this.#dirty[i]!;
      this.#isDirty[conn] = 0;
      const mayStart = this.#asyncSend[conn] === 0 && this.#nowBytes[conn] === 0;
      if (this.#queues.count[conn]! > 0 && mayStart) this.#startSend(conn);
    }
  }

  #startSend(conn: number): void {
    this.#makeRoom(1);
    const queues = this.#queues;
    const fd = this.#table.fd[conn]!;
    const low = OP_SEND_NOW | conn;
    const high = this.#table.generation[conn]!;
    const first = queues.piece(conn, 0);
    const count = queues.count[conn]!;
    let byteCount = queues.end(first) - queues.start(first);
    if (count === 1 || this.#messageSlot === MESSAGE_SLOTS) {
      this.#ring.sendNow(fd, queues.area(first), queues.start(first), queues.end(first), low, high);
      queues.lockedCount[conn] = 1;
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
      this.#ring.sendMessageNow(fd, this.#messages, slot, low, high);
      queues.lockedCount[conn] = pieceCount;
    }
    this.#nowBytes[conn] = byteCount;
    this.#sentNow[this.#sentNowCount++] = conn;
  }

  /** L2: looks for sends that fell short, then takes all others as done. */
  #confirmSends(): void {
    if (this.#sentNowCount === 0) return;
    const ring = this.#ring;
    // The kernel had no memory for some requests: they are submitted by the next enter().
    if (ring.unsubmittedCount > 0) {
      this.stats.shortageCount++;
      return;
    }
    const head = ring.cqHead;
    for (let i = 0, count = ring.cqReady(); i < count; i++) {
      const low = ring.cqeLow(head + i);
      if ((low & ~INDEX_MASK) !== OP_SEND_NOW) continue;
      ring.relabel(head + i, OP_NONE);
      const conn = low & INDEX_MASK;
      if (this.#table.generation[conn] === ring.cqeHigh(head + i)) {
        this.#sendFellShort(conn, ring.cqeResult(head + i));
      }
    }
    // A failure may be among the completions that did not fit: then nothing can be told yet.
    if (ring.isOverflown) return;
    const count = this.#sentNowCount;
    this.#sentNowCount = 0;
    for (let i = 0; i < count; i++) {
      const conn = this.#sentNow[i]!;
      const byteCount = this.#nowBytes[conn]!;
      if (byteCount === 0) continue;
      this.#nowBytes[conn] = 0;
      this.#advance(conn, byteCount);
    }
  }

  /** The kernel took part of a sendNow or none: the rest is sent with patience. */
  #sendFellShort(conn: number, result: number): void {
    this.#nowBytes[conn] = 0;
    this.#queues.lockedCount[conn] = 0;
    if (result < 0 && result !== -ERRNO.EAGAIN && result !== -ERRNO.EINTR) {
      this.#failSend(conn, -result);
      return;
    }
    if (result > 0) this.#advance(conn, result);
    if (this.#queues.count[conn] === 0) return;
    this.#makeRoom(1);
    const first = this.#queues.piece(conn, 0);
    this.#queues.lockedCount[conn] = 1;
    this.#asyncSend[conn] = 1;
    this.#ring.sendAll(
      this.#table.fd[conn]!,
      this.#queues.area(first),
      this.#queues.start(first),
      this.#queues.end(first),
      OP_SEND_ALL | conn,
      this.#table.generation[conn]!,
    );
  }

  #advance(conn: number, byteCount: number): void {
    this.#queues.advance(conn, byteCount);
    if (this.#queues.count[conn]! > 0) this.#markDirty(conn);
    else if (this.#table.state[conn] === ENDING) shutdownSocket(this.#table.fd[conn]!, SHUT_WR);
  }

  /** The peer may still have sent something worth reading: reading then ends, and the close carries this error. */
  #failSend(conn: number, errno: number): void {
    this.#queues.clear(conn);
    this.#table.sendErrno[conn] = errno;
    shutdownSocket(this.#table.fd[conn]!, SHUT_RDWR);
  }

  /** Submits, sleeps until spinNs before the deadline, then watches the completion queue until it. */
  #wait(): void {
    this.stats.waitCount++;
    const ring = this.#ring;
    const wakeAtNs = ring.cqReady() > 0 ? 0 : this.#nextWakeNs();
    if (wakeAtNs === Number.POSITIVE_INFINITY) {
      this.#enter(1);
      return;
    }
    if (wakeAtNs === 0) {
      if (ring.unsubmittedCount > 0 || ring.needsEnter) this.#enter(0);
      return;
    }
    let nowNs = this.#nowNs();
    const sleepNs = wakeAtNs - this.#spinNs - nowNs;
    if (sleepNs > 0) {
      this.#armTimer(nowNs, sleepNs);
      this.#enter(1);
      if (this.#spinNs === 0 || ring.cqReady() > 0) return;
      nowNs = this.#nowNs();
    } else if (ring.unsubmittedCount > 0) {
      this.#enter(0);
    }
    const spinStartNs = nowNs;
    while (ring.cqReady() === 0 && (nowNs = this.#nowNs()) < wakeAtNs) {
      if (ring.needsEnter) this.#enter(0);
    }
    this.stats.spinNs += nowNs - spinStartNs;
  }

  #nextWakeNs(): number {
    if (this.#connecting.hasOutcomes) return 0;
    let wakeAtNs = this.#wakeAtNs;
    if (this.#dirtyCount > 0) return 0;
    if (this.#connecting.hasRetries) wakeAtNs = Math.min(wakeAtNs, this.#nowNs() + RETRY_NS);
    if (this.#ending.count > 0) wakeAtNs = Math.min(wakeAtNs, this.#ending.nextDeadlineNs);
    if (this.#listeners.anyPaused && this.#listeners.retryAtNs > 0) {
      wakeAtNs = Math.min(wakeAtNs, this.#listeners.retryAtNs);
    }
    return wakeAtNs;
  }

  /** A timer that fires before the sleep should end is kept: it costs a cycle when it fires, not one on every wait. */
  #armTimer(nowNs: number, sleepNs: number): void {
    if (this.#timerAtNs <= nowNs + sleepNs) return;
    this.#makeRoom(1);
    this.#timerAtNs = nowNs + sleepNs;
    this.#timerNumber = (this.#timerNumber + 1) | 0;
    this.#ring.timer(Math.min(sleepNs, LONGEST_SLEEP_NS), OP_TIMER, this.#timerNumber);
  }

  #enter(waitCount: number): void {
    this.#buffers.publish();
    this.stats.systemCallCount++;
    this.#ring.enter(waitCount);
  }

  /** After this, count requests can be written. */
  #makeRoom(count: number): void {
    while (!this.#ring.hasRoom(count)) {
      this.stats.shortageCount++;
      this.#enter(0);
    }
  }

  #reap(): void {
    const ring = this.#ring;
    const count = ring.cqReady();
    const head = ring.cqHead;
    this.stats.eventCount += count;
    for (let i = 0; i < count; i++) {
      const index = head + i;
      const low = ring.cqeLow(index);
      const conn = low & INDEX_MASK;
      switch (low & ~INDEX_MASK) {
        case OP_RECEIVE:
          this.#received(conn, ring.cqeHigh(index), ring.cqeResult(index), ring.cqeFlags(index));
          break;
        case OP_SEND_ALL:
          this.#sentAll(conn, ring.cqeHigh(index), ring.cqeResult(index));
          break;
        case OP_CONNECT:
          if (this.#table.generation[conn] === ring.cqeHigh(index)) {
            this.#finishConnect(conn, socketError(this.#table.fd[conn]!));
          }
          break;
        case OP_TIMER:
          this.stats.eventCount--;
          if (ring.cqeHigh(index) === this.#timerNumber) this.#timerAtNs = Number.POSITIVE_INFINITY;
          break;
        case OP_ACCEPT:
          this.#accepted(conn, ring.cqeResult(index), ring.cqeFlags(index));
          break;
      }
    }
    // Consumed at the end: the kernel must not overwrite what is still to be read.
    ring.consume(count);
  }

  #received(conn: number, generation: number, result: number, flags: number): void {
    const isCurrent = this.#table.generation[conn] === generation;
    if (result > 0) {
      const buffer = flags >>> IORING_CQE_BUFFER_SHIFT;
      if (isCurrent && this.#table.state[conn] === OPEN) {
        const start = buffer * this.#buffers.bufferBytes;
        this.#handlers.onData(conn, this.#buffers.bytes, start, start + result);
      }
      this.#buffers.recycle(buffer);
    } else if (flags & IORING_CQE_F_BUFFER) {
      this.#buffers.recycle(flags >>> IORING_CQE_BUFFER_SHIFT);
    }
    if (flags & IORING_CQE_F_MORE || this.#table.generation[conn] !== generation) return;
    this.#receiving[conn] = 0;
    const state = this.#table.state[conn];
    if (state !== OPEN && state !== ENDING) return;
    if (result > 0 || result === -ERRNO.ENOBUFS || result === -ERRNO.EINTR) {
      if (result === -ERRNO.ENOBUFS) this.stats.shortageCount++;
      this.#armReceive(conn);
    } else if (state === ENDING) {
      this.#release(conn);
    } else {
      this.#closeByPeer(conn, result === 0 ? this.#table.sendErrno[conn]! : -result);
    }
  }

  #closeByPeer(conn: number, errno: number): void {
    const generation = this.#table.generation[conn]!;
    this.#handlers.onClose(conn, errno);
    if (this.#table.generation[conn] === generation && this.#table.state[conn] !== CLOSING) {
      this.#release(conn);
    }
  }

  #sentAll(conn: number, generation: number, result: number): void {
    if (this.#table.generation[conn] !== generation) return;
    this.#asyncSend[conn] = 0;
    this.#queues.lockedCount[conn] = 0;
    if (this.#table.state[conn] === CLOSING) {
      this.#queues.clear(conn);
      this.#table.release(conn);
    } else if (result >= 0) {
      this.#advance(conn, result);
    } else {
      this.#failSend(conn, -result);
    }
  }

  #accepted(listener: number, result: number, flags: number): void {
    if (result >= 0) {
      if (this.#table.isFull) {
        this.stats.shortageCount++;
        this.#heldAccepts.push([result, listener]);
        if (!this.#listeners.list[listener]!.paused) this.#pauseListener(listener, 0);
      } else {
        this.#open(result, listener);
      }
    }
    if (flags & IORING_CQE_F_MORE) return;
    // Multishot accept has ended: by our cancelling it, for want of descriptors, or because a connection failed.
    const entry = this.#listeners.list[listener]!;
    entry.armed = false;
    const isPassing = result >= 0 || result === -ERRNO.ECONNABORTED || result === -ERRNO.EINTR;
    if (!isPassing && result !== -ERRNO.ECANCELED) {
      this.#pauseListener(listener, this.#nowNs() + ACCEPT_RETRY_NS);
    } else if (!entry.paused) {
      this.#armAccept(listener);
    }
  }

  #open(fd: number, listener: number): void {
    const conn = this.#table.take(fd, OPEN);
    this.stats.acceptCount++;
    this.#armReceive(conn);
    this.#handlers.onAccept(conn, listener);
  }

  #pauseListener(listener: number, untilNs: number): void {
    this.stats.shortageCount++;
    const entry = this.#listeners.list[listener]!;
    if (entry.armed) {
      this.#makeRoom(1);
      this.#ring.cancelFd(entry.fd, OP_NONE);
    }
    this.#listeners.pause(listener, untilNs);
  }

  #resumeListeners(nowNs: number): void {
    while (this.#heldAccepts.length > 0 && !this.#table.isFull) {
      const [fd, listener] = this.#heldAccepts.shift()!;
      this.#open(fd, listener);
    }
    if (this.#table.isFull || nowNs < this.#listeners.retryAtNs) return;
    this.#listeners.retryAtNs = 0;
    this.#listeners.anyPaused = false;
    for (let i = 0; i < this.#listeners.list.length; i++) {
      const entry = this.#listeners.list[i]!;
      if (!entry.paused) continue;
      if (entry.armed) {
        this.#listeners.anyPaused = true; // The cancelled accept has not ended yet.
        continue;
      }
      entry.paused = false;
      this.#armAccept(i);
    }
  }

  #armAccept(listener: number): void {
    const entry = this.#listeners.list[listener]!;
    this.#makeRoom(1);
    entry.armed = true;
    this.#ring.acceptMultishot(entry.fd, OP_ACCEPT | listener, 0);
  }

  #armReceive(conn: number): void {
    this.#makeRoom(1);
    this.#receiving[conn] = 1;
    const fd = this.#table.fd[conn]!;
    this.#ring.receiveMultishot(fd, BUFFER_GROUP, OP_RECEIVE | conn, this.#table.generation[conn]!);
  }

  #finishConnect(conn: number, errno: number): void {
    if (errno === 0) {
      this.#table.state[conn] = OPEN;
      this.#armReceive(conn);
      this.#handlers.onConnect(conn, 0);
      return;
    }
    const generation = this.#table.generation[conn]!;
    this.#handlers.onConnect(conn, errno);
    if (this.#table.generation[conn] === generation) dropConnecting(this.#table, conn);
  }

  #markDirty(conn: number): void {
    if (this.#isDirty[conn] === 1) return;
    this.#isDirty[conn] = 1;
    this.#dirty[this.#dirtyCount++] = conn;
  }

  /** Gives queued bytes their one try, takes back what the kernel holds, closes, and frees the slot when it can. */
  #release(conn: number): void {
    const fd = this.#table.fd[conn]!;
    if (this.#table.state[conn] === ENDING) this.#ending.remove(conn);
    const isConnecting = this.#table.state[conn] === CONNECTING;
    this.#makeRoom(3);
    if (this.#queues.count[conn]! > 0 && this.#asyncSend[conn] === 0 && this.#nowBytes[conn] === 0) {
      this.#messageSlot = 0; // Those of the last flush were submitted before handlers ran (M1).
      this.#startSend(conn);
      this.#sentNowCount--; // Nobody waits for the outcome.
      this.#enter(0); // The pieces are free again after this (L2).
    }
    this.#nowBytes[conn] = 0;
    if (this.#receiving[conn] === 1 || this.#asyncSend[conn] === 1 || isConnecting) {
      this.#ring.cancelFd(fd, OP_NONE);
    }
    this.#ring.close(fd, OP_NONE);
    this.#receiving[conn] = 0;
    this.#table.fd[conn] = -1;
    this.#listeners.retryAtNs = 0;
    if (this.#asyncSend[conn] === 1) {
      this.#table.state[conn] = CLOSING; // L3: freed by the send's completion.
      return;
    }
    this.#queues.clear(conn);
    this.#table.release(conn);
  }
}
