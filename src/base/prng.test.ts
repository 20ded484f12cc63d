// Goal: the same seed gives the same run, streams differ, the means are right. Method: seeded sums.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPrng } from './prng.ts';

const take = (seed: number, stream: number, count = 5) => {
  const prng = createPrng(seed, stream);
  return Array.from({ length: count }, () => prng.next());
};

test('a sequence follows from seed and stream', () => {
  assert.deepEqual(take(7, 0), take(7, 0));
  assert.notDeepEqual(take(7, 0), take(8, 0));
  assert.notDeepEqual(take(7, 0), take(7, 1));
});

test('exponential gaps have the mean asked for and are never zero or infinite', () => {
  const prng = createPrng(1);
  let sum = 0;
  for (let i = 0; i < 200_000; i++) {
    const gap = prng.exponential(1000);
    assert.ok(gap > 0 && Number.isFinite(gap));
    sum += gap;
  }
  assert.ok(Math.abs(sum / 200_000 - 1000) < 10, `mean ${sum / 200_000}`);
});

test('below() stays below', () => {
  const prng = createPrng(3);
  const seen = new Set(Array.from({ length: 1000 }, () => prng.below(7)));
  assert.deepEqual([...seen].sort(), [0, 1, 2, 3, 4, 5, 6]);
});
