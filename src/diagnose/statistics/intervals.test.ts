// Goal: an interval covers the truth as often as it says, also when requests depend on each other. Method: many seeded
// runs of a known distribution.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { runs } from '../../../test/helpers/depth.ts';
import { createPrng, type Prng } from '../../base/prng.ts';
import { bucketOf } from '../../record/histogram.ts';
import { mergeSparse, NO_TIMES, type SparseHistogram } from '../../record/sparse-histogram.ts';
import type { TimeBlock } from './block-series.ts';
import { bootstrapQuantileNs, middleOf } from './bootstrap.ts';
import { designEffectOf, estimateQuantile, type Times } from './quantile-interval.ts';
import { holm, permutationP, welch } from './two-samples.ts';

function sparse(values: number[]): SparseHistogram {
  const sums = new Map<number, number>();
  for (const value of values) sums.set(bucketOf(value), (sums.get(bucketOf(value)) ?? 0) + 1);
  const buckets = Uint16Array.from(sums.keys()).sort();
  return { buckets, counts: Float64Array.from(buckets, (b) => sums.get(b)!), totalCount: values.length };
}

/** Blocks of exponential times of mean 1 ms; `wander` changes the mean from block to block. */
function makeRun(prng: Prng, blockCount: number, perBlock: number, wander: number, neverCount = 0) {
  const series: TimeBlock[] = [];
  for (let b = 0; b < blockCount; b++) {
    const mean = 1e6 * Math.exp(wander * (prng.next() - 0.5) * Math.sqrt(12));
    const values = Array.from({ length: perBlock }, () => prng.exponential(mean));
    series.push({ startNs: b * 1e9, answered: sparse(values), neverCount });
  }
  const answered = mergeSparse(series.map((block) => block.answered));
  const never = sparse(Array.from({ length: neverCount * blockCount }, () => 2e9));
  const times: Times = { answered, never, count: answered.totalCount + never.totalCount };
  return { times, series };
}

describe('quantile intervals', () => {
  test('cover the true p90 of independent requests about 19 times in 20', () => {
    const truth = -Math.log(0.1) * 1e6;
    const trials = runs(400);
    let covered = 0;
    for (let trial = 0; trial < trials; trial++) {
      const { times, series } = makeRun(createPrng(trial, 1), 10, 200, 0);
      const { lowNs, highNs } = estimateQuantile(times, series, 0.9)!;
      if (lowNs <= truth && truth <= highNs) covered++;
    }
    assert.ok(covered >= 0.91 * trials, `${covered} of ${trials}`);
  });

  test('still do when seconds differ, where counting requests alone would not', () => {
    // The truth of a mixture: found once, from a very long run.
    const long = makeRun(createPrng(99), 3000, 100, 0.4);
    const truth = estimateQuantile(long.times, long.series, 0.9)!.valueNs;
    let covered = 0;
    let naive = 0;
    const trials = runs(300);
    for (let trial = 0; trial < trials; trial++) {
      const { times, series } = makeRun(createPrng(trial, 2), 10, 400, 0.4);
      const own = estimateQuantile(times, series, 0.9)!;
      const blind = estimateQuantile(times, [], 0.9)!;
      if (own.lowNs <= truth && truth <= own.highNs) covered++;
      if (blind.lowNs <= truth && truth <= blind.highNs) naive++;
    }
    assert.ok(covered >= 0.89 * trials, `${covered} of ${trials}`);
    assert.ok(naive < (2 / 3) * trials, `${naive} of ${trials} without blocks`);
  });

  test('the design effect is about 1 for independent requests, and counts what depends', () => {
    let sum = 0;
    for (let trial = 0; trial < 200; trial++) {
      const { series } = makeRun(createPrng(trial, 3), 10, 200, 0);
      sum += designEffectOf(series, 1e6, 0.632)!;
    }
    assert.ok(Math.abs(sum / 200 - 1) < 0.15, String(sum / 200));
    // Each time four times over: a quarter of them tells as much.
    const { series } = makeRun(createPrng(4), 300, 50, 0);
    const copied = series.map((block) => ({
      ...block,
      answered: {
        ...block.answered,
        counts: block.answered.counts.map((count) => 4 * count),
        totalCount: 4 * block.answered.totalCount,
      },
    }));
    const once = designEffectOf(series, 1e6, 0.632)!;
    const four = designEffectOf(copied, 1e6, 0.632)!;
    assert.ok(Math.abs(four / once / 4 - 1) < 0.15, `${four} ${once}`);
  });

  test('a quantile is supported when ten independent requests lie beyond it', () => {
    const { times, series } = makeRun(createPrng(5), 10, 200, 0);
    const p99 = estimateQuantile(times, series, 0.99)!;
    const p999 = estimateQuantile(times, series, 0.999)!;
    assert.equal(p99.supported, p99.effectiveCount >= 999);
    assert.equal(p999.supported, false);
    assert.equal(estimateQuantile(times, [], 0.99)!.designEffect, null);
    assert.equal(estimateQuantile(times, [], 0.99)!.supported, true);
  });

  test('blocks that do not add up to the whole are not believed', () => {
    const { times, series } = makeRun(createPrng(6), 10, 100, 0);
    assert.equal(estimateQuantile(times, series.slice(1), 0.9)!.designEffect, null);
  });

  test('requests without an answer make the upper end open, then the quantile itself', () => {
    const { times, series } = makeRun(createPrng(7), 10, 196, 0, 4);
    const p90 = estimateQuantile(times, series, 0.9)!;
    assert.deepEqual([p90.atLeast, p90.highAtLeast], [false, false]);
    const p975 = estimateQuantile(times, series, 0.979)!;
    assert.deepEqual([p975.atLeast, p975.highAtLeast], [false, true]);
    const p99 = estimateQuantile(times, series, 0.99)!;
    assert.deepEqual([p99.atLeast, p99.highAtLeast], [true, true]);
  });

  test('nothing measured has no quantiles', () => {
    assert.equal(estimateQuantile({ answered: NO_TIMES, never: NO_TIMES, count: 0 }, [], 0.5), null);
  });
});

describe('bootstrap', () => {
  test('its middle covers the true p90 nearly as often as it should', () => {
    const truth = -Math.log(0.1) * 1e6;
    let covered = 0;
    for (let trial = 0; trial < 60; trial++) {
      const { series } = makeRun(createPrng(trial, 4), 20, 100, 0);
      const { low, high } = middleOf(bootstrapQuantileNs(series, 0.9, createPrng(trial), 100));
      if (low <= truth && truth <= high) covered++;
    }
    assert.ok(covered >= 50, `${covered} of 60`);
  });

  test('the same seed draws the same, and losses are slower than everything', () => {
    const { series } = makeRun(createPrng(8), 10, 90, 0, 10);
    const draw = () => bootstrapQuantileNs(series, 0.5, createPrng(1), 50);
    assert.deepEqual(draw(), draw());
    assert.equal(middleOf(bootstrapQuantileNs(series, 0.99, createPrng(1), 50)).high, Infinity);
    assert.equal(bootstrapQuantileNs([], 0.5, createPrng(1)).length, 0);
  });
});

describe('two groups', () => {
  const draw = (prng: Prng, n: number) =>
    Array.from({ length: n }, () => {
      let sum = 0;
      for (let i = 0; i < 12; i++) sum += prng.next();
      return sum - 6;
    });

  test('Welch as in the textbook', () => {
    const found = welch([27.5, 21.0, 19.0, 23.6, 17.0, 17.9], [27.1, 22.0, 20.8, 23.4, 23.4, 23.5])!;
    // By hand: the difference of the means is 2.366, t = 1.247 with 7.4 degrees of freedom.
    assert.ok(Math.abs(found.estimate - 2.366667) < 1e-5);
    assert.ok(found.p > 0.23 && found.p < 0.28, String(found.p));
    assert.ok(found.low < 0 && found.high > 0);
    assert.equal(welch([1], [2, 3]), null);
    assert.equal(welch([2, 2], [2, 2])!.p, 1);
    assert.equal(welch([2, 2], [3, 3])!.p, 0);
  });

  for (const n of [2, 3, 5]) {
    test(`Welch on ${n} against ${n} raises no more false alarms than promised`, () => {
      let alarms = 0;
      for (let trial = 0; trial < 1000; trial++) {
        const prng = createPrng(trial, 5);
        if (welch(draw(prng, n), draw(prng, n))!.p < 0.05) alarms++;
      }
      assert.ok(alarms <= 70, `${alarms} of 1000`);
    });
  }

  test('permutations: every deal when there are few, and no alarm without a difference', () => {
    const prng = createPrng(6);
    assert.equal(permutationP([1, 2, 3], [4, 5, 6], prng), 2 / 20);
    assert.equal(permutationP([1, 1], [1, 1], prng), 1);
    const far = permutationP(
      draw(prng, 12),
      draw(prng, 12).map((v) => v + 5),
      prng,
    );
    assert.ok(far < 0.001, String(far));
    let alarms = 0;
    for (let trial = 0; trial < 400; trial++) {
      const seeded = createPrng(trial, 6);
      if (permutationP(draw(seeded, 5), draw(seeded, 5), seeded) < 0.05) alarms++;
    }
    assert.ok(alarms >= 8 && alarms <= 34, `${alarms} of 400`);
  });

  test('Holm', () => {
    assert.deepEqual(holm([0.01, 0.04, 0.03]), [0.03, 0.06, 0.06]);
    assert.deepEqual(holm([0.9]), [0.9]);
    assert.deepEqual(holm([]), []);
  });
});
