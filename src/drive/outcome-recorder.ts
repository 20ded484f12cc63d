/** Where a load thread writes down what became of each request: counters, the second's slot, arrival bins, slowest. */
// Invariants
//  O1  Every planned request is counted exactly once more: ok, wrong, error, timeout, unsent or unfinished.
//  O2  A request planned in the warm-up is recorded in a warm-up slot, whenever it ends.
//  O3  Nothing is allocated but for a kind of error not seen before.
import { ArrivalBinWriter } from './arrival-bins.ts';
import { type Slot, SlotWriter } from './block-slots.ts';
import { Slowest } from './slowest.ts';
import { COUNTER, type ThreadMemory } from './thread-memory.ts';

const BLOCK_NS = 1e9;
export const SHORT_GAP_NS = 150e3;
const STATUS_LIMIT = 1000;
const WARM = 0;
const MEASURED = 1;

export class OutcomeRecorder {
  readonly counters: Float64Array;
  readonly errorsByKind: Map<string, number> = new Map();
  readonly statusCounts: Uint32Array = new Uint32Array(STATUS_LIMIT);
  readonly #sentBins: ArrivalBinWriter;
  readonly #plannedBins: ArrivalBinWriter;
  readonly #lastSent: Float64Array;
  readonly #slots: SlotWriter;
  /** The warm-up's open slot and the measured second's: an array, so that both take the same path through code. */
  readonly #open: [warm: Slot, measured: Slot];
  readonly #slowest: readonly [warm: Slowest, measured: Slowest] = [new Slowest(), new Slowest()];
  // NaN and not 0: a field that changes from small integers to doubles makes V8 throw compiled code away.
  #startNs = Number.NaN;
  #measuredFromNs = Number.NaN;
  #endNs = Number.NaN;
  #boundaryNs = Number.NaN;

  constructor(memory: ThreadMemory, lastSent: Float64Array) {
    this.counters = memory.counters;
    this.#lastSent = lastSent;
    this.#sentBins = new ArrivalBinWriter(memory.sentBins);
    this.#plannedBins = new ArrivalBinWriter(memory.plannedBins);
    this.#slots = new SlotWriter(memory.slots);
    const first = this.#slots.begin(0);
    this.#open = [first, first];
  }

  /** The load begins. Without a warm-up its slot stays empty. */
  begin(startNs: number, measuredFromNs: number, endNs: number): void {
    this.#startNs = startNs;
    this.#measuredFromNs = measuredFromNs;
    this.#endNs = endNs;
    this.#open[WARM].times[0] = startNs;
    // Opened beforehand, so that the change never waits for the reader.
    this.#open[MEASURED] = this.#slots.next(measuredFromNs)!;
    this.#boundaryNs =
      measuredFromNs > startNs ? Math.min(measuredFromNs, startNs + BLOCK_NS) : measuredFromNs + BLOCK_NS;
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
      this.#boundaryNs += BLOCK_NS;
    } else {
      const passed = Math.floor((nowNs - this.#boundaryNs) / BLOCK_NS);
      const startNs = this.#boundaryNs + passed * BLOCK_NS;
      const next = this.#slots.next(startNs);
      if (next !== null) {
        this.#slots.close(this.#open[MEASURED], startNs);
        this.#open[MEASURED] = next;
      }
      this.#boundaryNs = startNs + BLOCK_NS;
    }
    this.#sentBins.advanceTo(nowNs - this.#startNs);
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

  sent(plannedNs: number, nowNs: number, byteLength: number): void {
    const counters = this.counters;
    counters[COUNTER.sent]!++;
    counters[COUNTER.bytesSent]! += byteLength;
    if (++counters[COUNTER.inFlight]! > counters[COUNTER.inFlightMax]!) {
      counters[COUNTER.inFlightMax] = counters[COUNTER.inFlight]!;
    }
    this.#slotOf(plannedNs).late(nowNs - plannedNs);
    this.#sentBins.add(nowNs - this.#startNs);
    const measured = +(nowNs >= this.#measuredFromNs);
    counters[COUNTER.gaps]! += measured;
    counters[COUNTER.shortGaps]! += measured & +(nowNs - this.#lastSent[0]! < SHORT_GAP_NS);
    this.#lastSent[0] = nowNs;
  }

  answered(plannedNs: number, sentNs: number, firstNs: number, nowNs: number, status: number): void {
    const field = status < 400 ? COUNTER.ok : COUNTER.wrong;
    const slot = this.#ended(plannedNs, field);
    if (status < STATUS_LIMIT) this.statusCounts[status]!++;
    const responseNs = nowNs - plannedNs;
    slot.answered(responseNs, nowNs - sentNs);
    const slowest = this.#slowestOf(plannedNs);
    if (responseNs > slowest.floorNs) {
      slowest.offer(responseNs, plannedNs, sentNs, firstNs, nowNs, status < 400 ? 'ok' : 'wrong');
    }
  }

  failed(plannedNs: number, sentNs: number, firstNs: number, nowNs: number, kind: string): void {
    this.#ended(plannedNs, COUNTER.error);
    this.errorsByKind.set(kind, (this.errorsByKind.get(kind) ?? 0) + 1);
    this.#slowestOf(plannedNs).offer(nowNs - plannedNs, plannedNs, sentNs, firstNs, nowNs, 'error');
  }

  /** No reply in time, or none when the run ended: known to have taken at least until now. */
  unanswered(
    plannedNs: number,
    sentNs: number,
    firstNs: number,
    nowNs: number,
    kind: 'timeout' | 'unfinished',
  ): void {
    this.#ended(plannedNs, COUNTER[kind]).unanswered(nowNs - sentNs);
    this.#slowestOf(plannedNs).offer(nowNs - plannedNs, plannedNs, sentNs, firstNs, 0, kind);
  }

  /** Due, and never sent. */
  unsent(plannedNs: number, nowNs: number): void {
    this.counters[COUNTER.unsent]!++;
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
