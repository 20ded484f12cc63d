/**
 * What both back ends do alike: who is connected, who ends, when the next turn has to begin, and the order of a turn.
 *
 * Invariants
 *  S1  A turn is: connects tried again, queued sends, one wait, its events, outcomes of connects, ends whose time is
 *      over, failed sends and room for more, listeners that have room again, the owner's turn.
 *  S2  After a handler ran, a connection is looked at again only if its generation is still the same.
 *  S3  Nothing is allocated, and nothing thrown, per turn.
 */
import type { Address } from '../base/address.ts';
import { assert } from '../base/assert.ts';
import { SHUT_WR } from '../kernel/abi/socket.ts';
import { SendArea } from '../kernel/send-area.ts';
import { setResetOnClose, shutdownSocket } from '../kernel/sockets.ts';
import { Connecting, dropConnecting, RETRY_NS } from './connecting.ts';
import { CONNECTING, ConnectionTable, ENDING, OPEN } from './connection-table.ts';
import { EndingList } from './ending-list.ts';
import {
  type AcceptOptions,
  type ConnectOptions,
  type EventLoop,
  emptyStats,
  type ListenOptions,
  type LoopHandlers,
  type LoopOptions,
  type LoopStats,
  type SendMemory,
} from './event-loop.ts';
import type { Listeners } from './listeners.ts';
import { Notices } from './notices.ts';
import { SendQueues } from './send-queue.ts';

/** The accepting side of a back end. */
export type Acceptor = {
  readonly listeners: Listeners;
  listen(address: Address, options?: ListenOptions): number;
  adopt(fd: number, address: Address, options?: AcceptOptions): number;
  setAccepting(listener: number, accepting: boolean): void;
  stop(listener: number): void;
  /** Tries paused listeners again. */
  resume(nowNs: number): void;
};

export abstract class SocketLoop implements EventLoop {
  abstract readonly backend: EventLoop['backend'];
  readonly stats: LoopStats = emptyStats();
  protected readonly handlers: LoopHandlers;
  protected readonly nowNs: () => number;
  protected readonly table: ConnectionTable;
  protected readonly queues: SendQueues;
  protected readonly ending: EndingList;
  protected readonly notices: Notices;
  protected readonly relays: boolean;
  protected abstract readonly acceptor: Acceptor;
  readonly #connecting: Connecting;
  readonly #measuresWaits: boolean;
  readonly #onConnected = (conn: number, errno: number) => this.finishConnect(conn, errno);
  readonly #onLingered = (conn: number) => this.release(conn);
  /** The next turn waits until then at most; the first one polls. */
  #wakeAtNs = 0;
  #closed = false;

  constructor(options: LoopOptions) {
    this.handlers = options.handlers;
    this.nowNs = options.nowNs;
    this.#measuresWaits = options.measuresWaits ?? false;
    this.table = new ConnectionTable(options.connectionLimit);
    this.queues = new SendQueues(options.connectionLimit, this.stats, options.sendBlockBytes);
    this.relays = options.relays ?? false;
    this.notices = new Notices(this.table, this.queues, {
      failed: (conn) => this.#failedToSend(conn),
      room: (conn) => this.handlers.onRoom?.(conn),
    });
    this.ending = new EndingList(this.table, this.queues, options.drainTimeoutNs);
    this.#connecting = new Connecting(this.table, options.nowNs);
  }

  /** Has the kernel tell when a connect under way has ended. */
  protected abstract watchConnect(conn: number): void;
  /** Has the kernel tell what an open connection receives. */
  protected abstract watchOpen(conn: number): void;
  /** Has the kernel tell what a connection receives exactly while it is wanted. */
  protected abstract watchWanted(conn: number): void;
  /** Gives the kernel what was queued for it since the last turn. */
  protected abstract flushQueued(): void;
  /** Waits for events until the time of nextWakeNs(). */
  protected abstract wait(): void;
  protected abstract handleEvents(): void;
  /** The peer has ended after the owner did, or with an error: what is queued is still sent, or not. */
  protected abstract endByPeer(conn: number, errno: number): void;
  protected abstract release(conn: number): void;
  /** Forgets what the kernel has not been given. */
  protected abstract dropQueued(conn: number): void;
  protected abstract dispose(): void;

  abstract send(conn: number, memory: SendMemory, start: number, end: number): boolean;
  abstract sendCopy(conn: number, bytes: Uint8Array, start: number, end: number): boolean;

  get connectionCount(): number {
    return this.table.takenCount;
  }

  get listenerCount(): number {
    return this.acceptor.listeners.openCount;
  }

  allocateSendMemory(byteLength: number): SendMemory {
    return new SendArea(byteLength);
  }

  connect(address: Address, options?: ConnectOptions): number {
    assert(!this.#closed, 'connect() on an open loop');
    const { conn, isInProgress } = this.#connecting.start(address, options);
    this.stats.systemCallCount += 2;
    if (isInProgress) this.watchConnect(conn);
    return conn;
  }

  listen(address: Address, options?: ListenOptions): number {
    assert(!this.#closed, 'listen() on an open loop');
    return this.acceptor.listen(address, options);
  }

  adopt(fd: number, address: Address, options?: AcceptOptions): number {
    assert(!this.#closed, 'adopt() on an open loop');
    return this.acceptor.adopt(fd, address, options);
  }

  setAccepting(listener: number, accepting: boolean): void {
    this.acceptor.setAccepting(listener, accepting);
  }

  stopListening(listener: number): void {
    this.acceptor.stop(listener);
  }

  listenerAddress(listener: number): Address {
    return this.acceptor.listeners.addressOf(listener);
  }

  pendingSendBytes(conn: number): number {
    return this.queues.pendingBytes[conn]!;
  }

  setReceiving(conn: number, receiving: boolean): void {
    const wanted = receiving ? 1 : 0;
    const { table } = this;
    if (table.state[conn] !== OPEN || table.wanted[conn] === wanted || table.ended[conn] === 1) return;
    table.wanted[conn] = wanted;
    this.watchWanted(conn);
  }

  askRoom(conn: number, pendingBytes: number): void {
    if (this.table.state[conn] === OPEN) this.notices.askRoom(conn, pendingBytes);
  }

  shutdown(conn: number): void {
    if (this.table.state[conn] !== OPEN || this.table.shuts[conn] === 1) return;
    this.table.shuts[conn] = 1;
    if (this.queues.count[conn] === 0) shutdownSocket(this.table.fd[conn]!, SHUT_WR);
  }

  reset(conn: number): void {
    if (this.table.state[conn] !== OPEN) {
      this.close(conn);
      return;
    }
    setResetOnClose(this.table.fd[conn]!);
    this.dropQueued(conn);
    this.release(conn);
  }

  socketOf(conn: number): number {
    return this.table.fd[conn]!;
  }

  close(conn: number): void {
    const state = this.table.state[conn]!;
    if (state === OPEN || state === CONNECTING) this.release(conn);
  }

  end(conn: number): void {
    if (this.table.state[conn] !== OPEN) {
      this.close(conn);
      return;
    }
    if (this.table.ended[conn] === 1 && this.queues.count[conn] === 0) {
      this.release(conn);
      return;
    }
    this.table.state[conn] = ENDING;
    this.ending.add(conn, this.nowNs());
    if (this.queues.count[conn] === 0) shutdownSocket(this.table.fd[conn]!, SHUT_WR);
    if (!this.relays) return;
    if (this.table.ended[conn] === 1) {
      this.endByPeer(conn, 0);
    } else if (this.table.wanted[conn] === 0) {
      this.table.wanted[conn] = 1;
      this.watchWanted(conn);
    }
  }

  turn(): void {
    assert(!this.#closed, 'turn() on an open loop');
    this.#connecting.retry();
    this.flushQueued();
    if (this.#measuresWaits) this.stats.waitNs -= this.nowNs();
    this.wait();
    if (this.#measuresWaits) this.stats.waitNs += this.nowNs();
    this.handleEvents();
    this.#connecting.report(this.#onConnected);
    const nowNs = this.nowNs();
    if (this.ending.count > 0) this.ending.expire(nowNs, this.#onLingered);
    this.notices.tell();
    if (this.acceptor.listeners.anyPaused) this.acceptor.resume(nowNs);
    const waitNs = this.handlers.onTurn(nowNs);
    this.#wakeAtNs = waitNs <= 0 ? 0 : nowNs + waitNs;
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.dispose();
  }

  /** When the wait has to end; 0 for at once, Infinity for never. */
  protected nextWakeNs(): number {
    if (this.#connecting.hasOutcomes || this.notices.isUrgent) return 0;
    let wakeAtNs = this.#wakeAtNs;
    const { listeners } = this.acceptor;
    if (this.#connecting.hasRetries) wakeAtNs = Math.min(wakeAtNs, this.nowNs() + RETRY_NS);
    if (this.ending.count > 0) wakeAtNs = Math.min(wakeAtNs, this.ending.nextDeadlineNs);
    if (listeners.anyPaused && listeners.retryAtNs > 0) wakeAtNs = Math.min(wakeAtNs, listeners.retryAtNs);
    return wakeAtNs;
  }

  protected openAccepted(fd: number, listener: number): void {
    const conn = this.table.take(fd, OPEN);
    this.stats.acceptCount++;
    if (!this.relays) this.watchOpen(conn);
    this.handlers.onAccept(conn, listener);
  }

  protected finishConnect(conn: number, errno: number): void {
    if (errno === 0) {
      this.table.state[conn] = OPEN;
      if (!this.relays) this.watchOpen(conn);
      this.handlers.onConnect(conn, 0);
      return;
    }
    const generation = this.table.generation[conn]!;
    this.handlers.onConnect(conn, errno);
    if (this.table.generation[conn] === generation) dropConnecting(this.table, conn);
  }

  /** The peer's side has ended: of a relaying loop that is not the end of the connection. */
  protected endedByPeer(conn: number): void {
    if (!this.relays || this.table.sendErrno[conn] !== 0) {
      this.closeByPeer(conn, this.table.sendErrno[conn]!);
      return;
    }
    this.table.ended[conn] = 1;
    this.table.wanted[conn] = 0;
    this.watchWanted(conn);
    this.handlers.onEnd?.(conn);
  }

  #failedToSend(conn: number): void {
    const errno = this.table.sendErrno[conn]!;
    if (this.table.state[conn] === ENDING) this.endByPeer(conn, errno);
    else this.closeByPeer(conn, errno);
  }

  protected closeByPeer(conn: number, errno: number): void {
    const generation = this.table.generation[conn]!;
    this.queues.isClosing = true;
    this.handlers.onClose(conn, errno);
    this.queues.isClosing = false;
    if (this.table.generation[conn] !== generation) return; // The owner closed it.
    const state = this.table.state[conn];
    if (state === ENDING) this.endByPeer(conn, errno);
    else if (state === OPEN) this.release(conn);
  }
}
