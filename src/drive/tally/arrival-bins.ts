/**
 * Arrivals counted in bins of 1 ms, in a ring that a load thread fills and the main thread empties: memory does not
 * grow with the run. Dispersion follows from the bins, at 1, 10 and 100 ms.
 */
// Invariants
//  A1  A thread's times never step back: a bin before its `newest` does not change any more.
//  A2  Only the thread writes; a bin is zeroed before `newest` reaches it, and overwritten one ring length later.
export const ARRIVAL_BINS = 16_384;
const MASK = ARRIVAL_BINS - 1;
const BIN_NS = 1e6;

export class ArrivalBinWriter {
  readonly #bins: Uint16Array;
  readonly #newest: Int32Array;
  #last = 0;

  constructor(memory: SharedArrayBuffer) {
    this.#newest = new Int32Array(memory, 0, 1);
    this.#bins = new Uint16Array(memory, 8, ARRIVAL_BINS);
  }

  /** Counts one arrival. */
  add(sinceStartNs: number): void {
    const bin = (sinceStartNs / BIN_NS) | 0;
    if (bin > this.#last) this.#advance(bin);
    this.#bins[bin & MASK]!++;
  }

  /** Makes quiet time visible to the reader. */
  advanceTo(sinceStartNs: number): void {
    const bin = (sinceStartNs / BIN_NS) | 0;
    if (bin > this.#last) this.#advance(bin);
  }

  #advance(bin: number): void {
    const first = Math.max(this.#last + 1, bin - ARRIVAL_BINS + 1);
    for (let i = first; i <= bin; i++) this.#bins[i & MASK] = 0;
    this.#last = bin;
    Atomics.store(this.#newest, 0, bin);
  }
}

const SERIES_LIMIT = 8192;
const WIDTHS_MS = [1, 10, 100] as const;

type Sums = { open: number; count: number; sum: number; squares: number };

/** Reads the bins of all threads as one stream and keeps sums only. */
export class ArrivalReader {
  readonly #threads: { bins: Uint16Array; newest: Int32Array }[];
  readonly #fromBin: number;
  readonly #toBin: number;
  #next: number;
  readonly #sums: Sums[] = WIDTHS_MS.map(() => ({ open: 0, count: 0, sum: 0, squares: 0 }));
  maxIn1ms = 0;
  /** Of the first so many ms, for tests that need the series itself. */
  readonly countsByMs: number[] = [];
  arrivalCount = 0;
  /** Bins overwritten before they were read. */
  lostBinCount = 0;

  /** Only whole bins within [from, to) count, ns since the load began. */
  constructor(memories: readonly SharedArrayBuffer[], fromNs: number, toNs: number) {
    this.#threads = memories.map((memory) => ({
      newest: new Int32Array(memory, 0, 1),
      bins: new Uint16Array(memory, 8, ARRIVAL_BINS),
    }));
    this.#fromBin = Math.ceil(fromNs / BIN_NS);
    this.#toBin = Math.floor(toNs / BIN_NS);
    this.#next = this.#fromBin;
  }

  /** Reads what is settled; once the threads have ended, all there is of the ns that the load took. */
  collect(endedNs: number | null = null): void {
    let newest = Number.POSITIVE_INFINITY;
    let furthest = 0;
    for (const thread of this.#threads) {
      const at = Atomics.load(thread.newest, 0);
      newest = Math.min(newest, at);
      furthest = Math.max(furthest, at);
    }
    // After an early end nothing was due: empty bins would pass for one long lull.
    const end = Math.min(this.#toBin, endedNs === null ? newest : Math.floor(endedNs / BIN_NS));
    const kept = furthest - ARRIVAL_BINS + 1;
    if (this.#next < kept) {
      this.lostBinCount += kept - this.#next;
      this.#next = kept;
    }
    for (; this.#next < end; this.#next++) this.#take(this.#next);
  }

  #take(bin: number): void {
    let count = 0;
    for (const thread of this.#threads) {
      if (bin <= Atomics.load(thread.newest, 0)) count += thread.bins[bin & MASK]!;
    }
    this.arrivalCount += count;
    if (this.countsByMs.length < SERIES_LIMIT) this.countsByMs.push(count);
    this.maxIn1ms = Math.max(this.maxIn1ms, count);
    for (let i = 0; i < WIDTHS_MS.length; i++) {
      const sums = this.#sums[i]!;
      sums.open += count;
      if ((bin - this.#fromBin + 1) % WIDTHS_MS[i]! !== 0) continue;
      sums.count++;
      sums.sum += sums.open;
      sums.squares += sums.open * sums.open;
      sums.open = 0;
    }
  }

  /** Variance ÷ mean of the counts in windows of 1, 10 and 100 ms; 0 where there was nothing to count. */
  dispersion(): { idc1ms: number; idc10ms: number; idc100ms: number } {
    const [idc1ms, idc10ms, idc100ms] = this.#sums.map(({ count, sum, squares }) => {
      const mean = count === 0 ? 0 : sum / count;
      return mean === 0 ? 0 : Math.max(0, squares / count - mean * mean) / mean;
    });
    return { idc1ms: idc1ms!, idc10ms: idc10ms!, idc100ms: idc100ms! };
  }
}
