/**
 * Gaps between successive sends of all threads together: a histogram, and how a gap goes with the one before it. The
 * time of the last send is shared by all threads; each thread writes its own sums.
 */
import { bucketOf, HISTOGRAM_BUCKETS } from '../../record/histogram.ts';

/** Sums over pairs of neighbouring gaps x, y: how many, Σx, Σy, Σx², Σy², Σxy, in µs so that squares stay exact. */
const SUM_COUNT = 6;
const HEADER_BYTES = SUM_COUNT * 8;
export const GAP_BYTES = HEADER_BYTES + HISTOGRAM_BUCKETS * 4;
const FEWEST_PAIRS = 100;

export class GapWriter {
  readonly #sums: Float64Array;
  readonly #histogram: Uint32Array;
  /** Two doubles, shared by all threads: when the last request was sent, and the gap before it. */
  readonly #last: Float64Array;

  constructor(memory: SharedArrayBuffer, last: Float64Array) {
    this.#sums = new Float64Array(memory, 0, SUM_COUNT);
    this.#histogram = new Uint32Array(memory, HEADER_BYTES, HISTOGRAM_BUCKETS);
    this.#last = last;
  }

  /** One request is sent. Returns the gap before it, ns; two threads at once may see one a little below 0. */
  sent(nowNs: number, isMeasured: boolean): number {
    const gapNs = nowNs - this.#last[0]!;
    const x = this.#last[1]! / 1e3;
    this.#last[0] = nowNs;
    this.#last[1] = gapNs;
    if (!isMeasured) return gapNs;
    this.#histogram[bucketOf(gapNs)]!++;
    const y = gapNs / 1e3;
    const sums = this.#sums;
    sums[0]!++;
    sums[1]! += x;
    sums[2]! += y;
    sums[3]! += x * x;
    sums[4]! += y * y;
    sums[5]! += x * y;
    return gapNs;
  }
}

/** Bucket counts of one thread's gaps. */
export function gapCounts(memory: SharedArrayBuffer): Uint32Array {
  return new Uint32Array(memory, HEADER_BYTES, HISTOGRAM_BUCKETS);
}

/** Correlation of a gap with the one before it, over all threads; null when there were too few or they are all equal. */
export function lagOneCorrelation(memories: readonly SharedArrayBuffer[]): number | null {
  const sum = (index: number) =>
    memories.reduce((total, memory) => total + new Float64Array(memory, 0, SUM_COUNT)[index]!, 0);
  const n = sum(0);
  if (n < FEWEST_PAIRS) return null;
  const covariance = sum(5) / n - (sum(1) / n) * (sum(2) / n);
  const varianceX = sum(3) / n - (sum(1) / n) ** 2;
  const varianceY = sum(4) / n - (sum(2) / n) ** 2;
  const scale = Math.sqrt(varianceX * varianceY);
  return scale > 0 ? Math.max(-1, Math.min(1, covariance / scale)) : null;
}
