import { decodeFromCompressedBase64, type Histogram } from 'hdr-histogram-js';

/** What the rules ask of a latency histogram. Values are ns. */
export type Distribution = {
  count: number;
  meanNs: number;
  maxNs: number;
  /** q from 0 to 1. */
  quantileNs(q: number): number;
  /** Share of values above a limit, 0–1. */
  shareAbove(limitNs: number): number;
};

/**
 * Longer texts than this hold no histogram of ours: three significant digits up to an hour, every bucket in use,
 * take about 40 kB.
 */
const MAX_TEXT_LENGTH = 1_000_000;

/** Several encoded histograms as one, added bucket by bucket; null when none can be read or all are empty. */
export function distributionOf(texts: readonly string[]): Distribution | null {
  let sum: Histogram | null = null;
  for (const text of texts) {
    const histogram = decode(text);
    if (!histogram || histogram.totalCount === 0) continue;
    if (sum) sum.add(histogram);
    else sum = histogram;
  }
  return sum ? fromHistogram(sum) : null;
}

function decode(text: string): Histogram | null {
  if (text === '' || text.length > MAX_TEXT_LENGTH) return null;
  try {
    const histogram = decodeFromCompressedBase64(text);
    histogram.autoResize = true;
    return histogram;
  } catch {
    return null; // a damaged histogram is reported as absent by whoever needed it
  }
}

function fromHistogram(histogram: Histogram): Distribution {
  const count = histogram.totalCount;
  return {
    count,
    meanNs: histogram.mean,
    maxNs: histogram.maxValue,
    quantileNs: (q) => histogram.getValueAtPercentile(q * 100),
    shareAbove: (limitNs) => 1 - shareUpTo(histogram, limitNs),
  };
}

/** The library counts no values below a limit, but answers quantiles: the share is found by halving. */
function shareUpTo(histogram: Histogram, limitNs: number): number {
  if (histogram.maxValue <= limitNs) return 1;
  let low = 0;
  let high = 1;
  for (let i = 0; i < 24; i++) {
    const middle = (low + high) / 2;
    if (histogram.getValueAtPercentile(middle * 100) <= limitNs) low = middle;
    else high = middle;
  }
  return low;
}
