/**
 * A run's latencies second by second, kept small: what a trend, an interval or a bootstrap needs. Long runs are grouped
 * by several seconds, so that memory does not follow their length.
 */
import {
  bucketHighNs,
  bucketOf,
  createHistogram,
  HISTOGRAM_BUCKETS,
  type Histogram,
} from '../../record/histogram.ts';
import { decodeHistogram, encodeHistogram } from '../../record/histogram-text.ts';
import type { LatencyHistograms, LoadBlock, LoadRecord } from '../../record/load.ts';

export type LatencyKind = 'response' | 'service' | 'lateness';

/** Requests that never got so far are known by their age alone: which of them belong to each time. */
export const CENSORED: Record<LatencyKind, readonly ('censored' | 'unsent')[]> = {
  response: ['censored', 'unsent'],
  service: ['censored'],
  lateness: ['unsent'],
};

/** One group's times: buckets of record/histogram.ts in ascending order, and how many in each. */
export type SparseTimes = { buckets: Uint16Array; counts: Float64Array; total: number };

export type TimeBlock = {
  startNs: number;
  answered: SparseTimes;
  /** Requests without such a time: slower than every answered one. */
  neverCount: number;
};

const GROUPS_MAX = 300;

/** The measured part, all threads together, in order of time. Damaged histograms count as empty. */
export function blockSeriesOf(record: LoadRecord, kind: LatencyKind): TimeBlock[] {
  const seconds = secondsOf(record);
  return groupSeries(
    seconds.map((blocks) =>
      blockOf(
        blocks[0]!.startNs,
        blocks.map((block) => block.latency),
        kind,
      ),
    ),
  );
}

/** At most 300 blocks: neighbours together. */
export function groupSeries(series: readonly TimeBlock[]): TimeBlock[] {
  const step = Math.max(1, Math.ceil(series.length / GROUPS_MAX));
  if (step === 1) return [...series];
  const groups: TimeBlock[] = [];
  for (let i = 0; i < series.length; i += step) groups.push(mergeBlocks(series.slice(i, i + step)));
  return groups;
}

/** One block of several, at least one. */
export function mergeBlocks(blocks: readonly TimeBlock[]): TimeBlock {
  return {
    startNs: blocks[0]!.startNs,
    answered: mergeSparse(blocks.map((block) => block.answered)),
    neverCount: blocks.reduce((sum, block) => sum + block.neverCount, 0),
  };
}

/** Measured blocks, those of one second together: threads change their blocks a little apart. */
export function secondsOf(record: LoadRecord): LoadBlock[][] {
  const groups = new Map<number, LoadBlock[]>();
  for (const block of record.blocks) {
    if (block.startNs < record.measuredFromNs) continue;
    const key = Math.round(block.startNs / 1e8);
    const group = groups.get(key);
    if (group) group.push(block);
    else groups.set(key, [block]);
  }
  return [...groups.entries()].sort(([a], [b]) => a - b).map(([, blocks]) => blocks);
}

export function blockOf(
  startNs: number,
  histograms: readonly LatencyHistograms[],
  kind: LatencyKind,
): TimeBlock {
  const answered = mergeSparse(histograms.map((each) => sparseOf(decodeOrNull(each[kind]))));
  let neverCount = 0;
  for (const each of histograms) {
    for (const name of CENSORED[kind]) neverCount += decodeOrNull(each[name])?.totalCount ?? 0;
  }
  return { startNs, answered, neverCount };
}

const NOTHING: SparseTimes = { buckets: new Uint16Array(0), counts: new Float64Array(0), total: 0 };

function sparseOf(histogram: Histogram | null): SparseTimes {
  if (histogram === null || histogram.totalCount === 0) return NOTHING;
  return sparseBetween(histogram.counts, 0, histogram.counts.length - 1);
}

function sparseBetween(counts: Float64Array, low: number, high: number): SparseTimes {
  let used = 0;
  for (let i = low; i <= high; i++) if (counts[i]! > 0) used++;
  const times = { buckets: new Uint16Array(used), counts: new Float64Array(used), total: 0 };
  let at = 0;
  for (let i = low; i <= high; i++) {
    if (!(counts[i]! > 0)) continue;
    times.buckets[at] = i;
    times.counts[at++] = counts[i]!;
    times.total += counts[i]!;
  }
  return times;
}

/** Room to add up in; all zero between calls. */
const sums = new Float64Array(HISTOGRAM_BUCKETS);

export function mergeSparse(parts: readonly SparseTimes[]): SparseTimes {
  if (parts.length === 1) return parts[0]!;
  let low = HISTOGRAM_BUCKETS;
  let high = -1;
  for (const { buckets, counts } of parts) {
    for (let i = 0; i < buckets.length; i++) sums[buckets[i]!]! += counts[i]!;
    low = Math.min(low, buckets[0] ?? low);
    high = Math.max(high, buckets.at(-1) ?? high);
  }
  const merged = sparseBetween(sums, low, high);
  sums.fill(0, low, high + 1);
  return merged;
}

/** Requests slower than a time, those without one among them. */
export function countAbove(block: TimeBlock, limitNs: number): number {
  return countAboveBucket(block, bucketOf(limitNs));
}

export function countAboveBucket({ answered, neverCount }: TimeBlock, bucket: number): number {
  let above = neverCount;
  for (let i = answered.buckets.length - 1; i >= 0 && answered.buckets[i]! > bucket; i--) {
    above += answered.counts[i]!;
  }
  return above;
}

export function countOf(block: TimeBlock): number {
  return block.answered.total + block.neverCount;
}

/** Quantile of the answered requests, as reports round it: up to the end of its bucket. Null without any. */
export function sparseQuantileNs(times: SparseTimes, q: number): number | null {
  if (times.total === 0) return null;
  const rank = Math.max(1, Math.ceil(q * times.total - 1e-9 * times.total));
  let seen = 0;
  for (let i = 0; i < times.buckets.length; i++) {
    seen += times.counts[i]!;
    if (seen >= rank) return bucketHighNs(times.buckets[i]!);
  }
  return bucketHighNs(times.buckets.at(-1)!);
}

const EMPTY_TEXT = encodeHistogram(createHistogram());

/** Null for an empty or damaged histogram. */
export function decodeOrNull(text: string): Histogram | null {
  if (text === '' || text === EMPTY_TEXT) return null;
  try {
    const histogram = decodeHistogram(text);
    return histogram.totalCount > 0 ? histogram : null;
  } catch {
    return null;
  }
}
