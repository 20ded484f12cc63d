/** The listening sockets of a loop: opened, named, paused while the table is full, closed with their socket files. */
import type { Address } from '../base/address.ts';
import { assert } from '../base/assert.ts';
import {
  closeFd,
  localAddress,
  openListener,
  socketFileIdentity,
  unlinkSocketPath,
} from '../kernel/sockets.ts';
import type { AcceptOptions, ListenOptions } from './event-loop.ts';

/** Connections taken from one listener in one cycle, unless said otherwise. */
const ACCEPT_LIMIT = 64;

/** After accept(2) ran out of descriptors: how long until it is tried again, unless a connection closes first. */
export const ACCEPT_RETRY_NS = 100e6;

export type Listener = {
  fd: number;
  readonly address: Address;
  readonly exclusive: boolean;
  readonly acceptLimit: number;
  /** The socket file that goes with it; '' when there is none or it is not ours to remove. */
  readonly file: string;
  /** The owner of the loop wants connections from it. */
  wanted: boolean;
  /** Not accepting: the table is full, or descriptors ran out. Connections wait in the kernel's queue. */
  paused: boolean;
  /** The kernel holds a multishot accept (ring only). */
  armed: boolean;
};

export class Listeners {
  /** By listener number; those that were closed stay, with fd −1. */
  readonly list: Listener[] = [];
  /** True when some listener is paused: what a cycle has to look at. */
  anyPaused = false;
  /** Before this time a paused listener is not tried again. */
  retryAtNs = 0;

  /** Opens a listener; returns its index. Throws SYSCALL or PERMISSION. */
  open(address: Address, options?: ListenOptions): number {
    const fd = openListener(address, options);
    return this.#add(fd, address, address.kind === 'unix' ? socketFileIdentity(address.path) : '', options);
  }

  /** Takes over a descriptor that listens already; returns its index. */
  adopt(fd: number, address: Address, options?: AcceptOptions): number {
    return this.#add(fd, address, '', options);
  }

  get openCount(): number {
    let count = 0;
    for (const { fd } of this.list) if (fd !== -1) count++;
    return count;
  }

  addressOf(listener: number): Address {
    const entry = this.list[listener];
    assert(entry, 'a listener number comes from listen()');
    return entry.address.kind === 'unix' ? entry.address : localAddress(entry.fd);
  }

  pause(listener: number, untilNs: number): void {
    this.list[listener]!.paused = true;
    this.anyPaused = true;
    this.retryAtNs = untilNs;
  }

  /** Closes a listener, and removes a socket file of our own. Idempotent. */
  close(listener: number): void {
    const entry = this.list[listener]!;
    if (entry.fd === -1) return;
    closeFd(entry.fd);
    entry.fd = -1;
    entry.wanted = entry.paused = false;
    const { address, file } = entry;
    if (address.kind === 'unix' && file !== '') unlinkSocketPath(address.path, file);
  }

  [Symbol.dispose](): void {
    for (let i = 0; i < this.list.length; i++) this.close(i);
    this.list.length = 0;
    this.anyPaused = false;
  }

  #add(fd: number, address: Address, file: string, options: AcceptOptions = {}): number {
    const { exclusive = false, acceptLimit = ACCEPT_LIMIT } = options;
    const state = { wanted: true, paused: false, armed: false };
    this.list.push({ fd, address, exclusive, acceptLimit, file, ...state });
    return this.list.length - 1;
  }
}
