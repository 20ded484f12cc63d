// Goal: the distance between two distributions of gaps is the one of the textbook, and a tolerance forgives what is
// within it and nothing else. Method: properties against a naive form over all values, and cases worked out by hand.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createPrng } from '../../base/prng.ts';
import { createHistogram, recordNs } from '../../record/histogram.ts';
import { encodeHistogram, timesIn } from '../../record/histogram-text.ts';
import type { SparseHistogram } from '../../record/sparse-histogram.ts';
import { gapDistance } from './gap-distance.ts';

function sparse(valuesNs: readonly number[]): SparseHistogram {
  const all = createHistogram();
  for (const value of valuesNs) recordNs(all, value);
  return timesIn(encodeHistogram(all));
}

/** From the definition, at every value and every value less the tolerance. */
function naive(a: readonly number[], b: readonly number[], toleranceNs: number): number {
  const shareUpTo = (values: readonly number[], x: number) =>
    values.filter((value) => value <= x).length / values.length;
  let most = 0;
  for (const x of [...a, ...b]) {
    most = Math.max(most, shareUpTo(a, x) - shareUpTo(b, x + toleranceNs));
    most = Math.max(most, shareUpTo(b, x) - shareUpTo(a, x + toleranceNs));
  }
  return most;
}

/** Below 2048 ns every value has a bucket of its own, so that nothing is rounded. */
const gaps = fc.array(fc.nat(2000), { minLength: 1, maxLength: 60 });

test('as the naive form has it, for any gaps and any tolerance', () => {
  fc.assert(
    fc.property(gaps, gaps, fc.nat(300), (a, b, tolerance) => {
      const got = gapDistance(sparse(a), sparse(b), tolerance)!;
      assert.ok(Math.abs(got - naive(a, b, tolerance)) < 1e-12, `${got}`);
      assert.equal(got, gapDistance(sparse(b), sparse(a), tolerance));
      assert.ok(got <= gapDistance(sparse(a), sparse(b), 0)!, 'a tolerance makes it no larger');
    }),
  );
});

test('gaps moved by no more than the tolerance are equal', () => {
  const moved = fc.array(fc.tuple(fc.integer({ min: 100, max: 1900 }), fc.integer({ min: -50, max: 50 })), {
    minLength: 1,
    maxLength: 60,
  });
  fc.assert(
    fc.property(moved, (pairs) => {
      const asked = sparse(pairs.map(([gap]) => gap));
      const sent = sparse(pairs.map(([gap, by]) => gap + by));
      assert.equal(gapDistance(asked, sent, 50), 0);
    }),
  );
});

test('by hand', () => {
  const half = sparse([0, 0, 1000, 1000]);
  assert.equal(gapDistance(half, sparse([500, 500]), 0), 0.5);
  assert.equal(gapDistance(half, sparse([0, 1000]), 0), 0);
  assert.equal(gapDistance(half, sparse([2000]), 0), 1);
  assert.equal(gapDistance(half, sparse([]), 0), null);
});

test('Poisson gaps of the same rate are near each other, those of a tenth more are not, nor are even ones', () => {
  const prng = createPrng(7);
  const poisson = (meanNs: number) => sparse(Array.from({ length: 20_000 }, () => prng.exponential(meanNs)));
  assert.ok(gapDistance(poisson(500_000), poisson(500_000), 0)! < 0.02);
  assert.ok(gapDistance(poisson(500_000), poisson(600_000), 0)! > 0.05);
  assert.ok(gapDistance(poisson(500_000), sparse([500_000]), 0)! > 0.3);
});
