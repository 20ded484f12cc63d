/**
 * Response times while a load goes on. Asked for four times a second beside the thread that sends: one pass over the
 * buckets, and nothing allocated that the collector would have to clear away.
 */
import { bucketHighNs, HISTOGRAM_BUCKETS, rankOf } from '../../record/histogram.ts';

export type LatencySoFar = {
  p50Ns: number;
  p99Ns: number;
  /** p99 of the replies since the last call; null when none came. */
  recentP99Ns: number | null;
};

export class LatencyView {
  readonly #shown = new Float64Array(HISTOGRAM_BUCKETS);

  /** `counts`: all replies so far by bucket. Null before the first. */
  update(counts: Float64Array): LatencySoFar | null {
    const shown = this.#shown;
    let total = 0;
    let recent = 0;
    for (let i = 0; i < counts.length; i++) {
      total += counts[i]!;
      recent += Math.max(0, counts[i]! - shown[i]!);
    }
    if (total === 0) return null;
    const found = this.#find(counts, rankOf(0.5, total), rankOf(0.99, total), rankOf(0.99, recent));
    shown.set(counts);
    return { ...found, recentP99Ns: recent > 0 ? found.recentP99Ns : null };
  }

  #find(counts: Float64Array, rank50: number, rank99: number, recentRank99: number) {
    const shown = this.#shown;
    const found = { p50Ns: 0, p99Ns: 0, recentP99Ns: 0 };
    let seen = 0;
    let recent = 0;
    for (let i = 0; i < counts.length; i++) {
      const count = counts[i]!;
      if (count === 0) continue;
      const more = Math.max(0, count - shown[i]!);
      if (seen < rank50 && seen + count >= rank50) found.p50Ns = bucketHighNs(i);
      if (seen < rank99 && seen + count >= rank99) found.p99Ns = bucketHighNs(i);
      if (recent < recentRank99 && recent + more >= recentRank99) found.recentP99Ns = bucketHighNs(i);
      seen += count;
      recent += more;
    }
    return found;
  }
}
