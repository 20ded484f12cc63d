/**
 * The seam for upstreams: which one is next, and what became of it. An upstream is a small number, which is not given to
 * another while connections of it are open.
 */
import type { Address } from '../../../base/address.ts';

/** None can be had. */
export const NO_UPSTREAM = -1;

export type Upstreams = {
  /**
   * Picks one, and counts a connection to it until released(). `key` is a hash of the client's address, for consistent
   * hashing; `except` is one that has just failed for this client, or NO_UPSTREAM. Allocates nothing.
   */
  pick(key: number, except: number): number;
  /** The same object each time. */
  addressOf(upstream: number): Address;
  /** As accounts and metrics name it; the same string each time. */
  nameOf(upstream: number): string;
  /** Connected, after so long. */
  succeeded(upstream: number, connectNs: number): void;
  /** Could not be connected, or ended with an error before its first byte. */
  failed(upstream: number, errno: number): void;
  /** The connection is over, or never came to be: once for each pick(). */
  released(upstream: number): void;
  /** Once a cycle; cheap when nothing is due. Returns in how many ns something is due; Infinity for nothing. */
  turn(nowNs: number): number;
  [Symbol.dispose](): void;
};
