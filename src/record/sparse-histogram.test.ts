// Goal: the sparse form says what the dense one does. Method: properties, one against the other.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createHistogram, mergeHistograms, quantileNs, recordNs } from './histogram.ts';
import { decodeSparse, encodeHistogram } from './histogram-text.ts';
import { mergeSparse, NO_TIMES, sparseQuantile } from './sparse-histogram.ts';

const times = fc.array(
  fc.oneof(fc.integer({ min: 0, max: 3000 }), fc.integer({ min: 0, max: 3_600_000_000_000 })),
  { maxLength: 60 },
);

function dense(values: readonly number[]) {
  const histogram = createHistogram();
  for (const value of values) recordNs(histogram, value, 1 + (value % 3));
  return histogram;
}

const sparse = (values: readonly number[]) => decodeSparse(encodeHistogram(dense(values)));

test('sums and quantiles are those of the dense form', () => {
  fc.assert(
    fc.property(
      fc.array(times, { maxLength: 4 }),
      times,
      fc.double({ min: 0, max: 1, noNaN: true }),
      (parts, ages, q) => {
        const merged = mergeSparse(parts.map(sparse));
        const whole = mergeHistograms(parts.map(dense));
        assert.equal(merged.totalCount, whole.totalCount);
        assert.deepEqual(sparseQuantile(merged, sparse(ages), q), quantileNs(whole, dense(ages), q));
        assert.deepEqual(mergeSparse([merged, NO_TIMES]), merged);
      },
    ),
  );
});

test('buckets ascend and none is empty', () => {
  fc.assert(
    fc.property(times, times, (a, b) => {
      const { buckets, counts } = mergeSparse([sparse(a), sparse(b)]);
      assert.ok(buckets.every((bucket, i) => i === 0 || bucket > buckets[i - 1]!));
      assert.ok(counts.every((count) => count > 0));
    }),
  );
});

test('nothing has no quantile', () => {
  assert.equal(sparseQuantile(NO_TIMES, NO_TIMES, 0.5), null);
  assert.equal(mergeSparse([]), NO_TIMES);
});
