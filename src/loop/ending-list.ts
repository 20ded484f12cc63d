import type { ConnectionTable } from './connection-table.ts';
import { END_LINGER_NS } from './event-loop.ts';

/** Connections whose owner called end(), in the order of their deadlines. */
export class EndingList {
  readonly #table: ConnectionTable;
  /** Insertion order is deadline order, for all linger equally long. */
  readonly #deadlineNs = new Map<number, number>();

  constructor(table: ConnectionTable) {
    this.#table = table;
  }

  get count(): number {
    return this.#deadlineNs.size;
  }

  /** Infinity when the list is empty. */
  get nextDeadlineNs(): number {
    for (const deadlineNs of this.#deadlineNs.values()) return deadlineNs;
    return Number.POSITIVE_INFINITY;
  }

  add(conn: number, nowNs: number): void {
    this.#deadlineNs.set(conn, nowNs + END_LINGER_NS);
  }

  remove(conn: number): void {
    this.#deadlineNs.delete(conn);
  }

  /** Calls back for each connection that lingered long enough; the callback releases it. */
  expire(nowNs: number, onExpired: (conn: number) => void): void {
    for (const [conn, deadlineNs] of this.#deadlineNs) {
      if (deadlineNs > nowNs) return;
      this.#deadlineNs.delete(conn);
      if (this.#table.fd[conn] !== -1) onExpired(conn);
    }
  }
}
