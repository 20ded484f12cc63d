/**
 * One second's latencies of one thread, in a slot of shared memory: five histograms and seven counts. The thread moves
 * to the next slot each second; the main thread reads a finished slot, clears it and hands it back.
 */
// Invariants
//  B1  A slot in state FREE is all zero. Only the thread turns FREE → OPEN → FULL, only the reader FULL → FREE.
//  B2  When no slot is free the thread keeps its open one: a block grows longer, no count is lost.
import { bucketOf, HISTOGRAM_BUCKETS } from '../../record/histogram.ts';

export const SLOT_COUNT = 10;
/** Seven outcomes; then ∫ in-flight dt, ns in all, and the most in flight. */
const COUNT_FIELDS = 10;
const IN_FLIGHT = 7;
const HISTOGRAM_BYTES = HISTOGRAM_BUCKETS * 4;
/** State (i32), start and end (f64), counts (f64), then the histograms. */
const HEADER_BYTES = 128;
export const SLOT_HISTOGRAMS = ['response', 'service', 'lateness', 'censored', 'unsent'] as const;
export const SLOT_BYTES = HEADER_BYTES + SLOT_HISTOGRAMS.length * HISTOGRAM_BYTES;

const FREE = 0;
const OPEN = 1;
const FULL = 2;

/** Views of one slot. */
export class Slot {
  readonly state: Int32Array;
  readonly times: Float64Array;
  readonly counts: Float64Array;
  readonly response: Uint32Array;
  readonly service: Uint32Array;
  readonly lateness: Uint32Array;
  readonly censored: Uint32Array;
  readonly unsent: Uint32Array;

  constructor(memory: SharedArrayBuffer, index: number) {
    const base = index * SLOT_BYTES;
    const histogram = (nth: number) =>
      new Uint32Array(memory, base + HEADER_BYTES + nth * HISTOGRAM_BYTES, HISTOGRAM_BUCKETS);
    this.state = new Int32Array(memory, base, 1);
    this.times = new Float64Array(memory, base + 8, 2);
    this.counts = new Float64Array(memory, base + 24, COUNT_FIELDS);
    this.response = histogram(0);
    this.service = histogram(1);
    this.lateness = histogram(2);
    this.censored = histogram(3);
    this.unsent = histogram(4);
  }

  answered(responseNs: number, serviceNs: number): void {
    this.response[bucketOf(responseNs)]!++;
    this.service[bucketOf(serviceNs)]!++;
  }

  /** A span of time with so many in flight. */
  sampleInFlight(spanNs: number, inFlight: number): void {
    const counts = this.counts;
    counts[IN_FLIGHT]! += inFlight * spanNs;
    counts[IN_FLIGHT + 1]! += spanNs;
    if (inFlight > counts[IN_FLIGHT + 2]!) counts[IN_FLIGHT + 2] = inFlight;
  }

  late(latenessNs: number): void {
    this.lateness[bucketOf(latenessNs)]!++;
  }

  unanswered(ageNs: number): void {
    this.censored[bucketOf(ageNs)]!++;
  }

  neverSent(ageNs: number): void {
    this.unsent[bucketOf(ageNs)]!++;
  }
}

/** The thread's side. */
export class SlotWriter {
  readonly #slots: Slot[];
  #index = 0;

  constructor(memory: SharedArrayBuffer) {
    this.#slots = Array.from({ length: SLOT_COUNT }, (_, i) => new Slot(memory, i));
  }

  /** Opens the first slot. */
  begin(startNs: number): Slot {
    return this.#open(this.#slots[0]!, startNs);
  }

  /** The next slot, opened; null when none is free. The caller closes the old one, now or later. */
  next(startNs: number): Slot | null {
    const index = (this.#index + 1) % SLOT_COUNT;
    const slot = this.#slots[index]!;
    if (Atomics.load(slot.state, 0) !== FREE) return null;
    this.#index = index;
    return this.#open(slot, startNs);
  }

  close(slot: Slot, endNs: number): void {
    slot.times[1] = endNs;
    Atomics.store(slot.state, 0, FULL);
  }

  #open(slot: Slot, startNs: number): Slot {
    slot.times[0] = startNs;
    Atomics.store(slot.state, 0, OPEN);
    return slot;
  }
}

/** Mean and most in flight of a block; null when none was sampled. */
export function inFlightOf(counts: Float64Array): { mean: number; max: number } | null {
  const spanNs = counts[IN_FLIGHT + 1]!;
  return spanNs > 0 ? { mean: counts[IN_FLIGHT]! / spanNs, max: counts[IN_FLIGHT + 2]! } : null;
}

/** A finished block as the reader keeps it: [bucket, count] pairs, flat. */
export type SparseBlock = {
  threadIndex: number;
  startNs: number;
  endNs: number;
  counts: Float64Array;
  histograms: Record<(typeof SLOT_HISTOGRAMS)[number], Uint32Array>;
};

/** The main thread's side: takes finished slots in any order and clears them. */
export class SlotReader {
  readonly #slots: Slot[];
  readonly #threadIndex: number;

  constructor(memory: SharedArrayBuffer, threadIndex: number) {
    this.#slots = Array.from({ length: SLOT_COUNT }, (_, i) => new Slot(memory, i));
    this.#threadIndex = threadIndex;
  }

  collect(take: (block: SparseBlock) => void): void {
    for (const slot of this.#slots) {
      if (Atomics.load(slot.state, 0) !== FULL) continue;
      take(this.#read(slot));
      for (const name of SLOT_HISTOGRAMS) slot[name].fill(0);
      slot.counts.fill(0);
      Atomics.store(slot.state, 0, FREE);
    }
  }

  /** Response times of slots begun at `fromNs` or later and not yet handed over, while the thread goes on writing. */
  addOpenResponses(counts: Float64Array, fromNs: number): void {
    for (const slot of this.#slots) {
      if (Atomics.load(slot.state, 0) === FREE || slot.times[0]! < fromNs) continue;
      const { response } = slot;
      for (let i = 0; i < counts.length; i++) if (response[i] !== 0) counts[i]! += response[i]!;
    }
  }

  #read(slot: Slot): SparseBlock {
    return {
      threadIndex: this.#threadIndex,
      startNs: slot.times[0]!,
      endNs: slot.times[1]!,
      counts: slot.counts.slice(),
      histograms: {
        response: sparse(slot.response),
        service: sparse(slot.service),
        lateness: sparse(slot.lateness),
        censored: sparse(slot.censored),
        unsent: sparse(slot.unsent),
      },
    };
  }
}

function sparse(counts: Uint32Array): Uint32Array {
  let used = 0;
  for (let i = 0; i < counts.length; i++) if (counts[i] !== 0) used++;
  const pairs = new Uint32Array(used * 2);
  let at = 0;
  for (let i = 0; at < pairs.length; i++) {
    if (counts[i] === 0) continue;
    pairs[at++] = i;
    pairs[at++] = counts[i]!;
  }
  return pairs;
}
