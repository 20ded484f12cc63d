import { greatestOf, leastOf } from '../../base/extremes.ts';
import { createHistogram, type Histogram } from '../../record/histogram.ts';
import { decodeSparse } from '../../record/histogram-text.ts';
import type { LatencyHistograms, LoadBlock, LoadRecord, OutcomeCounts } from '../../record/load.ts';
import { OUTCOME_KINDS } from './load-summary.ts';

/** One second of a load, all threads together. Times are ns since run start. */
export type Second = {
  startNs: number;
  durationNs: number;
  /** Before the measured part: not in the totals. */
  warmup: boolean;
  counts: OutcomeCounts;
  /** Each thread's histograms of it. */
  latencies: LatencyHistograms[];
  /** Null when not sampled. */
  inFlight: { mean: number; max: number } | null;
};

/** Threads' blocks of the same second differ by a turn of each thread's loop. */
export const SAME_START_NS = 1_000_000;

/** Blocks of all threads over the same second, in order of time. */
export function blocksBySecond(blocks: readonly LoadBlock[]): LoadBlock[][] {
  const seconds: LoadBlock[][] = [];
  let startNs = Number.NEGATIVE_INFINITY;
  for (const block of [...blocks].sort((a, b) => a.startNs - b.startNs)) {
    if (block.startNs - startNs > SAME_START_NS) {
      seconds.push([]);
      startNs = block.startNs;
    }
    seconds.at(-1)!.push(block);
  }
  return seconds;
}

/** The load second by second. */
export function secondsOf(load: LoadRecord): Second[] {
  return blocksBySecond(load.blocks).map((blocks) => {
    const startNs = leastOf(blocks.map((block) => block.startNs));
    const sampled = blocks.flatMap((block) => (block.inFlight ? [block.inFlight] : []));
    return {
      startNs,
      durationNs: greatestOf(blocks.map((block) => block.startNs + block.durationNs)) - startNs,
      // A block of the measured part begins when that does, give or take a turn of its thread's loop.
      warmup: startNs < load.measuredFromNs - SAME_START_NS,
      counts: sumCounts(blocks.map((block) => block.counts)),
      latencies: blocks.map((block) => block.latency),
      inFlight:
        sampled.length === 0
          ? null
          : {
              mean: sampled.reduce((sum, { mean }) => sum + mean, 0),
              max: sampled.reduce((sum, { max }) => sum + max, 0),
            },
    };
  });
}

export function sumCounts(all: readonly OutcomeCounts[]): OutcomeCounts {
  const sum = { planned: 0, ok: 0, wrong: 0, error: 0, timeout: 0, unsent: 0, unfinished: 0 };
  for (const counts of all) {
    for (const name of ['planned', ...OUTCOME_KINDS] as const) sum[name] += counts[name];
  }
  return sum;
}

/** Which histograms make up each time when what never ended is counted at its age. */
const PARTS = {
  response: ['response', 'censored', 'unsent'],
  service: ['service', 'censored'],
  lateness: ['lateness', 'unsent'],
} as const;

/** One histogram of a time, for formats that know no lower bounds: what never ended is in it at its age. */
export function histogramWithAges(
  latencies: readonly LatencyHistograms[],
  kind: keyof typeof PARTS,
): Histogram {
  const sum = createHistogram();
  for (const latency of latencies) {
    for (const part of PARTS[kind]) {
      const { buckets, counts, totalCount } = decodeSparse(latency[part]);
      for (let i = 0; i < buckets.length; i++) sum.counts[buckets[i]!]! += counts[i]!;
      sum.totalCount += totalCount;
    }
  }
  return sum;
}

/** How many requests of a time are known by their age only. */
export function agesCount(load: LoadRecord, kind: keyof typeof PARTS): number {
  return PARTS[kind].slice(1).reduce((count, part) => count + decodeSparse(load.total[part]).totalCount, 0);
}
