/**
 * A run's latencies second by second, kept small: what a trend, an interval or a bootstrap needs. Long runs are grouped
 * by several seconds, so that memory does not follow their length.
 */
import { bucketOf } from '../../record/histogram.ts';
import { timesIn } from '../../record/histogram-text.ts';
import type { LatencyHistograms, LoadBlock, LoadRecord } from '../../record/load.ts';
import { mergeSparse, type SparseHistogram } from '../../record/sparse-histogram.ts';

export type LatencyKind = 'response' | 'service' | 'lateness';

/** Requests that never got so far are known by their age alone: which of them belong to each time. */
export const CENSORED: Record<LatencyKind, readonly ('censored' | 'unsent')[]> = {
  response: ['censored', 'unsent'],
  service: ['censored'],
  lateness: ['unsent'],
};

export type TimeBlock = {
  startNs: number;
  /** One group's times. */
  answered: SparseHistogram;
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
  const answered = mergeSparse(histograms.map((each) => timesIn(each[kind])));
  let neverCount = 0;
  for (const each of histograms) {
    for (const name of CENSORED[kind]) neverCount += timesIn(each[name]).totalCount;
  }
  return { startNs, answered, neverCount };
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
  return block.answered.totalCount + block.neverCount;
}
