/** What accounts are told of flows: from the first byte on, and with the kernel's count at the end. */
// Invariants
//  A1  An account is open while its flow relays, and after that while its upstream's socket still has last words to send.
import type { EventLoop } from '../../../loop/event-loop.ts';
import type { Accounts } from '../accounts/accounts.ts';
import { type FlowTable, LAST_WORDS, RELAYING } from './flow-table.ts';
import type { FlowEnd } from './relay.ts';

export class FlowAccounts {
  readonly #accounts: Accounts;
  readonly #table: FlowTable;
  readonly #loop: Pick<EventLoop, 'socketOf'>;
  /** Of an upstream's socket with last words: bytes that its client sent. */
  readonly #upBytes: Float64Array;

  constructor(accounts: Accounts, table: FlowTable, loop: Pick<EventLoop, 'socketOf'>) {
    this.#accounts = accounts;
    this.#table = table;
    this.#loop = loop;
    this.#upBytes = new Float64Array(table.limit);
  }

  /** A few times a second. False: its quota is used up. */
  live(client: number): boolean {
    const { account, fromBytes, peer } = this.#table;
    if (account[client]! < 0) return true;
    return this.#accounts.live(account[client]!, fromBytes[client]!, fromBytes[peer[client]!]!);
  }

  /** The upstream's socket is about to be closed. */
  closing(client: number, how: FlowEnd): void {
    const { account, peer } = this.#table;
    if (account[client]! >= 0) this.#settle(client, peer[client]!, how);
  }

  /** The flow is over, but for `last`. */
  over(client: number, last: number): void {
    const { account, fromBytes, headerBytes, peer } = this.#table;
    if (account[client]! < 0) return;
    const upstream = peer[client]!;
    if (last === upstream) {
      this.live(client);
      account[last] = account[client]!;
      headerBytes[last] = headerBytes[client]!;
      this.#upBytes[last] = fromBytes[client]!;
    } else {
      this.#accounts.closed(account[client]!, fromBytes[client]!, fromBytes[upstream]!);
    }
    account[client] = -1;
  }

  /** A socket with last words is about to be closed. */
  lastWords(conn: number, how: FlowEnd): void {
    const { account, fromBytes } = this.#table;
    if (account[conn]! < 0) return;
    this.#settle(conn, conn, how);
    this.#accounts.closed(account[conn]!, this.#upBytes[conn]!, fromBytes[conn]!);
    account[conn] = -1;
  }

  /** Those who are cut by our end: what the kernel has taken over it still sends. */
  closeAll(): void {
    const { state, end } = this.#table;
    for (let conn = 0; conn < end; conn++) {
      if (state[conn] === LAST_WORDS) this.lastWords(conn, 'ended');
      if (state[conn] !== RELAYING) continue;
      this.closing(conn, 'ended');
      this.over(conn, -1);
    }
  }

  #settle(holder: number, upstream: number, how: FlowEnd): void {
    const { account, headerBytes, fromBytes } = this.#table;
    const fd = this.#loop.socketOf(upstream);
    this.#accounts.settle(account[holder]!, fd, fromBytes[upstream]!, headerBytes[holder]!, how === 'reset');
  }
}
