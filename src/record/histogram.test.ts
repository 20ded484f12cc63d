// Goal: our counter is HdrHistogram, only faster. Method: properties against the library and against sorted lists.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import {
  build,
  decodeFromCompressedBase64,
  encodeIntoCompressedBase64,
  type Histogram,
} from 'hdr-histogram-js';
import {
  addCounts,
  bucketHighNs,
  bucketLowNs,
  bucketOf,
  createHistogram,
  HISTOGRAM_BUCKETS,
  mergeHistograms,
  quantileNs,
  recordNs,
} from './histogram.ts';
import { decodeHistogram, encodeHistogram } from './histogram-text.ts';

const HOUR_NS = 3.6e12;
const times = fc.oneof(
  fc.integer({ min: 0, max: 5000 }),
  fc.integer({ min: 0, max: 2 ** 31 - 1 }),
  fc.integer({ min: 0, max: HOUR_NS }),
  fc.integer({ min: 0, max: 41 }).map((bits) => 2 ** bits),
  fc.integer({ min: 1, max: 41 }).map((bits) => 2 ** bits - 1),
);

function histogramOf(values: readonly number[]) {
  const histogram = createHistogram();
  for (const value of values) recordNs(histogram, value);
  return histogram;
}

test('a value lies in its bucket, and a bucket is at most a thousandth wide', () => {
  fc.assert(
    fc.property(times, (value) => {
      const bucket = bucketOf(value);
      assert.ok(bucket >= 0 && bucket < HISTOGRAM_BUCKETS);
      assert.ok(bucketLowNs(bucket) <= value && value <= bucketHighNs(bucket), `${value} in ${bucket}`);
      assert.ok(bucketHighNs(bucket) - bucketLowNs(bucket) <= value / 1000);
    }),
    { numRuns: 3000 },
  );
});

/** The library's histogram of the same range; its type lacks what only tests ask. */
function twin() {
  return build({
    bitBucketSize: 64,
    autoResize: false,
    lowestDiscernibleValue: 1,
    highestTrackableValue: HOUR_NS,
    numberOfSignificantValueDigits: 3,
  }) as Histogram & { countsArrayIndex(value: number): number; countsArrayLength: number };
}

test('the library puts every value in the same bucket', () => {
  const library = twin();
  assert.equal(library.countsArrayLength, HISTOGRAM_BUCKETS);
  fc.assert(
    fc.property(times, (value) => {
      assert.equal(bucketOf(value), library.countsArrayIndex(value));
    }),
    { numRuns: 3000 },
  );
});

test('the library reads our text and we read its', () => {
  fc.assert(
    fc.property(fc.array(times, { maxLength: 100 }), (values) => {
      const library = twin();
      for (const value of values) library.recordValue(value);
      const theirs = decodeHistogram(encodeIntoCompressedBase64(library));
      const ours = histogramOf(values);
      assert.deepEqual(theirs, ours);
      const back = decodeFromCompressedBase64(encodeHistogram(ours), 64);
      assert.equal(back.totalCount, values.length);
      for (const percentile of [0, 50, 99, 100]) {
        assert.equal(back.getValueAtPercentile(percentile), library.getValueAtPercentile(percentile));
      }
    }),
    { numRuns: 30 },
  );
});

test('times outside the range and between whole ns are counted, not lost', () => {
  assert.equal(bucketOf(-5), 0);
  assert.equal(bucketOf(7.9), 7);
  assert.equal(bucketOf(HOUR_NS * 50), bucketOf(HOUR_NS));
  assert.equal(bucketOf(Number.POSITIVE_INFINITY), bucketOf(HOUR_NS));
  assert.equal(bucketOf(2 ** 31 + 0.5), bucketOf(2 ** 31));
});

test('encode and decode give the same counts', () => {
  fc.assert(
    fc.property(fc.array(times, { maxLength: 200 }), (values) => {
      const histogram = histogramOf(values);
      const back = decodeHistogram(encodeHistogram(histogram));
      assert.equal(back.totalCount, values.length);
      assert.deepEqual(back.counts, histogram.counts);
    }),
    { numRuns: 20 },
  );
});

test('merging is adding, from histograms and from hot counters', () => {
  const parts = [histogramOf([1, 5000, 1e9]), histogramOf([5000])];
  const sum = mergeHistograms(parts);
  const hot = new Uint32Array(HISTOGRAM_BUCKETS);
  for (const value of [1, 5000, 1e9, 5000]) hot[bucketOf(value)]!++;
  const other = createHistogram();
  addCounts(other, hot);
  assert.deepEqual(sum, other);
  assert.equal(sum.totalCount, 4);
});

test('quantiles are those of the sorted list, to a thousandth', () => {
  const share = fc.oneof(
    fc.constantFrom(0, 0.5, 0.9, 0.99, 0.999, 1),
    fc.double({ min: 0, max: 1, noNaN: true }),
  );
  fc.assert(
    fc.property(fc.array(times, { minLength: 1, maxLength: 300 }), share, (values, q) => {
      const sorted = [...values].sort((a, b) => a - b);
      const expected = sorted[Math.max(1, Math.ceil(q * values.length - 1e-9 * values.length)) - 1]!;
      const found = quantileNs(histogramOf(values), null, q)!;
      assert.equal(found.atLeast, false);
      assert.ok(found.valueNs >= expected && found.valueNs <= expected * 1.001 + 1, `${found.valueNs}`);
    }),
    { numRuns: 200 },
  );
});

test('requests without an answer push quantiles up, and those among them say "at least"', () => {
  const answered = histogramOf(Array.from({ length: 95 }, (_, i) => (i + 1) * 1000));
  const censored = histogramOf([2e9, 2e9, 2e9, 500, 2e9]);
  assert.equal(quantileNs(answered, censored, 0.5)!.atLeast, false);
  assert.ok(Math.abs(quantileNs(answered, censored, 0.95)!.valueNs - 95_000) < 100);
  const beyond = quantileNs(answered, censored, 0.99)!;
  assert.equal(beyond.atLeast, true);
  assert.ok(Math.abs(beyond.valueNs - 2e9) < 2e6);
  assert.equal(quantileNs(createHistogram(), createHistogram(), 0.5), null);
  assert.deepEqual(quantileNs(createHistogram(), histogramOf([512]), 0.5), { valueNs: 512, atLeast: true });
});

test('what is not a histogram of ours is refused by name', () => {
  const good = encodeHistogram(histogramOf([1, 2, 3]));
  const other = build({ bitBucketSize: 32, highestTrackableValue: 1e6, numberOfSignificantValueDigits: 2 });
  other.recordValue(5);
  const bad = ['', 'AAAA', '\u0000', good.slice(0, 20), good.slice(4), 'x'.repeat(2_000_000)];
  for (const text of bad) assert.throws(() => decodeHistogram(text), { code: 'RUN_FILE_INVALID' });
  assert.throws(() => decodeHistogram(encodeIntoCompressedBase64(other)), {
    code: 'RUN_FILE_INVALID',
    message: /another range/,
  });
});

test('a few bytes cannot ask for much memory', () => {
  const bomb = deflateSync(Buffer.alloc(50_000_000));
  const header = Buffer.alloc(8);
  header.writeInt32BE(0x1c849314, 0);
  header.writeInt32BE(bomb.length, 4);
  assert.throws(() => decodeHistogram(Buffer.concat([header, bomb]).toString('base64')), {
    code: 'RUN_FILE_INVALID',
  });
});

test('damaged histograms never hang and never give a count that is none', () => {
  const bytes = Buffer.from(encodeHistogram(histogramOf([1, 5e3, 5e6, 5e9, 7e9])), 'base64');
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.nat(255), (place, value) => {
      const damaged = Buffer.from(bytes);
      damaged[place] = value;
      try {
        const histogram = decodeHistogram(damaged.toString('base64'));
        assert.ok(Number.isSafeInteger(histogram.totalCount));
      } catch (error) {
        assert.equal((error as { code: string }).code, 'RUN_FILE_INVALID');
      }
    }),
    { numRuns: 300 },
  );
});
