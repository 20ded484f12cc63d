/** What the reader's side of a replay counts of each request that it hands on: gaps as they are due, times as logged. */
// Invariant
//  L1  take() allocates nothing but the counts of a route that it meets for the first time.
import { ROUTE_LIMIT } from '../../plan/replay/replay-request.ts';
import { addCounts, bucketOf, createHistogram, HISTOGRAM_BUCKETS } from '../../record/histogram.ts';
import { encodeHistogram } from '../../record/histogram-text.ts';

export class LogTally {
  readonly #gaps = new Float64Array(HISTOGRAM_BUCKETS);
  readonly #logged: (Float64Array | null)[] = new Array<Float64Array | null>(ROUTE_LIMIT).fill(null);
  #gapCount = 0;
  #lastNs = Number.NaN;

  /** One request in order of time, of all clients together. `loggedNs`: −1 when the log does not tell. */
  take(plannedNs: number, route: number, loggedNs: number): void {
    // Not for the first: NaN.
    if (plannedNs >= this.#lastNs) {
      this.#gaps[bucketOf(plannedNs - this.#lastNs)]!++;
      this.#gapCount++;
    }
    this.#lastNs = plannedNs;
    if (loggedNs < 0) return;
    let counts = this.#logged[route]!;
    if (counts === null) {
      counts = new Float64Array(HISTOGRAM_BUCKETS);
      this.#logged[route] = counts;
    }
    counts[bucketOf(loggedNs)]!++;
  }

  /** Histograms, encoded; `askedGaps` is null without two requests. */
  finish(): { askedGaps: string | null; logged: (string | null)[] } {
    return {
      askedGaps: this.#gapCount === 0 ? null : encoded(this.#gaps),
      logged: this.#logged.map((counts) => counts && encoded(counts)),
    };
  }
}

function encoded(counts: Float64Array): string {
  const histogram = createHistogram();
  addCounts(histogram, counts);
  return encodeHistogram(histogram);
}
