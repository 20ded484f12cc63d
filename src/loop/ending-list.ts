import type { ConnectionTable } from './connection-table.ts';
import { END_LINGER_NS } from './event-loop.ts';
import type { SendQueues } from './send-queue.ts';

/**
 * Connections whose owner called end(), in the order of their deadlines. One with bytes still queued is looked at again
 * each time, as long as its peer takes some.
 */
export class EndingList {
  readonly #table: ConnectionTable;
  readonly #queues: SendQueues;
  readonly #drainTimeoutNs: number;
  /** Insertion order is deadline order, for all are looked at after equal times. */
  readonly #deadlineNs = new Map<number, number>();
  /** At the last look: bytes the peer had not taken, and since when it is that many. */
  readonly #pending: Float64Array;
  readonly #sinceNs: Float64Array;
  /** Had bytes queued at the last look. */
  readonly #isDraining: Uint8Array;

  /** drainTimeoutNs: how long a peer may take nothing of what is queued. */
  constructor(table: ConnectionTable, queues: SendQueues, drainTimeoutNs: number = END_LINGER_NS) {
    this.#table = table;
    this.#queues = queues;
    this.#drainTimeoutNs = drainTimeoutNs;
    this.#pending = new Float64Array(table.limit);
    this.#sinceNs = new Float64Array(table.limit);
    this.#isDraining = new Uint8Array(table.limit);
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
    this.#pending[conn] = this.#queues.pendingBytes[conn]!;
    this.#sinceNs[conn] = nowNs;
    this.#isDraining[conn] = 0;
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
      if (this.#table.fd[conn] === -1) continue;
      if (this.#mayStay(conn, nowNs)) this.#deadlineNs.set(conn, nowNs + END_LINGER_NS);
      else onExpired(conn);
    }
  }

  /** The peer takes what is queued; or it has just taken the last of it, and its time to close begins now. */
  #mayStay(conn: number, nowNs: number): boolean {
    const pending = this.#queues.pendingBytes[conn]!;
    const tookSome = pending !== this.#pending[conn];
    const wasDraining = this.#isDraining[conn] === 1;
    this.#pending[conn] = pending;
    if (tookSome) this.#sinceNs[conn] = nowNs;
    this.#isDraining[conn] = pending > 0 ? 1 : 0;
    return pending > 0 ? nowNs - this.#sinceNs[conn]! < this.#drainTimeoutNs : wasDraining && tookSome;
  }
}
