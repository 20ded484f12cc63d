import {
  bucketHighNs,
  bucketLowNs,
  createHistogram,
  type Histogram,
  mergeHistograms,
  quantileNs,
} from '../../record/histogram.ts';
import { decodeHistogram } from '../../record/histogram-text.ts';
import { ratio } from './numbers.ts';

/** What the rules ask of latencies. Values are ns. */
export type Distribution = {
  count: number;
  /** Of the answered requests. */
  meanNs: number;
  /** q from 0 to 1. A lower bound where it falls among requests without an answer. */
  quantileNs(q: number): number;
  /** Share of requests above a limit, 0–1; those without an answer are. */
  shareAbove(limitNs: number): number;
};

/**
 * Encoded histograms as one: of answered requests, and of the ages of requests that never got an answer, each taken to
 * be slower than every answered one. Null when none can be read or all are empty.
 */
export function distributionOf(
  answered: readonly string[],
  unanswered: readonly string[] = [],
): Distribution | null {
  const known = merged(decodeAll(answered));
  const never = merged(decodeAll(unanswered));
  const count = known.totalCount + never.totalCount;
  if (count === 0) return null;
  return {
    count,
    meanNs: meanOf(known),
    quantileNs: (q) => quantileNs(known, never, q)?.valueNs ?? 0,
    shareAbove: (limitNs) => ratio(countAbove(known, limitNs) + never.totalCount, count),
  };
}

const EMPTY = createHistogram();

/** Most often there is one, or none: nothing to add up. */
function merged(histograms: Histogram[]): Histogram {
  return histograms.length > 1 ? mergeHistograms(histograms) : (histograms[0] ?? EMPTY);
}

/** A damaged histogram is as good as none: whoever needed it says that nothing was measured. */
function decodeAll(texts: readonly string[]): Histogram[] {
  return texts.flatMap((text) => {
    try {
      return text === '' ? [] : [decodeHistogram(text)];
    } catch {
      return [];
    }
  });
}

function meanOf({ counts, totalCount }: Histogram): number {
  let sum = 0;
  counts.forEach((count, bucket) => {
    if (count > 0) sum += (count * (bucketLowNs(bucket) + bucketHighNs(bucket))) / 2;
  });
  return totalCount > 0 ? sum / totalCount : 0;
}

function countAbove({ counts }: Histogram, limitNs: number): number {
  let above = 0;
  for (let bucket = counts.length - 1; bucket >= 0 && bucketLowNs(bucket) > limitNs; bucket--)
    above += counts[bucket]!;
  return above;
}
