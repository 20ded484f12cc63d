/**
 * What was counted and is not yet written down. Bounded: when nothing can be written for long, destinations of a user are
 * put together as "(other)", and then users; no byte is lost.
 */
import type { Batch, UsageRow } from './batch.ts';
import { HOUR_MS } from './quota.ts';
import { addUsage, noUsage, type Usage } from './usage.ts';

export const TOGETHER = '(other)';

export class Ledger {
  readonly #writer: string;
  readonly #rowLimit: number;
  #rows = new Map<string, UsageRow>();
  /** Given out and not yet known to be written. */
  #batch: Batch | null = null;
  #sequence = 0;
  /** Rows that were put together for want of room. */
  foldedCount = 0;

  /** `writer` names this run and no other; `rowLimit` bounds the memory: a row is some 300 bytes. */
  constructor(writer: string, rowLimit = 65_536) {
    this.#writer = writer;
    this.#rowLimit = rowLimit;
  }

  /** Rows that wait, those given out included. */
  get waitingCount(): number {
    return this.#rows.size + (this.#batch?.rows.length ?? 0);
  }

  add(user: string, destination: string, wallMs: number, more: Readonly<Usage>): void {
    const hourMs = Math.floor(wallMs / HOUR_MS) * HOUR_MS;
    addUsage(this.#row(user, destination, hourMs).usage, more);
  }

  /**
   * What is to be written now; the same again, with the same number, until it is settled. Null when there is nothing.
   */
  take(wallMs: number): Batch | null {
    if (this.#batch || this.#rows.size === 0) return this.#batch;
    this.#batch = {
      writer: this.#writer,
      sequence: ++this.#sequence,
      wallMs,
      rows: [...this.#rows.values()],
    };
    this.#rows = new Map();
    return this.#batch;
  }

  /** The batch of that number is written down. */
  settle(sequence: number): void {
    if (this.#batch?.sequence === sequence) this.#batch = null;
  }

  #row(user: string, destination: string, hourMs: number): UsageRow {
    const found = this.#rows.get(keyOf(user, destination, hourMs));
    if (found) return found;
    if (this.#rows.size < this.#rowLimit) return this.#insert(user, destination, hourMs);
    this.foldedCount++;
    return (
      this.#rows.get(keyOf(user, TOGETHER, hourMs)) ??
      (this.#rows.size < this.#rowLimit * 2
        ? this.#insert(user, TOGETHER, hourMs)
        : (this.#rows.get(keyOf(TOGETHER, TOGETHER, 0)) ?? this.#insert(TOGETHER, TOGETHER, 0)))
    );
  }

  #insert(user: string, destination: string, hourMs: number): UsageRow {
    const row = { user, destination, hourMs, usage: noUsage() };
    this.#rows.set(keyOf(user, destination, hourMs), row);
    return row;
  }
}

function keyOf(user: string, destination: string, hourMs: number): string {
  return `${user}\0${destination}\0${hourMs}`;
}
