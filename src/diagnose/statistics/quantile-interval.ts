/**
 * Quantiles with the interval they are known to. Requests of one second resemble each other, so the spread between
 * blocks of time, not the number of requests, says how much a quantile would differ in another run of the same server.
 */

import { bucketOf } from '../../record/histogram.ts';
import { timesIn } from '../../record/histogram-text.ts';
import type { LatencyHistograms, LoadRecord } from '../../record/load.ts';
import { mergeSparse, type SparseHistogram, sparseQuantile } from '../../record/sparse-histogram.ts';
import { autocorrelation } from './autocorrelation.ts';
import {
  blockSeriesOf,
  CENSORED,
  countAbove,
  countAboveBucket,
  countOf,
  type LatencyKind,
  type TimeBlock,
} from './block-series.ts';
import { studentQuantile } from './special.ts';

/** Requests that must lie beyond a quantile, each counted for what it tells: with fewer, one more or less moves it. */
export const EFFECTIVE_BEYOND = 10;
/** From so few blocks no spread can be told. */
const BLOCKS_MIN = 4;
const CONFIDENCE_P = 0.05;

export type QuantileEstimate = {
  q: number;
  valueNs: number;
  /** The quantile is this or more: it falls among requests that never got an answer. */
  atLeast: boolean;
  /** 95 % interval. Where it falls among requests without an answer its upper end is only a lower bound. */
  lowNs: number;
  highNs: number;
  highAtLeast: boolean;
  requestCount: number;
  /** Independent requests that would tell as much: requestCount ÷ designEffect. */
  effectiveCount: number;
  /** Null when it could not be seen: too few blocks. The interval then takes requests for independent. */
  designEffect: number | null;
  /** effectiveCount × (1 − q) reaches ten. */
  supported: boolean;
};

/** A whole run's times of one kind. */
export type Times = { answered: SparseHistogram; never: SparseHistogram; count: number };

export function timesOf(total: LatencyHistograms, kind: LatencyKind): Times {
  const answered = timesIn(total[kind]);
  const never = mergeSparse(CENSORED[kind].map((name) => timesIn(total[name])));
  return { answered, never, count: answered.totalCount + never.totalCount };
}

/** Estimates of one time of a run at several quantiles (0–1). Empty when nothing was measured. */
export function estimateRun(
  record: LoadRecord,
  kind: LatencyKind,
  qs: readonly number[],
  series: readonly TimeBlock[] = blockSeriesOf(record, kind),
): QuantileEstimate[] {
  const times = timesOf(record.total, kind);
  return qs.flatMap((q) => estimateQuantile(times, series, q) ?? []);
}

/**
 * Null when there are no times. Blocks that do not add up to the times are not used; `assumed` is then the design
 * effect, for a part of a run that is like the whole.
 */
export function estimateQuantile(
  times: Times,
  series: readonly TimeBlock[],
  q: number,
  assumed: number | null = null,
): QuantileEstimate | null {
  const value = sparseQuantile(times.answered, times.never, q);
  if (value === null) return null;
  const n = times.count;
  const blockTotal = series.reduce((sum, block) => sum + countOf(block), 0);
  const designEffect = blockTotal === n ? designEffectOf(series, value.valueNs, q) : assumed;
  const effectiveCount = n / Math.max(1, designEffect ?? 1);
  // Blocks are few: their spread is itself uncertain.
  const degrees = designEffect === null || series.length < 2 ? Number.POSITIVE_INFINITY : series.length - 1;
  const t = degrees === Number.POSITIVE_INFINITY ? 1.96 : studentQuantile(CONFIDENCE_P, degrees);
  // Woodruff 1952: the interval of the share below the quantile, read off the distribution itself.
  const reach = t * Math.sqrt((q * (1 - q)) / effectiveCount);
  const low = sparseQuantile(times.answered, times.never, Math.max(0, q - reach))!;
  const high = sparseQuantile(times.answered, times.never, Math.min(1, q + reach))!;
  return {
    q,
    valueNs: value.valueNs,
    atLeast: value.atLeast,
    lowNs: Math.min(low.valueNs, value.valueNs),
    highNs: Math.max(high.valueNs, value.valueNs),
    // Nothing lies beyond the longest request of the run: where the interval ends there, it ends nowhere.
    highAtLeast: high.atLeast || q + reach >= 1,
    requestCount: n,
    effectiveCount,
    designEffect,
    supported: effectiveCount * (1 - q) >= EFFECTIVE_BEYOND - 1e-6,
  };
}

/**
 * How many times larger the variance of the number of slow requests a block is than if each request were slow by a
 * throw of its own: the batch-means form of 1 + 2 Σρₖ. Null when it cannot be told.
 */
export function designEffectOf(series: readonly TimeBlock[], limitNs: number, q: number): number | null {
  const blocks = series.filter((block) => countOf(block) > 0);
  if (blocks.length < BLOCKS_MIN || q <= 0 || q >= 1) return null;
  // When the quantile is also the longest time, "slow" is to take that long.
  const isLongest = blocks.every((block) => countAbove(block, limitNs) === 0);
  const bucket = bucketOf(limitNs) - (isLongest ? 1 : 0);
  const above = blocks.map((block) => countAboveBucket(block, bucket));
  const counts = blocks.map(countOf);
  const n = counts.reduce((sum, count) => sum + count, 0);
  const share = above.reduce((sum, count) => sum + count, 0) / n;
  if (!(share > 0 && share < 1)) return null;
  const residuals = above.map((count, i) => count - share * counts[i]!);
  const squares = residuals.reduce((sum, value) => sum + value * value, 0);
  const variance = (squares * blocks.length) / (blocks.length - 1);
  const chance = n * share * (1 - share);
  // Neighbouring blocks that resemble each other tell less still.
  const neighbours = blocks.length >= 12 ? Math.max(0, autocorrelation(residuals, 1)) : 0;
  return (variance / chance) * (1 + 2 * neighbours);
}
