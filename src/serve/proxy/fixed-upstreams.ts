import { type Address, formatAddress } from '../../base/address.ts';
import { NO_UPSTREAM, type Upstreams } from './upstreams/upstreams.ts';

/** Upstreams that never change, one after the other. */
export function fixedUpstreams(addresses: readonly Address[]): Upstreams {
  const names = addresses.map(formatAddress);
  let next = 0;
  return {
    pick(_key, except) {
      if (addresses.length === 0) return NO_UPSTREAM;
      next = (next + 1) % addresses.length;
      if (next === except) next = (next + 1) % addresses.length;
      return next;
    },
    addressOf: (upstream) => addresses[upstream]!,
    nameOf: (upstream) => names[upstream]!,
    succeeded() {},
    failed() {},
    released() {},
    turn: () => Number.POSITIVE_INFINITY,
    [Symbol.dispose]() {},
  };
}
