/**
 * The epoll back end: level-triggered, one receive per ready connection and cycle, sends tried at once.
 *
 * Invariants
 *  E1  EPOLLOUT is asked for exactly while bytes are queued (wantsOut[c] = 1) or a connect is under way; of a relaying loop,
 *      EPOLLIN exactly while wanted[c] = 1. A connection of which nothing is asked for is not in the set (isWatched[c] = 0).
 *  E2  An event is dropped when its generation is not the slot's: the slot was freed earlier in the same batch.
 *  E3  Nothing is allocated, and nothing thrown, per event.
 */
import { EPOLLIN, EPOLLOUT } from '../kernel/abi/epoll.ts';
import { SHUT_RDWR, SHUT_WR } from '../kernel/abi/socket.ts';
import { Epoll } from '../kernel/epoll.ts';
import { ERRNO } from '../kernel/errno.ts';
import { GATHER_LIMIT } from '../kernel/message-slots.ts';
import type { SendArea } from '../kernel/send-area.ts';
import { closeFd, shutdownSocket, socketError } from '../kernel/sockets.ts';
import { StreamIo } from '../kernel/stream-io.ts';
import { CONNECTING, ENDING, FREE, OPEN } from './connection-table.ts';
import { EpollAcceptor, LISTENER_BIT } from './epoll-acceptor.ts';
import type { EventLoop, LoopOptions, SendMemory } from './event-loop.ts';
import { SocketLoop } from './socket-loop.ts';

const EVENT_LIMIT = 512;
const RECEIVE_BYTES = 65_536;

/** Makes an event loop on epoll. Throws SYSCALL when no epoll descriptor can be had. */
export function createEpollLoop(options: LoopOptions): EventLoop {
  return new EpollLoop(options);
}

class EpollLoop extends SocketLoop {
  readonly backend = 'epoll';
  protected readonly acceptor: EpollAcceptor;
  readonly #spinNs: number;
  readonly #epoll = new Epoll(EVENT_LIMIT);
  readonly #io = new StreamIo(RECEIVE_BYTES);
  readonly #wantsOut: Uint8Array;
  readonly #isWatched: Uint8Array;
  /** Events that the last wait brought. */
  #readyCount = 0;

  constructor(options: LoopOptions) {
    super(options);
    this.#spinNs = options.spinNs ?? 0;
    this.#wantsOut = new Uint8Array(options.connectionLimit);
    this.#isWatched = new Uint8Array(options.connectionLimit);
    this.acceptor = new EpollAcceptor(this.#epoll, this.table, this.stats, this.nowNs, (fd, listener) =>
      this.openAccepted(fd, listener),
    );
  }

  send(conn: number, memory: SendMemory, start: number, end: number): boolean {
    if (this.table.state[conn] !== OPEN) return false;
    if (start === end) return true;
    if (!this.queues.push(conn, memory as SendArea, start, end)) return false;
    if (this.#wantsOut[conn] === 0) this.#flush(conn);
    return true;
  }

  sendCopy(conn: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (this.table.state[conn] !== OPEN) return false;
    if (!this.queues.pushCopy(conn, bytes, start, end)) return false;
    if (this.#wantsOut[conn] === 0) this.#flush(conn);
    return true;
  }

  /** Sends are tried at once: what is queued waits for room. */
  protected flushQueued(): void {}

  protected wait(): void {
    this.#readyCount = this.#untilReady();
    this.stats.eventCount += this.#readyCount;
  }

  protected handleEvents(): void {
    const epoll = this.#epoll;
    const count = this.#readyCount;
    const acceptsFirst = this.handlers.onAccepted !== undefined;
    if (acceptsFirst) {
      this.acceptor.acceptAll(count);
      this.handlers.onAccepted!();
    }
    for (let i = 0; i < count; i++) {
      const low = epoll.low(i);
      if (low >= LISTENER_BIT) {
        if (!acceptsFirst) this.acceptor.accept(low - LISTENER_BIT);
      } else if (this.table.generation[low] === epoll.high(i)) {
        this.#handle(low, epoll.events(i));
      }
    }
  }

  protected dispose(): void {
    for (let conn = 0; conn < this.table.limit; conn++) {
      if (this.table.state[conn] !== FREE) this.release(conn);
    }
    this.acceptor.listeners[Symbol.dispose]();
    this.#epoll[Symbol.dispose]();
  }

  /** Sleeps until spinNs before the deadline, then polls until it. Returns the number of ready descriptors. */
  #untilReady(): number {
    this.stats.waitCount++;
    const wakeAtNs = this.nextWakeNs();
    if (wakeAtNs === 0) return this.#poll(0);
    if (wakeAtNs === Number.POSITIVE_INFINITY) return this.#poll(wakeAtNs);
    const sleepNs = wakeAtNs - this.#spinNs - this.nowNs();
    if (sleepNs > 0) {
      const count = this.#poll(sleepNs);
      if (count > 0 || this.#spinNs === 0) return count;
    }
    return this.#spin(wakeAtNs);
  }

  /** A method of its own, so that V8 has room to take the clock in here: else each of its readings makes a heap number. */
  #spin(wakeAtNs: number): number {
    const startNs = this.nowNs();
    let nowNs = startNs;
    let count = this.#poll(0);
    while (count === 0 && nowNs < wakeAtNs) {
      count = this.#poll(0);
      nowNs = this.nowNs();
    }
    this.stats.spinNs += nowNs - startNs;
    return count;
  }

  #poll(timeoutNs: number): number {
    this.stats.systemCallCount++;
    const count = this.#epoll.wait(timeoutNs);
    if (count === 0 && timeoutNs === 0) this.stats.peekCount++;
    return count;
  }

  #handle(conn: number, events: number): void {
    const state = this.table.state[conn];
    if (state === CONNECTING) {
      this.finishConnect(conn, socketError(this.table.fd[conn]!));
      return;
    }
    const receives = !this.relays || this.table.wanted[conn] === 1;
    // With nothing to receive, EPOLLERR and EPOLLHUP are about the sends.
    if ((events & EPOLLOUT || !receives) && this.#wantsOut[conn] === 1) {
      this.#flush(conn);
      if (this.table.state[conn] === FREE) return;
    }
    if (!receives) return;
    // EPOLLERR and EPOLLHUP come unasked: receiving tells what they mean, after the last bytes.
    if (events & ~EPOLLOUT) this.#receive(conn);
  }

  #receive(conn: number): void {
    this.stats.systemCallCount++;
    const n = this.#io.receive(this.table.fd[conn]!);
    if (this.table.state[conn] === ENDING) {
      if (n <= 0 && n !== -ERRNO.EAGAIN && n !== -ERRNO.EINTR) this.endByPeer(conn, 0 - n);
      return;
    }
    if (n > 0) {
      this.handlers.onData(conn, this.#io.receiveBuffer, 0, n);
    } else if (n === 0) {
      this.endedByPeer(conn);
    } else if (n !== -ERRNO.EAGAIN && n !== -ERRNO.EINTR) {
      this.closeByPeer(conn, -n);
    }
  }

  /** Both sides have ended: what is queued is still sent, then the connection is closed. */
  protected endByPeer(conn: number, errno: number): void {
    if (errno !== 0 || this.queues.count[conn] === 0) {
      this.release(conn);
      return;
    }
    this.table.peerEnded[conn] = 1;
    // The end of the stream would be reported again and again: only room to send is of interest now.
    this.#wantsOut[conn] = 1;
    this.#watch(conn, EPOLLOUT);
  }

  /** Gives the kernel what is queued, as much as it takes. */
  #flush(conn: number): void {
    const queues = this.queues;
    while (queues.count[conn]! > 0) {
      const pieceCount = Math.min(queues.count[conn]!, GATHER_LIMIT);
      let wanted = 0;
      for (let i = 0; i < pieceCount; i++) {
        const piece = queues.piece(conn, i);
        const length = queues.end(piece) - queues.start(piece);
        this.#io.gather(queues.area(piece).addressNumber + queues.start(piece), length);
        wanted += length;
      }
      this.stats.systemCallCount++;
      const sent = this.#io.send(this.table.fd[conn]!);
      if (sent > 0) queues.advance(conn, sent);
      if (sent === -ERRNO.EINTR || sent === wanted) continue;
      if (sent < 0 && sent !== -ERRNO.EAGAIN) {
        this.#failSend(conn, -sent);
        return;
      }
      if (this.#wantsOut[conn] === 0) this.#setWantsOut(conn, 1);
      return;
    }
    if (this.table.peerEnded[conn] === 1) {
      this.release(conn);
      return;
    }
    if (this.#wantsOut[conn] === 1) this.#setWantsOut(conn, 0);
    if (this.table.state[conn] === ENDING || this.table.shuts[conn] === 1) {
      shutdownSocket(this.table.fd[conn]!, SHUT_WR);
    }
  }

  /** The peer may still have sent something worth reading: reading then ends, and the close carries this error. */
  #failSend(conn: number, errno: number): void {
    this.queues.clear(conn);
    this.table.sendErrno[conn] = errno;
    if (this.#wantsOut[conn] === 1) this.#setWantsOut(conn, 0);
    shutdownSocket(this.table.fd[conn]!, SHUT_RDWR);
    if (this.relays && this.table.wanted[conn] === 0) this.notices.sendFailed(conn);
  }

  #setWantsOut(conn: number, wanted: 0 | 1): void {
    this.#wantsOut[conn] = wanted;
    this.#watchAsked(conn);
  }

  protected watchWanted(conn: number): void {
    this.#watchAsked(conn);
  }

  protected dropQueued(conn: number): void {
    this.queues.clear(conn);
  }

  #watchAsked(conn: number): void {
    const receives = !this.relays || this.table.wanted[conn] === 1;
    this.#watch(conn, (receives ? EPOLLIN : 0) | (this.#wantsOut[conn] ? EPOLLOUT : 0));
  }

  #watch(conn: number, events: number): void {
    const fd = this.table.fd[conn]!;
    if (events === 0 && this.#isWatched[conn] === 0) return;
    this.stats.systemCallCount++;
    if (events === 0) this.#epoll.remove(fd);
    else if (this.#isWatched[conn] === 1) this.#epoll.modify(fd, events, conn, this.table.generation[conn]!);
    else this.#epoll.add(fd, events, conn, this.table.generation[conn]!);
    this.#isWatched[conn] = events === 0 ? 0 : 1;
  }

  protected watchConnect(conn: number): void {
    this.#watch(conn, EPOLLOUT);
  }

  protected watchOpen(conn: number): void {
    this.#watch(conn, EPOLLIN);
  }

  protected override finishConnect(conn: number, errno: number): void {
    if (errno !== 0 || this.relays) this.#watch(conn, 0);
    super.finishConnect(conn, errno);
  }

  protected release(conn: number): void {
    this.queues.clear(conn);
    this.#wantsOut[conn] = 0;
    this.#isWatched[conn] = 0;
    if (this.table.state[conn] === ENDING) this.ending.remove(conn);
    closeFd(this.table.fd[conn]!);
    this.table.release(conn);
    // A descriptor is free again: accept may be tried before its time.
    this.acceptor.listeners.retryAtNs = 0;
  }
}
