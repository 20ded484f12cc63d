import { isIP } from 'node:net';
import type { Address } from '../../base/address.ts';
import type { ConnectOptions, EventLoop } from '../../loop/event-loop.ts';

/** One address that connections go to, and the local addresses they come from, in turn. */
export class Target {
  readonly #address: Address;
  readonly #sources: readonly ConnectOptions[];
  #next = 0;

  /** Of `sources` those of the address's family are used; none: the kernel chooses. */
  constructor(address: Address, sources: readonly string[]) {
    this.#address = address;
    const family = address.kind === 'unix' ? 0 : isIP(address.host.split('%')[0]!);
    const fitting = sources.filter((source) => isIP(source) === family);
    // If none fits the kernel says so.
    this.#sources = (fitting.length > 0 ? fitting : sources).map((sourceAddress) => ({ sourceAddress }));
  }

  /** Throws as EventLoop.connect() does. */
  connect(loop: EventLoop): number {
    const source = this.#sources[this.#next];
    if (++this.#next >= this.#sources.length) this.#next = 0;
    return loop.connect(this.#address, source);
  }
}
