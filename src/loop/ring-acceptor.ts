/**
 * The accepting side of the ring loop: one multishot accept for each listener, cancelled while the table is full.
 * What was accepted by then is held, and served first when there is room.
 */
import type { Address } from '../base/address.ts';
import { IORING_CQE_F_MORE } from '../kernel/abi/io-uring.ts';
import { ERRNO } from '../kernel/errno.ts';
import { acceptConnection, closeFd } from '../kernel/sockets.ts';
import type { ConnectionTable } from './connection-table.ts';
import type { AcceptOptions, ListenOptions } from './event-loop.ts';
import { ACCEPT_RETRY_NS, Listeners } from './listeners.ts';
import { OP_ACCEPT, OP_NONE, type Submitter } from './submitter.ts';

export class RingAcceptor {
  readonly listeners = new Listeners();
  readonly #submitter: Submitter;
  readonly #table: ConnectionTable;
  readonly #nowNs: () => number;
  readonly #open: (fd: number, listener: number) => void;
  /** Accepted while the table was full: [descriptor, listener]. As many as one batch of completions brings. */
  readonly #held: [number, number][] = [];
  /** To be closed when their accepts have ended. */
  readonly #stopping = new Set<number>();

  constructor(
    submitter: Submitter,
    table: ConnectionTable,
    nowNs: () => number,
    open: (fd: number, listener: number) => void,
  ) {
    this.#submitter = submitter;
    this.#table = table;
    this.#nowNs = nowNs;
    this.#open = open;
  }

  listen(address: Address, options?: ListenOptions): number {
    const listener = this.listeners.open(address, options);
    this.#arm(listener);
    return listener;
  }

  adopt(fd: number, address: Address, options?: AcceptOptions): number {
    const listener = this.listeners.adopt(fd, address, options);
    this.#arm(listener);
    return listener;
  }

  setAccepting(listener: number, accepting: boolean): void {
    const entry = this.listeners.list[listener]!;
    if (entry.wanted === accepting || entry.fd === -1) return;
    entry.wanted = accepting;
    if (!accepting) this.#cancel(listener);
    else if (!entry.armed && !entry.paused) this.#arm(listener);
  }

  /** The accept is cancelled first: what came before its end is told by completions, the rest is taken after it. */
  stop(listener: number): void {
    this.#stopping.add(listener);
    this.listeners.list[listener]!.wanted = false;
    if (this.listeners.list[listener]!.armed) this.#cancel(listener);
    else this.#finish(listener);
  }

  /** A completion of a listener's accept. */
  accepted(listener: number, result: number, flags: number): void {
    const entry = this.listeners.list[listener]!;
    if (result >= 0) {
      if (this.#table.isFull) {
        this.#held.push([result, listener]);
        if (!entry.paused) this.#pause(listener, 0);
      } else {
        this.#open(result, listener);
      }
    }
    if (flags & IORING_CQE_F_MORE) return;
    // Multishot accept has ended: by our cancelling it, for want of descriptors, or because a connection failed.
    entry.armed = false;
    if (this.#stopping.has(listener)) {
      this.#finish(listener);
      return;
    }
    const isPassing = result >= 0 || result === -ERRNO.ECONNABORTED || result === -ERRNO.EINTR;
    if (!isPassing && result !== -ERRNO.ECANCELED) this.#pause(listener, this.#nowNs() + ACCEPT_RETRY_NS);
    else if (!entry.paused && entry.wanted) this.#arm(listener);
  }

  /** Serves what is held and resumes what is paused, as far as there is room. Once a cycle while something is paused. */
  resume(nowNs: number): void {
    while (this.#held.length > 0 && !this.#table.isFull) {
      const [fd, listener] = this.#held.shift()!;
      this.#open(fd, listener);
    }
    if (this.#table.isFull || nowNs < this.listeners.retryAtNs) return;
    this.listeners.retryAtNs = 0;
    this.listeners.anyPaused = false;
    for (let i = 0; i < this.listeners.list.length; i++) {
      const entry = this.listeners.list[i]!;
      if (!entry.paused) continue;
      if (entry.armed) {
        this.listeners.anyPaused = true; // The cancelled accept has not ended yet.
        continue;
      }
      entry.paused = false;
      if (entry.wanted) this.#arm(i);
    }
  }

  /** After the ring let go of the listeners. */
  [Symbol.dispose](): void {
    for (const [fd] of this.#held) closeFd(fd);
    this.#held.length = 0;
    this.listeners[Symbol.dispose]();
  }

  #pause(listener: number, untilNs: number): void {
    this.#submitter.stats.shortageCount++;
    this.#cancel(listener);
    this.listeners.pause(listener, untilNs);
  }

  #finish(listener: number): void {
    const entry = this.listeners.list[listener]!;
    while (!this.#table.isFull && entry.fd !== -1) {
      const fd = acceptConnection(entry.fd);
      if (fd < 0) break;
      this.#open(fd, listener);
    }
    this.#stopping.delete(listener);
    this.listeners.close(listener);
  }

  #cancel(listener: number): void {
    const entry = this.listeners.list[listener]!;
    if (!entry.armed) return;
    this.#submitter.makeRoom(1);
    this.#submitter.ring.cancelFd(entry.fd, OP_NONE);
  }

  #arm(listener: number): void {
    const entry = this.listeners.list[listener]!;
    this.#submitter.makeRoom(1);
    entry.armed = true;
    this.#submitter.ring.acceptMultishot(entry.fd, OP_ACCEPT | listener, 0);
  }
}
