/** The listening sockets of a loop: opened, named, paused while the table is full, closed with their socket files. */
import type { Address } from '../base/address.ts';
import { assert } from '../base/assert.ts';
import { closeFd, localAddress, openListener, unlinkSocketPath } from '../kernel/sockets.ts';
import type { ListenOptions } from './event-loop.ts';

/** After accept(2) ran out of descriptors: how long until it is tried again, unless a connection closes first. */
export const ACCEPT_RETRY_NS = 100e6;

export type Listener = {
  readonly fd: number;
  readonly address: Address;
  /** Not accepting: the table is full, or descriptors ran out. Connections wait in the kernel's queue. */
  paused: boolean;
  /** The kernel holds a multishot accept (ring only). */
  armed: boolean;
};

export class Listeners {
  readonly list: Listener[] = [];
  /** True when some listener is paused: what a cycle has to look at. */
  anyPaused = false;
  /** Before this time a paused listener is not tried again. */
  retryAtNs = 0;

  /** Opens a listener; returns its index. Throws SYSCALL or PERMISSION. */
  open(address: Address, options?: ListenOptions): number {
    const fd = openListener(address, options);
    this.list.push({ fd, address, paused: false, armed: false });
    return this.list.length - 1;
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

  [Symbol.dispose](): void {
    for (const { fd, address } of this.list) {
      closeFd(fd);
      if (address.kind === 'unix') unlinkSocketPath(address.path);
    }
    this.list.length = 0;
    this.anyPaused = false;
  }
}
