/** Gathers, on the main thread, what the load threads leave in shared memory, and turns it into a LoadRecord. */
import { addCounts, createHistogram, type Histogram } from '../record/histogram.ts';
import { encodeHistogram } from '../record/histogram-text.ts';
import type {
  ArrivalShape,
  KindRecord,
  LatencyHistograms,
  LoadBlock,
  LoadRecord,
  OutcomeCounts,
} from '../record/load.ts';
import { SHORT_GAP_NS } from './flight/outcome-recorder.ts';
import { ArrivalReader } from './tally/arrival-bins.ts';
import { inFlightOf, SLOT_HISTOGRAMS, SlotReader, type SparseBlock } from './tally/block-slots.ts';
import { KIND_COUNT, KIND_HISTOGRAMS, viewKinds } from './tally/kind-counts.ts';
import { type LatencySoFar, LatencyView } from './tally/latency-so-far.ts';
import { gapCounts, lagOneCorrelation } from './tally/send-gaps.ts';
import { COUNTER, type ThreadMemory } from './tally/thread-memory.ts';

/** Blocks kept unencoded; encoding waits for the end of the run, when nobody is disturbed, unless there are more. */
const PENDING_LIMIT = 256;

export type LoadSpan = { startNs: number; measuredFromNs: number; endNs: number };

export class LoadCollector {
  readonly #memories: readonly ThreadMemory[];
  readonly #readers: SlotReader[];
  readonly #sent: ArrivalReader;
  readonly #planned: ArrivalReader;
  readonly #span: LoadSpan;
  readonly #total = perKind(() => createHistogram());
  readonly #pending: SparseBlock[] = [];
  readonly #blocks: LoadBlock[] = [];
  readonly #soFar = createHistogram().counts;
  readonly #latencyView = new LatencyView();

  constructor(memories: readonly ThreadMemory[], span: LoadSpan) {
    this.#memories = memories;
    this.#span = span;
    this.#readers = memories.map((memory, threadIndex) => new SlotReader(memory.slots, threadIndex));
    const from = span.measuredFromNs - span.startNs;
    const to = span.endNs - span.startNs;
    this.#sent = new ArrivalReader(
      memories.map((memory) => memory.sentBins),
      from,
      to,
    );
    this.#planned = new ArrivalReader(
      memories.map((memory) => memory.plannedBins),
      from,
      to,
    );
  }

  /** Sum of a counter over all threads. */
  counter(index: number): number {
    return this.#memories.reduce((sum, memory) => sum + memory.counters[index]!, 0);
  }

  /** A few times a second, and at the end: takes finished blocks and settled arrivals. About 0.1 ms a block. */
  collect(endNs: number | null = null): void {
    for (const reader of this.#readers) reader.collect((block) => this.#take(block));
    const endedNs = endNs === null ? null : endNs - this.#span.startNs;
    this.#sent.collect(endedNs);
    this.#planned.collect(endedNs);
    while (this.#pending.length > PENDING_LIMIT) this.#blocks.push(encodeBlock(this.#pending.shift()!));
  }

  #take(block: SparseBlock): void {
    // Without a warm-up its slot is empty.
    if (block.endNs <= block.startNs && block.counts.every((count) => count === 0)) return;
    this.#pending.push(block);
    if (block.startNs < this.#span.measuredFromNs) return;
    for (const kind of SLOT_HISTOGRAMS) addSparse(this.#total[kind], block.histograms[kind]);
  }

  /** After the last collect(). */
  blocks(): LoadBlock[] {
    for (const block of this.#pending.splice(0)) this.#blocks.push(encodeBlock(block));
    return this.#blocks.sort((a, b) => a.startNs - b.startNs || a.threadIndex - b.threadIndex);
  }

  total(): LatencyHistograms {
    return encodeAll(this.#total);
  }

  counts(): OutcomeCounts {
    return countsOf((index) => this.counter(index));
  }

  arrivals(endNs: number, openLoop: boolean): ArrivalShape {
    const spanNs = Math.max(1, endNs - this.#span.measuredFromNs);
    const meanRatePerSec = (this.#sent.arrivalCount * 1e9) / spanNs;
    const gaps = this.counter(COUNTER.gaps);
    return {
      sentCount: this.#sent.arrivalCount,
      meanRatePerSec,
      ...this.#sent.dispersion(),
      shortGapShare: gaps === 0 ? 0 : this.counter(COUNTER.shortGaps) / gaps,
      shortGapShareIfPoisson: 1 - Math.exp((-meanRatePerSec * SHORT_GAP_NS) / 1e9),
      maxIn1ms: this.#sent.maxIn1ms,
      planned: openLoop ? this.#planned.dispersion() : null,
      ...(openLoop && {
        gaps: this.#gaps(),
        counts1ms: { sent: this.#sent.countsByMs, planned: this.#planned.countsByMs },
      }),
    };
  }

  #gaps(): NonNullable<ArrivalShape['gaps']> {
    const histogram = createHistogram();
    const memories = this.#memories.map(({ gaps }) => gaps);
    for (const memory of memories) addCounts(histogram, gapCounts(memory));
    return { histogram: encodeHistogram(histogram), lag1: lagOneCorrelation(memories) };
  }

  /** Of a mix; undefined for a lone kind. */
  kinds(names: readonly string[]): KindRecord[] | undefined {
    if (names.length < 2) return undefined;
    const threads = this.#memories.map(({ kinds }) => viewKinds(kinds));
    return names.map((name, kind) => {
      const count = (field: number) => threads.reduce((sum, views) => sum + views[kind]!.counts[field]!, 0);
      const histograms = perKind(() => createHistogram());
      for (const views of threads) {
        for (const each of KIND_HISTOGRAMS) addCounts(histograms[each], views[kind]![each]);
      }
      const counts: OutcomeCounts = {
        planned: count(KIND_COUNT.sent),
        ok: count(KIND_COUNT.ok),
        wrong: count(KIND_COUNT.wrong),
        error: count(KIND_COUNT.error),
        timeout: count(KIND_COUNT.timeout),
        unsent: 0,
        unfinished: count(KIND_COUNT.unfinished),
      };
      return { name, counts, latency: encodeAll(histograms) };
    });
  }

  /** How long turns of a thread's loop lasted, each counted once for every event it handled. */
  turns(threadIndex: number): string {
    const histogram = createHistogram();
    addCounts(histogram, this.#memories[threadIndex]!.turns);
    return encodeHistogram(histogram);
  }

  /** Response times of the measured part so far, and since the last call; null before the first reply. */
  latencySoFar(): LatencySoFar | null {
    const counts = this.#soFar;
    counts.set(this.#total.response.counts);
    // A block handed over meanwhile may be seen twice or not at all, for this once.
    for (const reader of this.#readers) reader.addOpenResponses(counts, this.#span.measuredFromNs);
    return this.#latencyView.update(counts);
  }

  inFlight(limit: number): LoadRecord['inFlight'] {
    // Each thread's mean is over the same span, so the whole load's is their sum.
    let mean = 0;
    for (const { counters } of this.#memories) {
      const spanNs = counters[COUNTER.inFlightSpanNs]!;
      if (spanNs > 0) mean += counters[COUNTER.inFlightArea]! / spanNs;
    }
    return { mean, max: this.counter(COUNTER.inFlightMax), limit };
  }
}

/** For one histogram after another: a long run has thousands, at 270 kB each. */
const scratch = createHistogram();

function encodeSparse(pairs: Uint32Array): string {
  scratch.counts.fill(0);
  scratch.totalCount = 0;
  addSparse(scratch, pairs);
  return encodeHistogram(scratch);
}

function encodeBlock(block: SparseBlock): LoadBlock {
  const inFlight = inFlightOf(block.counts);
  return {
    startNs: block.startNs,
    durationNs: Math.max(0, block.endNs - block.startNs),
    threadIndex: block.threadIndex,
    counts: countsOf((index) => block.counts[index]!),
    latency: perKind((kind) => encodeSparse(block.histograms[kind])),
    ...(inFlight && { inFlight }),
  };
}

function countsOf(counter: (index: number) => number): OutcomeCounts {
  return {
    planned: counter(COUNTER.planned),
    ok: counter(COUNTER.ok),
    wrong: counter(COUNTER.wrong),
    error: counter(COUNTER.error),
    timeout: counter(COUNTER.timeout),
    unsent: counter(COUNTER.unsent),
    unfinished: counter(COUNTER.unfinished),
  };
}

type PerKind<T> = Record<(typeof SLOT_HISTOGRAMS)[number], T>;

function perKind<T>(make: (kind: (typeof SLOT_HISTOGRAMS)[number]) => T): PerKind<T> {
  return Object.fromEntries(SLOT_HISTOGRAMS.map((kind) => [kind, make(kind)])) as PerKind<T>;
}

function addSparse(histogram: Histogram, pairs: Uint32Array): void {
  for (let i = 0; i < pairs.length; i += 2) {
    histogram.counts[pairs[i]!]! += pairs[i + 1]!;
    histogram.totalCount += pairs[i + 1]!;
  }
}

function encodeAll(histograms: PerKind<Histogram>): LatencyHistograms {
  return perKind((kind) => encodeHistogram(histograms[kind]));
}

/** Every request that was planned has exactly one end; anything else is a bug of ours. */
export function isConserved(counts: OutcomeCounts): boolean {
  const { planned, ok, wrong, error, timeout, unsent, unfinished } = counts;
  return planned === ok + wrong + error + timeout + unsent + unfinished;
}

/** Adds up counts by name, over threads. */
export function sumByName(parts: readonly (readonly [string | number, number][])[]): Record<string, number> {
  const sums = new Map<string, number>();
  for (const part of parts) {
    for (const [name, count] of part) sums.set(String(name), (sums.get(String(name)) ?? 0) + count);
  }
  return Object.fromEntries(sums);
}
