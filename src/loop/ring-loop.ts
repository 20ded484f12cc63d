/**
 * The io_uring back end: multishot receive into a provided-buffer ring, sends that report only failure (ring-sender),
 * multishot accept (ring-acceptor), one io_uring_enter(2) a cycle.
 *
 * Invariants
 *  L1  A completion carries the generation of the connection it was made for; a different one is a former
 *      connection's, whose buffer is recycled and nothing else done.
 *  L2  Each receive buffer is recycled as soon as onData returns, and published before the next enter().
 *  L3  A slot is free only when the kernel holds no send of it that reads our memory (state CLOSING until then).
 *  L4  Of a relaying loop a connection has at most one receive with the kernel (receiving[c] = 1), and none is started while
 *      it is not wanted: so it brings at most one buffer after setReceiving(false).
 *  L5  Nothing is allocated, and nothing thrown, per event.
 */
import { assert } from '../base/assert.ts';
import { EPOLLOUT } from '../kernel/abi/epoll.ts';
import {
  IORING_CQE_BUFFER_SHIFT,
  IORING_CQE_F_BUFFER,
  IORING_CQE_F_MORE,
  IORING_CQE_F_SOCK_NONEMPTY,
} from '../kernel/abi/io-uring.ts';
import { BufferRing } from '../kernel/buffer-ring.ts';
import { ERRNO } from '../kernel/errno.ts';
import { IoUring } from '../kernel/io-uring.ts';
import type { SendArea } from '../kernel/send-area.ts';
import { closeFd, socketError } from '../kernel/sockets.ts';
import { CLOSING, CONNECTING, ENDING, FREE, OPEN } from './connection-table.ts';
import type { EventLoop, LoopOptions, SendMemory } from './event-loop.ts';
import { RingAcceptor } from './ring-acceptor.ts';
import { RingSender } from './ring-sender.ts';
import { RingWaiter } from './ring-waiter.ts';
import { SocketLoop } from './socket-loop.ts';
import {
  INDEX_MASK,
  OP_ACCEPT,
  OP_CONNECT,
  OP_NONE,
  OP_RECEIVE,
  OP_SEND_ALL,
  OP_TIMER,
  Submitter,
} from './submitter.ts';

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
/** While there are events to handle, sends go out when there are a quarter as many, within these bounds. */
const FEWEST_SENDS = 16;
const MOST_SENDS = 32;
/** Rounds of emptying an overflown completion queue before the owner gets its turn. */
const OVERFLOW_ROUNDS = 16;
/** Rounds of waiting for the kernel to let go of everything at the end; each handles some twenty requests at least. */
const DISPOSE_ROUNDS = 100_000;

/** Makes an event loop on io_uring. Throws SYSCALL, PERMISSION or KERNEL_FEATURE when the kernel refuses. */
export function createRingLoop(options: LoopOptions, sizes: Partial<RingSizes> = {}): EventLoop {
  return new RingLoop(options, { ...defaultSizes(options.connectionLimit), ...sizes });
}

function defaultSizes(connectionLimit: number): RingSizes {
  const bufferCount = Math.min(4096, Math.max(64, 2 ** Math.ceil(Math.log2(connectionLimit * 2))));
  return { sqEntries: 512, cqEntries: Math.max(2048, bufferCount * 2), bufferCount, bufferBytes: 8192 };
}

class RingLoop extends SocketLoop {
  readonly backend = 'ring';
  protected readonly acceptor: RingAcceptor;
  readonly #ring: IoUring;
  readonly #buffers: BufferRing;
  readonly #submitter: Submitter;
  readonly #waiter: RingWaiter;
  readonly #sender: RingSender;
  /** The kernel holds a receive of the connection: multishot, or of a relaying loop a single one. */
  readonly #receiving: Uint8Array;

  constructor(options: LoopOptions, sizes: RingSizes) {
    super(options);
    assert(options.connectionLimit <= INDEX_MASK, 'connectionLimit fits 24 bits');
    this.#ring = new IoUring(sizes);
    try {
      this.#buffers = new BufferRing(this.#ring.fd, BUFFER_GROUP, sizes.bufferCount, sizes.bufferBytes);
    } catch (error) {
      this.#ring[Symbol.dispose]();
      throw error;
    }
    this.#submitter = new Submitter(this.#ring, this.#buffers, this.stats);
    this.#waiter = new RingWaiter(this.#submitter, options.nowNs, options.spinNs ?? 0);
    this.#sender = new RingSender(this.#submitter, this.table, this.queues, {
      drained: (conn) => this.release(conn),
      failed: (conn) => {
        if (this.relays && this.table.wanted[conn] === 0) this.notices.sendFailed(conn);
      },
    });
    this.acceptor = new RingAcceptor(this.#submitter, this.table, this.nowNs, (fd, listener) =>
      this.openAccepted(fd, listener),
    );
    this.#receiving = new Uint8Array(options.connectionLimit);
  }

  send(conn: number, memory: SendMemory, start: number, end: number): boolean {
    if (this.table.state[conn] !== OPEN) return false;
    return start === end || this.#sender.push(conn, memory as SendArea, start, end);
  }

  sendCopy(conn: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (this.table.state[conn] !== OPEN) return false;
    return start === end || this.#sender.pushCopy(conn, bytes, start, end);
  }

  protected flushQueued(): void {
    this.#sender.flush();
  }

  protected wait(): void {
    this.#waiter.wait(this.#ring.cqReady() > 0 ? 0 : this.nextWakeNs());
  }

  protected handleEvents(): void {
    this.#sender.confirm();
    this.#reap();
    for (let round = 0; this.#ring.isOverflown && round < OVERFLOW_ROUNDS; round++) {
      this.stats.shortageCount++;
      this.#submitter.enter(0);
      this.#sender.confirm();
      this.#reap();
    }
  }

  protected dispose(): void {
    this.#letGo();
    for (let conn = 0; conn < this.table.limit; conn++) {
      if (this.table.fd[conn] !== -1) closeFd(this.table.fd[conn]!);
      if (this.table.state[conn] !== FREE) this.table.release(conn);
      this.queues.clear(conn);
    }
    this.acceptor[Symbol.dispose]();
    this.#ring[Symbol.dispose]();
    this.#buffers[Symbol.dispose]();
  }

  /**
   * Cancels all requests and waits until the kernel has let go of them. It would do so after the ring's close too, but
   * at its leisure, and until then keep ports bound and write to our memory.
   */
  #letGo(): void {
    const ring = this.#ring;
    this.#submitter.makeRoom(1);
    ring.cancelEverything(OP_NONE);
    for (let round = 0; round < DISPOSE_ROUNDS; round++) {
      ring.enter(0);
      const count = ring.cqReady();
      for (let i = 0; i < count; i++) {
        // Connections accepted and never reported.
        const index = ring.cqHead + i;
        const isAccept = (ring.cqeLow(index) & ~INDEX_MASK) === OP_ACCEPT;
        if (isAccept && ring.cqeResult(index) >= 0) closeFd(ring.cqeResult(index));
      }
      ring.consume(count);
      if (count === 0 && !ring.needsEnter && ring.unsubmittedCount === 0) return;
    }
  }

  protected override nextWakeNs(): number {
    // A connection that ends is shut down when its last send is known to be done: nothing else may come to tell us.
    const { dirtyCount, hasUrgent } = this.#sender;
    return dirtyCount > 0 || hasUrgent ? 0 : super.nextWakeNs();
  }

  #reap(): void {
    const ring = this.#ring;
    const count = ring.cqReady();
    const head = ring.cqHead;
    this.stats.eventCount += count;
    const sendBatch = Math.min(MOST_SENDS, Math.max(FEWEST_SENDS, count >> 2));
    let consumedCount = 0;
    for (let i = 0; i < count; i++) {
      if (this.#sender.dirtyCount >= sendBatch) {
        ring.consume(i - consumedCount);
        consumedCount = i;
        this.#sendEarly();
      }
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
          if (this.table.generation[conn] === ring.cqeHigh(index)) {
            this.finishConnect(conn, socketError(this.table.fd[conn]!));
          }
          break;
        case OP_TIMER:
          this.stats.eventCount--;
          this.#waiter.timerFired(ring.cqeHigh(index));
          break;
        case OP_ACCEPT:
          this.acceptor.accepted(conn, ring.cqeResult(index), ring.cqeFlags(index));
          break;
      }
    }
    // Consumed afterwards: the kernel must not overwrite what is still to be read.
    ring.consume(count - consumedCount);
  }

  /** Peers get to work while the rest of a large batch is handled; else both sides take turns, one CPU idle. */
  #sendEarly(): void {
    this.#sender.flush();
    this.#submitter.enter(0);
    this.#sender.confirm();
  }

  #received(conn: number, generation: number, result: number, flags: number): void {
    if (result > 0) {
      const buffer = flags >>> IORING_CQE_BUFFER_SHIFT;
      if (this.table.generation[conn] === generation && this.table.state[conn] === OPEN) {
        const start = buffer * this.#buffers.bufferBytes;
        this.handlers.onData(conn, this.#buffers.bytes, start, start + result);
      }
      this.#buffers.recycle(buffer);
    } else if (flags & IORING_CQE_F_BUFFER) {
      this.#buffers.recycle(flags >>> IORING_CQE_BUFFER_SHIFT);
    }
    // The handler may have closed the connection: look again.
    if (flags & IORING_CQE_F_MORE || this.table.generation[conn] !== generation) return;
    this.#receiving[conn] = 0;
    const state = this.table.state[conn];
    if (state !== OPEN && state !== ENDING) return;
    if (result > 0 || result === -ERRNO.ENOBUFS || result === -ERRNO.EINTR) {
      if (result === -ERRNO.ENOBUFS) this.stats.shortageCount++;
      if (!this.relays) this.watchOpen(conn);
      else if (this.table.wanted[conn] === 1)
        this.#receiveOnce(conn, (flags & IORING_CQE_F_SOCK_NONEMPTY) === 0 && result > 0);
    } else if (state === ENDING) {
      this.endByPeer(conn, -result);
    } else if (result === 0) {
      this.endedByPeer(conn);
    } else {
      this.closeByPeer(conn, -result);
    }
  }

  /** Both sides have ended: what is queued is still sent, then the connection is closed. */
  protected endByPeer(conn: number, errno: number): void {
    if (errno === 0 && this.queues.count[conn]! > 0) this.table.peerEnded[conn] = 1;
    else this.release(conn);
  }

  #sentAll(conn: number, generation: number, result: number): void {
    if (this.table.generation[conn] !== generation) return;
    if (this.table.state[conn] !== CLOSING) {
      this.#sender.sentAll(conn, result);
      return;
    }
    this.#sender.asyncSend[conn] = 0;
    this.queues.clear(conn);
    this.table.release(conn);
  }

  protected watchConnect(conn: number): void {
    this.#submitter.makeRoom(1);
    // POLLOUT and EPOLLOUT are the same bit.
    this.#ring.pollOnce(this.table.fd[conn]!, EPOLLOUT, OP_CONNECT | conn, this.table.generation[conn]!);
  }

  protected watchWanted(conn: number): void {
    if (this.table.wanted[conn] === 1 && this.#receiving[conn] === 0) this.#receiveOnce(conn, false);
  }

  protected dropQueued(conn: number): void {
    // What the kernel is sending goes with the socket.
    if (this.#sender.asyncSend[conn] === 0) this.queues.clear(conn);
  }

  #receiveOnce(conn: number, waits: boolean): void {
    this.#submitter.makeRoom(1);
    this.#receiving[conn] = 1;
    const fd = this.table.fd[conn]!;
    this.#ring.receiveOnce(fd, BUFFER_GROUP, waits, OP_RECEIVE | conn, this.table.generation[conn]!);
  }

  protected watchOpen(conn: number): void {
    this.#submitter.makeRoom(1);
    this.#receiving[conn] = 1;
    const fd = this.table.fd[conn]!;
    this.#ring.receiveMultishot(fd, BUFFER_GROUP, OP_RECEIVE | conn, this.table.generation[conn]!);
  }

  /** Gives queued bytes their one try, takes back what the kernel holds, closes, and frees the slot when it can. */
  protected release(conn: number): void {
    const fd = this.table.fd[conn]!;
    const state = this.table.state[conn];
    if (state === ENDING) this.ending.remove(conn);
    this.#sender.lastTry(conn);
    this.#submitter.makeRoom(2);
    const isAsync = this.#sender.asyncSend[conn] === 1;
    if (this.#receiving[conn] === 1 || isAsync || state === CONNECTING) this.#ring.cancelFd(fd, OP_NONE);
    this.#ring.close(fd, OP_NONE);
    this.#receiving[conn] = 0;
    this.table.fd[conn] = -1;
    this.acceptor.listeners.retryAtNs = 0;
    if (isAsync) {
      this.table.state[conn] = CLOSING; // L3: freed by the send's completion.
      return;
    }
    this.queues.clear(conn);
    this.table.release(conn);
  }
}
