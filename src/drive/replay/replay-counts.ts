/** What a load thread counts of a replay beside what every load has. */
import { bucketOf, HISTOGRAM_BUCKETS } from '../../record/histogram.ts';
import type { RingReader } from './ring-reader.ts';

export class ReplayCounts {
  /** Requests that were due while their client's one before had no end yet. */
  waitedCount = 0;
  /** Requests that went out on another connection than their client's one before. */
  movedCount = 0;
  /** Requests sent after one of their client that the log has later. */
  disorderedCount = 0;
  /** Requests that the reader handed over after their time, and by how much at least with the latest. */
  starvedCount = 0;
  starvedNsMax = 0;
  /** Of the gaps that were due in the measured part: bucket counts. */
  readonly gaps: Float64Array = new Float64Array(HISTOGRAM_BUCKETS);
  #measuredFromNs = Number.NEGATIVE_INFINITY;
  /** When the ring was last found empty before its end. */
  #emptyNs = Number.NEGATIVE_INFINITY;
  /** At full speed: since when it has been empty. */
  #emptySinceNs = Number.NaN;

  begin(measuredFromNs: number): void {
    this.#measuredFromNs = measuredFromNs;
  }

  /** The ring's next is due, and is taken. */
  due(ring: RingReader, plannedNs: number): void {
    const { gapNs } = ring;
    if (gapNs >= 0 && plannedNs >= this.#measuredFromNs) this.gaps[bucketOf(gapNs)]!++;
    if (!(plannedNs <= this.#emptyNs)) return;
    this.starvedCount++;
    this.starvedNsMax = Math.max(this.starvedNsMax, this.#emptyNs - plannedNs);
  }

  /** At full speed the ring's next is taken. */
  taken(nowNs: number): void {
    if (!(this.#emptySinceNs <= nowNs)) return;
    this.starvedCount++;
    this.starvedNsMax = Math.max(this.starvedNsMax, nowNs - this.#emptySinceNs);
    this.#emptySinceNs = Number.NaN;
  }

  /** There was no next, and the log has not ended. */
  foundEmpty(nowNs: number): void {
    this.#emptyNs = nowNs;
    if (!(this.#emptySinceNs <= nowNs)) this.#emptySinceNs = nowNs;
  }
}
