/**
 * Many logs as one, by the stamps of their lines. A log is opened when its first stamp is reached, so that of many
 * rotated files one or two are open at a time.
 *
 * Invariants
 *  M1  #heap is a binary heap of sources whose next line is in their entry, the earliest stamp first.
 *  M2  next() neither waits nor allocates; when it has nothing, ready() gets it.
 */
import type { LogSource } from './log-source.ts';

/** A log that is not open yet. */
export type WaitingLog = {
  /** Its earliest stamp near its beginning, seconds since 1970; −Infinity where none is known. */
  firstSec: number;
  /** Null when it cannot be opened any more, which is told in another place. */
  open(): Promise<LogSource | null>;
  /** Its source has nothing more. */
  onEnd(source: LogSource): void;
};

export class Merge {
  readonly #waiting: WaitingLog[];
  readonly #heap: LogSource[] = [];
  readonly #logOf = new Map<LogSource, WaitingLog>();
  /** The first of the heap has been taken, and must read on. */
  #taken = false;
  #dry = false;

  constructor(logs: readonly WaitingLog[]) {
    // Stable: logs that begin in the same second stay in the order in which they were named.
    this.#waiting = [...logs].sort((a, b) => (a.firstSec === b.firstSec ? 0 : a.firstSec - b.firstSec));
  }

  /** The source that has the next line; null when ready() is to be called. */
  next(): LogSource | null {
    const heap = this.#heap;
    if (this.#taken) {
      this.#taken = false;
      if (heap[0]!.next()) {
        if (heap.length > 1) this.#siftDown();
      } else {
        this.#dry = true;
      }
    }
    const first = heap[0];
    if (this.#dry || first === undefined || this.#isReached(first)) return null;
    this.#taken = true;
    return first;
  }

  /** Waits for bytes; false when all logs have ended. next() may still have nothing then. */
  async ready(): Promise<boolean> {
    const first = this.#heap[0];
    if (this.#dry && first !== undefined) {
      if (await first.fill()) {
        if (first.next()) {
          this.#dry = false;
          this.#siftDown();
        }
        return true;
      }
      this.#dry = false;
      await this.#end(first);
      this.#heap[0] = this.#heap[this.#heap.length - 1]!;
      this.#heap.pop();
      this.#siftDown();
    }
    while (this.#waiting.length > 0 && (this.#heap.length === 0 || this.#isReached(this.#heap[0]!))) {
      await this.#open(this.#waiting.shift()!);
    }
    return this.#heap.length > 0;
  }

  async close(): Promise<void> {
    this.#waiting.length = 0;
    await Promise.all([...this.#logOf.keys()].map((source) => source.close()));
  }

  #isReached(first: LogSource): boolean {
    const next = this.#waiting[0];
    return next !== undefined && first.entry.stampSec >= next.firstSec;
  }

  async #open(log: WaitingLog): Promise<void> {
    const source = await log.open();
    if (source === null) return;
    this.#logOf.set(source, log);
    while (!source.next()) {
      if (!(await source.fill())) return this.#end(source);
    }
    this.#heap.push(source);
    this.#siftUp();
  }

  async #end(source: LogSource): Promise<void> {
    this.#logOf.get(source)?.onEnd(source);
    this.#logOf.delete(source);
    await source.close();
  }

  #siftUp(): void {
    const heap = this.#heap;
    let at = heap.length - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (isBefore(heap[parent]!, heap[at]!)) return;
      swap(heap, at, parent);
      at = parent;
    }
  }

  #siftDown(): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) return;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (isBefore(heap[at]!, heap[child]!)) return;
      swap(heap, at, child);
      at = child;
    }
  }
}

function isBefore(a: LogSource, b: LogSource): boolean {
  const secs = a.entry.stampSec - b.entry.stampSec;
  if (secs !== 0) return secs < 0;
  const ns = a.entry.stampSubNs - b.entry.stampSubNs;
  return ns === 0 ? a.index < b.index : ns < 0;
}

function swap(heap: LogSource[], a: number, b: number): void {
  const kept = heap[a]!;
  heap[a] = heap[b]!;
  heap[b] = kept;
}
