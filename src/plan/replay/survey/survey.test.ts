// Goal: counts that are told are right at any size: clients told apart, and rates over spans from a moment to years.
// Method: values whose counts are known.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mix } from '../lines/bytes.ts';
import { DistinctCount } from './distinct-count.ts';
import { RateCurve } from './rate-curve.ts';

test('distinct values are counted exactly, each once, up to the limit', () => {
  const distinct = new DistinctCount(50_000);
  for (let round = 0; round < 3; round++) for (let i = 0; i < 40_000; i++) distinct.add(mix(i));
  assert.equal(distinct.count, 40_000);
  distinct.add(0);
  distinct.add(0);
  const zeros = mix(0) === 0 ? 0 : 1;
  assert.equal(distinct.count, 40_000 + zeros);
  for (let i = 40_000; i < 100_000; i++) distinct.add(mix(i));
  assert.equal(distinct.count, 50_000);
});

for (const [name, stepNs, count] of [
  ['a moment', 0, 1000],
  ['minutes', 1e7, 30_000],
  ['days', 60e9, 5000],
  ['years', 86_400e9, 1000],
] as const) {
  test(`the curve of ${name} holds every request, in no more steps than there is room for`, () => {
    const curve = new RateCurve();
    for (let i = 0; i < count; i++) curve.add(5e9 + i * stepNs);
    const counts = curve.counts();
    assert.equal(
      counts.reduce((sum, each) => sum + each, 0),
      count,
    );
    assert.ok(counts.length <= 512, String(counts.length));
    assert.ok(counts.length * curve.stepSec >= ((count - 1) * stepNs) / 1e9);
    assert.equal(curve.peakPerSec, stepNs === 0 ? count : Math.max(1, 1e9 / stepNs));
  });
}
