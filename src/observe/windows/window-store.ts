/**
 * The windows of a run, bounded: a watch may go on for days. At the limit neighbouring windows of a loop become one, so
 * that sums stay what they were and only their resolution goes.
 */
import type { CycleWindow } from '../../record/observation.ts';

/** An hour and a half of one loop at four a second; about 1 KB each. */
const WINDOW_LIMIT = 24_000;

type Pairs = [bucket: number, count: number][];

const HISTOGRAMS = ['workHistogram', 'eventHistogram', 'overshootHistogram', 'wakeHistogram'] as const;
const SUMS = [
  'durationNs',
  'cycleCount',
  'peekCount',
  'eventCount',
  'timeoutCount',
  'workNs',
  'waitNs',
  'acceptCount',
  'acceptFirstEagainCount',
  'acceptTailEagainCount',
  'cpuUserNs',
  'cpuSystemNs',
  'cpuNs',
  'runDelayNs',
  'voluntarySwitches',
  'involuntarySwitches',
  'minorFaults',
  'majorFaults',
] as const;

export function createWindowStore(limit: number = WINDOW_LIMIT) {
  let windows: CycleWindow[] = [];
  let mergeAtCount = limit;
  return {
    add(window: CycleWindow): void {
      windows.push(window);
      if (windows.length < mergeAtCount) return;
      windows = mergeNeighbours(windows);
      // With as many loops as windows nothing is left to merge: more room, or every window would be a try.
      mergeAtCount = Math.max(limit, windows.length * 2);
    },
    all: (): readonly CycleWindow[] => windows,
  };
}

/** Pairs of windows of one loop, in order of time, as one each. Exported for tests. */
export function mergeNeighbours(windows: readonly CycleWindow[]): CycleWindow[] {
  const merged: CycleWindow[] = [];
  const half = new Map<number, number>();
  for (const window of windows) {
    const place = half.get(window.loopIndex);
    if (place === undefined) {
      half.set(window.loopIndex, merged.length);
      merged.push(window);
    } else {
      merged[place] = mergeTwo(merged[place]!, window);
      half.delete(window.loopIndex);
    }
  }
  return merged;
}

function mergeTwo(first: CycleWindow, second: CycleWindow): CycleWindow {
  const merged = { ...first };
  for (const field of SUMS) merged[field] += second[field];
  for (const field of HISTOGRAMS) merged[field] = addPairs(first[field], second[field]);
  if (first.blockedShare !== null && second.blockedShare !== null) {
    const blockedNs = first.blockedShare * first.durationNs + second.blockedShare * second.durationNs;
    merged.blockedShare = merged.durationNs > 0 ? blockedNs / merged.durationNs : 0;
  }
  return merged;
}

function addPairs(first: Pairs, second: Pairs): Pairs {
  const counts = new Map(first);
  for (const [bucket, count] of second) counts.set(bucket, (counts.get(bucket) ?? 0) + count);
  return [...counts].sort((a, b) => a[0] - b[0]);
}
