// Goal: a watch of days stays bounded, and what its windows add up to stays what it was.
// Method: far more windows than there is room for, of two loops; sums before and after.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CycleWindow } from '../../record/observation.ts';
import { emptyWindow } from './task-window.ts';
import { createWindowStore, mergeNeighbours } from './window-store.ts';

const COUNTERS = {
  cpuNs: 5,
  runDelayNs: 1,
  cpuUserNs: 2,
  cpuSystemNs: 3,
  voluntarySwitches: 1,
  involuntarySwitches: 0,
  minorFaults: 4,
  majorFaults: 0,
};

function windowAt(loopIndex: number, i: number): CycleWindow {
  return {
    ...emptyWindow(loopIndex, i * 250, 250),
    ...COUNTERS,
    cycleCount: 3,
    eventCount: 7,
    workHistogram: [
      [10, 2],
      [40 + (i % 3), 1],
    ],
    blockedShare: loopIndex === 1 ? (i % 2 === 0 ? 1 : 0) : null,
  };
}

const sum = (windows: readonly CycleWindow[], field: 'cycleCount' | 'durationNs' | 'cpuNs' | 'minorFaults') =>
  windows.reduce((total, window) => total + window[field], 0);
const counted = (windows: readonly CycleWindow[]) =>
  windows.reduce(
    (total, { workHistogram }) => total + workHistogram.reduce((n, [, count]) => n + count, 0),
    0,
  );

test('ten thousand windows in room for a hundred: sums and order stay', () => {
  const store = createWindowStore(100);
  for (let i = 0; i < 5000; i++) for (const loop of [0, 1]) store.add(windowAt(loop, i));
  const kept = store.all();
  assert.ok(kept.length <= 100, `${kept.length}`);
  for (const loop of [0, 1]) {
    const own = kept.filter((window) => window.loopIndex === loop);
    assert.equal(sum(own, 'cycleCount'), 15_000);
    assert.equal(sum(own, 'durationNs'), 1_250_000);
    assert.equal(sum(own, 'cpuNs'), 25_000);
    assert.equal(sum(own, 'minorFaults'), 20_000);
    assert.equal(counted(own), 15_000);
    own.reduce((endNs, window) => {
      assert.equal(window.startNs, endNs, 'no gap, no overlap');
      return window.startNs + window.durationNs;
    }, 0);
    for (const { workHistogram } of own) {
      const buckets = workHistogram.map(([bucket]) => bucket);
      assert.deepEqual(
        buckets,
        [...new Set(buckets)].sort((a, b) => a - b),
      );
    }
  }
  const blockedNs = kept.reduce(
    (ns, { blockedShare, durationNs }) => ns + (blockedShare ?? 0) * durationNs,
    0,
  );
  assert.ok(Math.abs(blockedNs - 625_000) < 1e-3, `${blockedNs}`);
});

test('one window alone is left as it is', () => {
  const alone = windowAt(3, 0);
  assert.deepEqual(mergeNeighbours([alone]), [alone]);
});
