/**
 * Connects under way, the part common to both back ends. A TCP connect ends with POLLOUT, which the back end watches
 * for. A Unix connect ends at once, but for one case: when the listener's queue is full it fails with EAGAIN and
 * nothing will tell when there is room again, so it is retried every RETRY_NS and given up after GIVE_UP_NS.
 */
import { type Address, formatAddress } from '../base/address.ts';
import { LoopscopeError } from '../base/errors.ts';
import { encodeAddress } from '../kernel/address.ts';
import { ERRNO } from '../kernel/errno.ts';
import { closeFd, openClientSocket, startConnect } from '../kernel/sockets.ts';
import { CONNECTING, type ConnectionTable } from './connection-table.ts';
import type { ConnectOptions } from './event-loop.ts';

export const RETRY_NS = 1e6;
const GIVE_UP_NS = 1e9;

type Outcome = { conn: number; generation: number; errno: number };
type Retry = { conn: number; generation: number; sockaddr: Uint8Array; giveUpAtNs: number };

export class Connecting {
  readonly #table: ConnectionTable;
  readonly #nowNs: () => number;
  readonly #sockaddrs = new WeakMap<Address, Uint8Array>();
  #outcomes: Outcome[] = [];
  #retries: Retry[] = [];

  constructor(table: ConnectionTable, nowNs: () => number) {
    this.#table = table;
    this.#nowNs = nowNs;
  }

  get hasOutcomes(): boolean {
    return this.#outcomes.length > 0;
  }
  get hasRetries(): boolean {
    return this.#retries.length > 0;
  }

  /** Takes a slot and starts. `isInProgress`: the back end is to watch for POLLOUT. Throws as connect() does. */
  start(address: Address, options?: ConnectOptions): { conn: number; isInProgress: boolean } {
    if (this.#table.isFull) {
      throw new LoopscopeError(
        'INTERNAL',
        `connect ${formatAddress(address)}: all ${this.#table.limit} connections of this loop are in use`,
        'raise connectionLimit',
      );
    }
    let sockaddr = this.#sockaddrs.get(address);
    if (!sockaddr) {
      sockaddr = encodeAddress(address);
      this.#sockaddrs.set(address, sockaddr);
    }
    const fd = openClientSocket(address, options);
    const conn = this.#table.take(fd, CONNECTING);
    const generation = this.#table.generation[conn]!;
    const result = startConnect(fd, sockaddr);
    if (result === -ERRNO.EINPROGRESS) return { conn, isInProgress: true };
    if (result === -ERRNO.EAGAIN && address.kind === 'unix') {
      this.#retries.push({ conn, generation, sockaddr, giveUpAtNs: this.#nowNs() + GIVE_UP_NS });
    } else {
      this.#outcomes.push({ conn, generation, errno: -result });
    }
    return { conn, isInProgress: false };
  }

  /** Repeats what met a full queue. Once a cycle. */
  retry(): void {
    if (this.#retries.length === 0) return;
    const nowNs = this.#nowNs();
    const retries = this.#retries;
    this.#retries = [];
    for (const entry of retries) {
      if (!this.#isCurrent(entry)) continue;
      const result = startConnect(this.#table.fd[entry.conn]!, entry.sockaddr);
      if (result === -ERRNO.EAGAIN && nowNs < entry.giveUpAtNs) this.#retries.push(entry);
      else this.#outcomes.push({ conn: entry.conn, generation: entry.generation, errno: -result });
    }
  }

  /** Reports connects that ended without an event. Once a cycle. */
  report(onOutcome: (conn: number, errno: number) => void): void {
    if (this.#outcomes.length === 0) return;
    // A handler may connect again: that outcome is for the next cycle.
    const outcomes = this.#outcomes;
    this.#outcomes = [];
    for (const outcome of outcomes) {
      if (this.#isCurrent(outcome)) onOutcome(outcome.conn, outcome.errno);
    }
  }

  #isCurrent(entry: { conn: number; generation: number }): boolean {
    return (
      this.#table.generation[entry.conn] === entry.generation && this.#table.state[entry.conn] === CONNECTING
    );
  }
}

/** Closes the socket of a failed connect and frees its slot. */
export function dropConnecting(table: ConnectionTable, conn: number): void {
  closeFd(table.fd[conn]!);
  table.release(conn);
}
