/** When the server was gone: not one connection was open, and nobody answered connects. */
// Invariants
//  A1  Nothing is allocated but for an outage, of which OUTAGE_LIMIT are kept; the last one kept is the last there was.
import { errnoName } from '../../kernel/errno.ts';
import type { OutageRecord } from '../../record/load.ts';
import { COUNTER } from '../tally/thread-memory.ts';

const OUTAGE_LIMIT = 64;
/** Connections lost up to this long before the last one went with it. */
const SAME_EVENT_NS = 1e9;

export class Outages {
  readonly records: OutageRecord[] = [];
  readonly #counters: Float64Array;
  #current: OutageRecord | null = null;
  #downSinceNs = 0;
  #closedCount = 0;
  /** Before the connections were lost that were lost lately. */
  #closedBefore = 0;
  #lastCloseNs = Number.NEGATIVE_INFINITY;
  #unansweredBefore = 0;

  constructor(counters: Float64Array) {
    this.#counters = counters;
  }

  start(): void {
    this.#closedCount = this.#counters[COUNTER.closedByPeer]!;
    this.#closedBefore = this.#closedCount;
    this.#unansweredBefore = this.#counters[COUNTER.unanswered]!;
  }

  /** Once a turn, while the load runs. */
  look(nowNs: number): void {
    const counters = this.#counters;
    const closedCount = counters[COUNTER.closedByPeer]!;
    if (closedCount !== this.#closedCount) {
      if (nowNs - this.#lastCloseNs > SAME_EVENT_NS) this.#closedBefore = this.#closedCount;
      this.#closedCount = closedCount;
      this.#lastCloseNs = nowNs;
    }
    const downSinceNs = counters[COUNTER.downSinceNs]!;
    if (downSinceNs === 0 && this.#downSinceNs === 0) {
      this.#unansweredBefore = counters[COUNTER.unanswered]!;
      return;
    }
    if (this.#current !== null) this.#update(this.#current);
    if (downSinceNs !== this.#downSinceNs) this.#change(downSinceNs, nowNs);
    if (downSinceNs > 0 && this.#current === null && counters[COUNTER.unanswered]! > this.#unansweredBefore) {
      this.#begin(downSinceNs);
    }
  }

  #change(downSinceNs: number, nowNs: number): void {
    if (this.#current !== null) this.#current.toNs = downSinceNs > 0 ? downSinceNs : nowNs;
    this.#current = null;
    this.#downSinceNs = downSinceNs;
    if (downSinceNs === 0) this.#closedBefore = this.#closedCount;
  }

  #begin(fromNs: number): void {
    this.#current = { fromNs, toNs: null, closed: 0, refused: 0, errno: '' };
    this.#update(this.#current);
    if (this.records.length === OUTAGE_LIMIT) this.records.pop();
    this.records.push(this.#current);
  }

  #update(outage: OutageRecord): void {
    outage.closed = this.#closedCount - this.#closedBefore;
    outage.refused = this.#counters[COUNTER.unanswered]! - this.#unansweredBefore;
    const errno = this.#counters[COUNTER.lastErrno]!;
    outage.errno = errno < 0 ? `proxy ${-errno}` : errnoName(errno);
  }
}
