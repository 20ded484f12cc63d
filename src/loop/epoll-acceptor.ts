/**
 * The accepting side of the epoll loop: listeners in the epoll set while their owner wants connections and there is
 * room for them.
 */
// Invariants
//  A1  A listener is in the epoll set exactly while it is wanted, not paused and open.
//  A2  Nothing is allocated, and nothing thrown, per connection.
import type { Address } from '../base/address.ts';
import { EPOLLEXCLUSIVE, EPOLLIN } from '../kernel/abi/epoll.ts';
import type { Epoll } from '../kernel/epoll.ts';
import { ERRNO } from '../kernel/errno.ts';
import { acceptConnection } from '../kernel/sockets.ts';
import type { ConnectionTable } from './connection-table.ts';
import type { AcceptOptions, ListenOptions, LoopStats } from './event-loop.ts';
import { ACCEPT_RETRY_NS, Listeners } from './listeners.ts';

/** In the word that names a connection: this is a listener. */
export const LISTENER_BIT = 0x80000000;

export class EpollAcceptor {
  readonly listeners = new Listeners();
  readonly #epoll: Epoll;
  readonly #table: ConnectionTable;
  readonly #stats: LoopStats;
  readonly #nowNs: () => number;
  readonly #open: (fd: number, listener: number) => void;

  constructor(
    epoll: Epoll,
    table: ConnectionTable,
    stats: LoopStats,
    nowNs: () => number,
    open: (fd: number, listener: number) => void,
  ) {
    this.#epoll = epoll;
    this.#table = table;
    this.#stats = stats;
    this.#nowNs = nowNs;
    this.#open = open;
  }

  listen(address: Address, options?: ListenOptions): number {
    const listener = this.listeners.open(address, options);
    this.#watch(listener);
    return listener;
  }

  adopt(fd: number, address: Address, options?: AcceptOptions): number {
    const listener = this.listeners.adopt(fd, address, options);
    this.#watch(listener);
    return listener;
  }

  setAccepting(listener: number, accepting: boolean): void {
    const entry = this.listeners.list[listener]!;
    if (entry.wanted === accepting || entry.fd === -1) return;
    entry.wanted = accepting;
    if (entry.paused) return;
    if (accepting) this.#watch(listener);
    else this.#unwatch(listener);
  }

  /** For good: takes those who wait, as far as there is room. */
  stop(listener: number): void {
    this.setAccepting(listener, false);
    const { fd } = this.listeners.list[listener]!;
    while (fd !== -1 && !this.#table.isFull) {
      this.#stats.systemCallCount++;
      const accepted = acceptConnection(fd);
      if (accepted < 0) break;
      this.#open(accepted, listener);
    }
    this.listeners.close(listener);
  }

  /** The listeners among the ready descriptors, before all others. */
  acceptAll(readyCount: number): void {
    for (let i = 0; i < readyCount; i++) {
      const low = this.#epoll.low(i);
      if (low >= LISTENER_BIT) this.accept(low - LISTENER_BIT);
    }
  }

  /** A listener is ready: takes as many as one cycle may. */
  accept(listener: number): void {
    const entry = this.listeners.list[listener]!;
    if (!entry.wanted) return; // Stopped by a handler, earlier in this batch.
    for (let i = 0; i < entry.acceptLimit; i++) {
      if (this.#table.isFull) {
        this.#pause(listener, 0);
        return;
      }
      this.#stats.systemCallCount++;
      const fd = acceptConnection(entry.fd);
      if (fd < 0) {
        if (fd === -ERRNO.EMFILE || fd === -ERRNO.ENFILE || fd === -ERRNO.ENOMEM || fd === -ERRNO.ENOBUFS) {
          this.#pause(listener, this.#nowNs() + ACCEPT_RETRY_NS);
        } else if (fd === -ERRNO.EAGAIN) {
          this.#stats.acceptEmptyCount++;
          if (i === 0) this.#stats.acceptInVainCount++;
        }
        return; // EAGAIN, or a connection that went away before it was accepted: LT tells of the next.
      }
      this.#open(fd, listener);
    }
  }

  /** Resumes what is paused, if there is room. Once a cycle while something is. */
  resume(nowNs: number): void {
    if (this.#table.isFull || nowNs < this.listeners.retryAtNs) return;
    this.listeners.anyPaused = false;
    this.listeners.retryAtNs = 0;
    for (let i = 0; i < this.listeners.list.length; i++) {
      const entry = this.listeners.list[i]!;
      if (!entry.paused) continue;
      entry.paused = false;
      if (entry.wanted) this.#watch(i);
    }
  }

  #watch(listener: number): void {
    const { fd, exclusive } = this.listeners.list[listener]!;
    this.#stats.systemCallCount++;
    this.#epoll.add(fd, exclusive ? EPOLLIN | EPOLLEXCLUSIVE : EPOLLIN, LISTENER_BIT + listener, 0);
  }

  #unwatch(listener: number): void {
    this.#stats.systemCallCount++;
    this.#epoll.remove(this.listeners.list[listener]!.fd);
  }

  #pause(listener: number, untilNs: number): void {
    this.#stats.shortageCount++;
    this.#unwatch(listener);
    this.listeners.pause(listener, untilNs);
  }
}
