// Goal: buckets tile the numbers without gap or overlap. Method: every edge of every bucket.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CYCLE_BUCKET_COUNT, cycleBucketHigh, cycleBucketLow, cycleBucketOf } from './cycle-buckets.ts';

test('each bucket begins where the one before it ends', () => {
  for (let bucket = 0; bucket < CYCLE_BUCKET_COUNT - 1; bucket++) {
    assert.equal(cycleBucketOf(cycleBucketLow(bucket)), bucket);
    assert.equal(cycleBucketOf(cycleBucketHigh(bucket) - 1), bucket);
    assert.equal(cycleBucketHigh(bucket), cycleBucketLow(bucket + 1));
    if (bucket >= 4) assert.ok(cycleBucketHigh(bucket) / cycleBucketLow(bucket) <= 1.25 + 1e-9 || bucket < 8);
  }
});

test('what is out of range lands in the outer buckets', () => {
  assert.equal(cycleBucketOf(-1), 0);
  assert.equal(cycleBucketOf(2 ** 60), CYCLE_BUCKET_COUNT - 1);
});
