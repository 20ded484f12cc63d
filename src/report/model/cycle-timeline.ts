import { cycleBucketHigh, cycleBucketLow } from '../../record/cycle-buckets.ts';
import type { CycleWindow, ObservationRecord } from '../../record/observation.ts';

/** Work times of one loop as counts over time and duration. */
export type HeatMap = {
  loopIndex: number;
  /** Longest cycle of each column; null where none ended. */
  longestNs: (number | null)[];
  /** Flat triples: column, row, count; only cells in use. */
  cells: number[];
};

export type CycleTimeline = {
  /** Column c covers [columnEdgesNs[c], columnEdgesNs[c + 1]): whole windows, which are not all of one length. */
  columnEdgesNs: number[];
  /** Row r covers work times [rowLowNs[r], rowLowNs[r + 1]). */
  rowLowNs: number[];
  loops: HeatMap[];
};

const COLUMNS_MAX = 200;

/** Two counting buckets make one row: half a power of two, fine enough for the eye. */
const BUCKETS_PER_ROW = 2;

/** More than there are rows: makes one number of a column and a row. */
const ROW_KEY = 1000;

/** Windows of different loops that start within this were read together. */
const SAME_START_NS = 20_000_000;

/** Work times over time, for every loop. Null in the proc tier, where cycles are not visible. */
export function cycleTimeline(observation: ObservationRecord): CycleTimeline | null {
  const windows = observation.windows.filter((window) => window.workHistogram.length > 0);
  if (observation.tier !== 'bpf' || windows.length === 0) return null;
  const columnEdgesNs = edgesOf(observation.windows);
  const rows = windows.flatMap((window) => window.workHistogram.map(([bucket]) => rowOf(bucket)));
  const rowMin = rows.reduce((a, b) => Math.min(a, b));
  const rowMax = rows.reduce((a, b) => Math.max(a, b));
  const columnOf = (atNs: number) => findColumn(columnEdgesNs, atNs);
  const exactNs = longestStalls(observation, columnOf);
  const loops = observation.loops.map(({ loopIndex }) => {
    const topBuckets: (number | null)[] = new Array(columnEdgesNs.length - 1).fill(null);
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
  return { columnEdgesNs, rowLowNs, loops };
}

const rowOf = (bucket: number) => Math.floor(bucket / BUCKETS_PER_ROW);

/**
 * Windows are as long as the reader took to come round, so columns follow them: each begins where windows begin, and
 * holds several in long runs.
 */
function edgesOf(windows: readonly CycleWindow[]): number[] {
  const sorted = [...windows].sort((a, b) => a.startNs - b.startNs);
  const starts: number[] = [];
  for (const { startNs } of sorted) {
    if (starts.length === 0 || startNs - starts.at(-1)! > SAME_START_NS) starts.push(startNs);
  }
  const perColumn = Math.ceil(starts.length / COLUMNS_MAX);
  const edges = starts.filter((_, index) => index % perColumn === 0);
  edges.push(
    sorted.reduce((end, window) => Math.max(end, window.startNs + window.durationNs), edges.at(-1)! + 1),
  );
  return edges;
}

/** Last column that begins at or before a time. */
function findColumn(edges: readonly number[], atNs: number): number {
  let low = 0;
  let high = edges.length - 2;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (edges[middle]! <= atNs) low = middle;
    else high = middle - 1;
  }
  return low;
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
