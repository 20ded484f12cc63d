/** Where a load thread writes down what became of each request: counters, the second's slot, arrival bins, slowest. */
// Invariants
//  O1  Every planned request is counted exactly once more: ok, wrong, error, timeout, unsent or unfinished.
//  O2  A request planned in the warm-up is recorded in a warm-up slot, whenever it ends.
//  O3  Nothing is allocated but for a reason not seen before.
import { bucketOf } from '../../record/histogram.ts';
import { WaitReasons } from '../hindrances/wait-reasons.ts';
import { ArrivalBinWriter } from '../tally/arrival-bins.ts';
import { type Slot, SlotWriter } from '../tally/block-slots.ts';
import { KIND_COUNT, KindWriter } from '../tally/kind-counts.ts';
import type { GapWriter } from '../tally/send-gaps.ts';
import { Slowest } from '../tally/slowest.ts';
import { COUNTER, type ThreadMemory } from '../tally/thread-memory.ts';

const BLOCK_NS = 1e9;
export const SHORT_GAP_NS = 150e3;
const STATUS_LIMIT = 1000;
const WARM = 0;
const MEASURED = 1;

export class OutcomeRecorder {
  readonly counters: Float64Array;
  readonly waits: WaitReasons;
  readonly errorsByKind: Map<string, number> = new Map();
  readonly wrongByReason: Map<string, number> = new Map();
  readonly statusCounts: Uint32Array = new Uint32Array(STATUS_LIMIT);
  readonly #sentBins: ArrivalBinWriter;
  readonly #plannedBins: ArrivalBinWriter;
  readonly #gaps: GapWriter | null;
  readonly #turns: Uint32Array;
  readonly #slots: SlotWriter;
  readonly #kinds: KindWriter;
  /** The warm-up's open slot and the measured second's: an array, so that both take the same path through code. */
  readonly #open: [warm: Slot, measured: Slot];
  readonly #slowest: readonly [warm: Slowest, measured: Slowest] = [new Slowest(), new Slowest()];
  // NaN and not 0: a field that changes from small integers to doubles makes V8 throw compiled code away.
  #startNs = Number.NaN;
  #measuredFromNs = Number.NaN;
  #endNs = Number.NaN;
  #boundaryNs = Number.NaN;
  /** Where a block ends before its second does: the ends of stages, ascending; and the first not yet passed. */
  #cutsNs = new Float64Array(0);
  #cut = 0;

  /**
   * `gaps`: null in a closed loop, where they are the server's doing. `suspendedNs`: how long the machine has been
   * suspended so far.
   */
  constructor(memory: ThreadMemory, gaps: GapWriter | null, suspendedNs: () => number = () => 0) {
    this.counters = memory.counters;
    this.waits = new WaitReasons(memory.counters, suspendedNs);
    this.#gaps = gaps;
    this.#turns = memory.turns;
    this.#sentBins = new ArrivalBinWriter(memory.sentBins);
    this.#plannedBins = new ArrivalBinWriter(memory.plannedBins);
    this.#slots = new SlotWriter(memory.slots);
    this.#kinds = new KindWriter(memory.kinds);
    const first = this.#slots.begin(0);
    this.#open = [first, first];
  }

  /** The load begins. Without a warm-up its slot stays empty. `cutsNs`: where blocks are to end besides, ascending. */
  begin(startNs: number, measuredFromNs: number, endNs: number, cutsNs: readonly number[] = []): void {
    this.#startNs = startNs;
    this.#measuredFromNs = measuredFromNs;
    this.#endNs = endNs;
    this.#open[WARM].times[0] = startNs;
    // Opened beforehand, so that the change never waits for the reader.
    this.#open[MEASURED] = this.#slots.next(measuredFromNs)!;
    this.#cutsNs = Float64Array.from(cutsNs.filter((cutNs) => cutNs > measuredFromNs));
    if (measuredFromNs > startNs) this.#boundaryNs = Math.min(measuredFromNs, startNs + BLOCK_NS);
    else this.#enterBlock(measuredFromNs);
  }

  /** Once a turn: moves on to the next second's slot when it is time. */
  rotate(nowNs: number): void {
    if (nowNs < this.#boundaryNs || nowNs >= this.#endNs) return;
    if (this.#boundaryNs < this.#measuredFromNs) {
      // A warm-up of several seconds. What began in an earlier one may end in a later: both are excluded alike.
      const next = this.#slots.next(this.#boundaryNs);
      if (next !== null) {
        this.#slots.close(this.#open[WARM], this.#boundaryNs);
        this.#open[WARM] = next;
      }
      this.#boundaryNs = Math.min(this.#measuredFromNs, this.#boundaryNs + BLOCK_NS);
    } else if (this.#boundaryNs === this.#measuredFromNs) {
      this.#enterBlock(this.#measuredFromNs);
    } else {
      const startNs = this.#enterBlock(nowNs);
      const next = this.#slots.next(startNs);
      if (next !== null) {
        this.#slots.close(this.#open[MEASURED], startNs);
        this.#open[MEASURED] = next;
      }
    }
    this.#sentBins.advanceTo(nowNs - this.#startNs);
  }

  /** Where the measured block of this moment begins; the boundary becomes its end. */
  #enterBlock(nowNs: number): number {
    const cutsNs = this.#cutsNs;
    while (this.#cut < cutsNs.length && cutsNs[this.#cut]! <= nowNs) this.#cut++;
    const secondNs = this.#measuredFromNs + Math.floor((nowNs - this.#measuredFromNs) / BLOCK_NS) * BLOCK_NS;
    this.#boundaryNs = secondNs + BLOCK_NS;
    if (this.#cut < cutsNs.length) this.#boundaryNs = Math.min(this.#boundaryNs, cutsNs[this.#cut]!);
    return this.#cut === 0 ? secondNs : Math.max(secondNs, cutsNs[this.#cut - 1]!);
  }

  /** The load has ended and everything is counted: hands over the open slots. */
  finish(endNs: number): void {
    this.#slots.close(this.#open[WARM], Math.min(endNs, this.#measuredFromNs));
    this.#slots.close(this.#open[MEASURED], endNs);
  }

  planned(plannedNs: number): void {
    this.counters[COUNTER.planned]!++;
    this.#slotOf(plannedNs).counts[COUNTER.planned]!++;
    this.#plannedBins.add(plannedNs - this.#startNs);
  }

  sent(plannedNs: number, nowNs: number, kind: number): void {
    const counters = this.counters;
    counters[COUNTER.sent]!++;
    if (++counters[COUNTER.inFlight]! > counters[COUNTER.inFlightMax]!) {
      counters[COUNTER.inFlightMax] = counters[COUNTER.inFlight]!;
    }
    this.#slotOf(plannedNs).late(nowNs - plannedNs);
    this.waits.sent(plannedNs, nowNs);
    this.#sentBins.add(nowNs - this.#startNs);
    if (this.#kinds.isOn && plannedNs >= this.#measuredFromNs) this.#kinds.sent(kind, nowNs - plannedNs);
    if (this.#gaps === null) return;
    const isMeasured = nowNs >= this.#measuredFromNs;
    const gapNs = this.#gaps.sent(nowNs, isMeasured);
    counters[COUNTER.gaps]! += +isMeasured;
    counters[COUNTER.shortGaps]! += +(isMeasured && gapNs < SHORT_GAP_NS);
  }

  /** A request sent before, which is in flight still: its lateness and its arrival are counted already. */
  sentAgain(): void {
    this.counters[COUNTER.sentAgain]!++;
  }

  /** `wrongReason`: null for a good reply; empty when its status says enough. */
  answered(
    plannedNs: number,
    sentNs: number,
    firstNs: number,
    nowNs: number,
    status: number,
    wrongReason: string | null,
    kind: number,
  ): void {
    const isOk = wrongReason === null;
    const slot = this.#ended(plannedNs, isOk ? COUNTER.ok : COUNTER.wrong);
    if (status < STATUS_LIMIT) this.statusCounts[status]!++;
    if (!isOk && wrongReason !== '') addTo(this.wrongByReason, wrongReason);
    const responseNs = nowNs - plannedNs;
    slot.answered(responseNs, nowNs - sentNs);
    if (this.#kinds.isOn && plannedNs >= this.#measuredFromNs) {
      this.#kinds.answered(kind, isOk ? KIND_COUNT.ok : KIND_COUNT.wrong, responseNs, nowNs - sentNs);
    }
    const slowest = this.#slowestOf(plannedNs);
    if (responseNs > slowest.floorNs) {
      slowest.offer(responseNs, plannedNs, sentNs, firstNs, nowNs, isOk ? 'ok' : 'wrong');
    }
  }

  failed(
    plannedNs: number,
    sentNs: number,
    firstNs: number,
    nowNs: number,
    reason: string,
    kind: number,
  ): void {
    this.#ended(plannedNs, COUNTER.error);
    addTo(this.errorsByKind, reason);
    if (this.#kinds.isOn && plannedNs >= this.#measuredFromNs) this.#kinds.failed(kind);
    this.#slowestOf(plannedNs).offer(nowNs - plannedNs, plannedNs, sentNs, firstNs, nowNs, 'error');
  }

  /** No reply in time, or none when the run ended: known to have taken at least until now. */
  unanswered(
    plannedNs: number,
    sentNs: number,
    firstNs: number,
    nowNs: number,
    outcome: 'timeout' | 'unfinished',
    kind: number,
  ): void {
    this.#ended(plannedNs, COUNTER[outcome]).unanswered(nowNs - sentNs);
    if (this.#kinds.isOn && plannedNs >= this.#measuredFromNs) {
      this.#kinds.unanswered(kind, KIND_COUNT[outcome], nowNs - sentNs);
    }
    this.#slowestOf(plannedNs).offer(nowNs - plannedNs, plannedNs, sentNs, firstNs, 0, outcome);
  }

  /** Due, and never sent. */
  unsent(plannedNs: number, nowNs: number): void {
    this.counters[COUNTER.unsent]!++;
    this.waits.unsent(plannedNs, nowNs);
    const slot = this.#slotOf(plannedNs);
    slot.counts[COUNTER.unsent]!++;
    slot.neverSent(nowNs - plannedNs);
  }

  /** One span of time with a known number in flight. */
  sampleInFlight(fromNs: number, toNs: number, inFlight: number): void {
    const from = Math.max(fromNs, this.#measuredFromNs);
    const to = Math.min(toNs, this.#endNs);
    if (to <= from) return;
    this.counters[COUNTER.inFlightArea]! += inFlight * (to - from);
    this.counters[COUNTER.inFlightSpanNs]! += to - from;
    this.#open[MEASURED].sampleInFlight(to - from, inFlight);
  }

  /** One turn of the loop kept its thread busy so long, with so many events to handle. */
  turned(busyNs: number, eventCount: number): void {
    this.#turns[bucketOf(busyNs)]! += eventCount;
  }

  /** Of the measured part. */
  get slowest(): Slowest {
    return this.#slowest[MEASURED];
  }

  #slowestOf(plannedNs: number): Slowest {
    return this.#slowest[+(plannedNs >= this.#measuredFromNs) as 0 | 1];
  }

  #ended(plannedNs: number, field: number): Slot {
    this.counters[field]!++;
    this.counters[COUNTER.inFlight]!--;
    const slot = this.#slotOf(plannedNs);
    slot.counts[field]!++;
    return slot;
  }

  #slotOf(plannedNs: number): Slot {
    return this.#open[+(plannedNs >= this.#measuredFromNs) as 0 | 1];
  }
}

function addTo(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
