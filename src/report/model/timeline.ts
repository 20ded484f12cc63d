import type { Diagnosis } from '../../diagnose/finding.ts';
import { cycleBucketHigh, cycleBucketLow } from '../../record/cycle-buckets.ts';
import type { LoadBlock, LoadRecord } from '../../record/load.ts';
import type { ObservationRecord } from '../../record/observation.ts';
import { distributionOfKind, withheldReason } from './latency.ts';

/** One stretch of time of the load, all threads together; ns since run start. Null: withheld or nothing to show. */
export type LatencyPoint = {
  startNs: number;
  durationNs: number;
  plannedCount: number;
  failedCount: number;
  p50Ns: number | null;
  p99Ns: number | null;
  maxNs: number | null;
  /** The maximum is the age of a request that never got an answer. */
  maxAtLeast: boolean;
};

/** Most points drawn: one per pixel column or two is all a screen can show. */
export const POINTS_MAX = 600;

/** Below this many requests in one point its p99 is the maximum under another name. */
const P99_COUNT_MIN = 100;

/** Response time over the run, a point a block (one second), or several blocks to a point in long runs. */
export function latencyTimeline(
  load: LoadRecord,
  diagnosis: Diagnosis,
  pointsMax = POINTS_MAX,
): LatencyPoint[] {
  const withheld = withheldReason(diagnosis, 'response') !== null;
  const blockNs = Math.max(1, ...load.blocks.map((block) => block.durationNs));
  const bySlot = new Map<number, LoadBlock[]>();
  for (const block of load.blocks) {
    const slot = Math.round(block.startNs / blockNs);
    const list = bySlot.get(slot);
    if (list) list.push(block);
    else bySlot.set(slot, [block]);
  }
  const slots = [...bySlot].sort((a, b) => a[0] - b[0]).map(([, blocks]) => blocks);
  const perPoint = Math.ceil(slots.length / pointsMax);
  const points: LatencyPoint[] = [];
  for (let i = 0; i < slots.length; i += perPoint) {
    points.push(pointOf(slots.slice(i, i + perPoint).flat(), withheld));
  }
  return points;
}

function pointOf(blocks: LoadBlock[], withheld: boolean): LatencyPoint {
  const startNs = Math.min(...blocks.map((block) => block.startNs));
  const endNs = Math.max(...blocks.map((block) => block.startNs + block.durationNs));
  const plannedCount = blocks.reduce((sum, block) => sum + block.counts.planned, 0);
  const okCount = blocks.reduce((sum, block) => sum + block.counts.ok, 0);
  const distribution = withheld
    ? null
    : distributionOfKind(
        blocks.map((block) => block.latency),
        'response',
      );
  const max = distribution?.quantile(1);
  return {
    startNs,
    durationNs: endNs - startNs,
    plannedCount,
    failedCount: plannedCount - okCount,
    p50Ns: distribution?.quantile(0.5).ns ?? null,
    p99Ns: distribution && distribution.count >= P99_COUNT_MIN ? distribution.quantile(0.99).ns : null,
    maxNs: max?.ns ?? null,
    maxAtLeast: max?.atLeast ?? false,
  };
}

/** Longest cycle of one loop in each stretch of time. Null where no cycle ended. */
export type LoopTimeline = { loopIndex: number; longestNs: (number | null)[] };

/** Work times of one loop as counts over time and duration. */
export type HeatMap = {
  loopIndex: number;
  /** Flat triples: column, row, count; only cells in use. */
  cells: number[];
};

export type CycleTimeline = {
  /** Column c covers [startNs + c × columnNs, …). */
  startNs: number;
  columnNs: number;
  columnCount: number;
  /** Row r of the heat map covers work times [rowLowNs[r], rowLowNs[r + 1]). */
  rowLowNs: number[];
  loops: LoopTimeline[];
  heatMaps: HeatMap[];
};

const COLUMNS_MAX = 200;

/** Two counting buckets make one row: half a power of two, fine enough for the eye. */
const BUCKETS_PER_ROW = 2;

/** More than there are rows: makes one number of a column and a row. */
const ROW_KEY = 1000;

/** Work times over time, for every loop. Null in the proc tier, where cycles are not visible. */
export function cycleTimeline(observation: ObservationRecord): CycleTimeline | null {
  const windows = observation.windows.filter((window) => window.workHistogram.length > 0);
  if (observation.tier !== 'bpf' || windows.length === 0) return null;
  const { startNs, columnNs, columnCount } = columnsOf(observation);
  const columnOf = (atNs: number) =>
    Math.min(columnCount - 1, Math.max(0, Math.floor((atNs - startNs) / columnNs)));
  const rowOf = (bucket: number) => Math.floor(bucket / BUCKETS_PER_ROW);
  let rowMin = Number.POSITIVE_INFINITY;
  let rowMax = 0;
  for (const window of windows) {
    for (const [bucket] of window.workHistogram) {
      rowMin = Math.min(rowMin, rowOf(bucket));
      rowMax = Math.max(rowMax, rowOf(bucket));
    }
  }
  const exactNs = longestStalls(observation, columnOf);
  const loops = observation.loops.map(({ loopIndex }) => {
    const topBuckets: (number | null)[] = new Array(columnCount).fill(null);
    const counts = new Map<number, number>();
    for (const window of windows) {
      if (window.loopIndex !== loopIndex) continue;
      const column = columnOf(window.startNs + window.durationNs / 2);
      for (const [bucket, count] of window.workHistogram) {
        const key = column * ROW_KEY + rowOf(bucket) - rowMin;
        counts.set(key, (counts.get(key) ?? 0) + count);
        topBuckets[column] = Math.max(topBuckets[column] ?? 0, bucket);
      }
    }
    const longestNs = topBuckets.map((bucket, column) =>
      bucket === null ? null : longestOf(bucket, exactNs.get(`${loopIndex},${column}`)),
    );
    const cells = [...counts].flatMap(([key, count]) => [Math.floor(key / ROW_KEY), key % ROW_KEY, count]);
    return { loopIndex, longestNs, cells };
  });
  const rowLowNs = Array.from({ length: rowMax - rowMin + 2 }, (_, row) => lowOfRow(row + rowMin));
  return {
    startNs,
    columnNs,
    columnCount,
    rowLowNs,
    loops: loops.map(({ loopIndex, longestNs }) => ({ loopIndex, longestNs })),
    heatMaps: loops.map(({ loopIndex, cells }) => ({ loopIndex, cells })),
  };
}

/** Whole windows to a column, so that no window is split between two. */
function columnsOf(observation: ObservationRecord): {
  startNs: number;
  columnNs: number;
  columnCount: number;
} {
  const windowNs = Math.max(1, observation.windowNs);
  const startNs = observation.startNs;
  const windowCount = Math.max(1, Math.ceil((observation.endNs - startNs) / windowNs));
  const perColumn = Math.ceil(windowCount / COLUMNS_MAX);
  return { startNs, columnNs: windowNs * perColumn, columnCount: Math.ceil(windowCount / perColumn) };
}

/** "loop,column" → exact length of the longest kept stall that ended there. */
function longestStalls(
  observation: ObservationRecord,
  columnOf: (atNs: number) => number,
): Map<string, number> {
  const longest = new Map<string, number>();
  for (const stall of observation.stalls) {
    if (stall.kind !== 'work') continue;
    const key = `${stall.loopIndex},${columnOf(stall.startNs + stall.wallNs)}`;
    longest.set(key, Math.max(longest.get(key) ?? 0, stall.wallNs));
  }
  return longest;
}

/** The stall's own length when it is what filled the top bucket; otherwise the bucket's end: no cycle was longer. */
function longestOf(topBucket: number, exactNs: number | undefined): number {
  return exactNs !== undefined && exactNs >= cycleBucketLow(topBucket) ? exactNs : cycleBucketHigh(topBucket);
}

function lowOfRow(row: number): number {
  return row === 0 ? 0 : cycleBucketHigh(row * BUCKETS_PER_ROW - 1);
}
