// Goal: the tails and tests are those of the books. Method: published values, and false-alarm rates of seeded samples.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createPrng, type Prng } from '../../base/prng.ts';
import { exponentialTail, testExponential } from './anderson-darling.ts';
import { logGamma, normalTail, regularisedBeta, studentQuantile, studentTwoSided } from './special.ts';

function near(actual: number, expected: number, within: number): void {
  assert.ok(Math.abs(actual - expected) <= within, `${actual} is not ${expected} ± ${within}`);
}

/** How many of `trials` seeded samples the test rejects. */
function alarms(trials: number, isAlarm: (prng: Prng) => boolean): number {
  let count = 0;
  for (let trial = 0; trial < trials; trial++) if (isAlarm(createPrng(trial + 1, 77))) count++;
  return count;
}

function gapsOf(values: number[]) {
  return { values: values.toSorted((a, b) => a - b), counts: values.map(() => 1) };
}

describe('tails and quantiles', () => {
  test('normal', () => {
    near(normalTail(0), 0.5, 1e-7);
    near(normalTail(1.959964), 0.025, 1e-6);
    near(normalTail(-1), 0.8413447, 1e-6);
  });

  test('Student, from one degree of freedom to many, whole or not', () => {
    near(studentTwoSided(12.7062, 1), 0.05, 1e-5);
    near(studentTwoSided(2.2622, 9), 0.05, 1e-5);
    near(studentTwoSided(1.96, 1e6), 0.05, 1e-4);
    near(studentQuantile(0.05, 4), 2.77645, 1e-4);
    near(studentQuantile(0.01, 7), 3.49948, 1e-4);
    assert.ok(studentQuantile(0.05, 2.5) > studentQuantile(0.05, 3));
    assert.ok(studentQuantile(0.05, 2.5) < studentQuantile(0.05, 2));
  });

  test('beta and gamma', () => {
    near(regularisedBeta(0.5, 2, 2), 0.5, 1e-12);
    near(regularisedBeta(0.25, 1, 3), 1 - 0.75 ** 3, 1e-12);
    near(logGamma(5), Math.log(24), 1e-10);
    near(logGamma(0.5), Math.log(Math.sqrt(Math.PI)), 1e-10);
  });
});

describe('Anderson–Darling against exponential gaps', () => {
  test('the published critical values', () => {
    near(exponentialTail(1.062), 0.1, 0.003);
    near(exponentialTail(1.321), 0.05, 0.002);
    near(exponentialTail(1.959), 0.01, 0.001);
  });

  test('the statistic is that of the textbook sum', () => {
    const prng = createPrng(5);
    const values = Array.from({ length: 200 }, () => prng.exponential(3)).sort((a, b) => a - b);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const n = values.length;
    const f = values.map((value) => 1 - Math.exp(-value / mean));
    let sum = 0;
    for (let i = 0; i < n; i++) sum += (2 * i + 1) * (Math.log(f[i]!) + Math.log(1 - f[n - 1 - i]!));
    near(testExponential(gapsOf(values))!.statistic, -n - sum / n, 1e-8);
  });

  for (const n of [30, 300]) {
    test(`${n} exponential gaps are refused as often as p says`, () => {
      const sample = (prng: Prng) => gapsOf(Array.from({ length: n }, () => prng.exponential(1)));
      const five = alarms(1000, (prng) => testExponential(sample(prng))!.p < 0.05);
      const one = alarms(1000, (prng) => testExponential(sample(prng))!.p < 0.01);
      assert.ok(five >= 30 && five <= 72, `${five} of 1000 at p < 0.05`);
      assert.ok(one >= 3 && one <= 22, `${one} of 1000 at p < 0.01`);
    });
  }

  test('what is not exponential is told, with a distance that does not grow with the sample', () => {
    const prng = createPrng(9);
    const constant = testExponential({ values: [1], counts: [5000] })!;
    assert.equal(constant.p, 0);
    near(constant.distance, 0.68, 0.01);
    near(constant.variation, 0, 1e-6);
    const uniform = (n: number) => testExponential(gapsOf(Array.from({ length: n }, () => prng.next())))!;
    assert.ok(uniform(200).p < 0.01);
    near(uniform(2000).distance, uniform(20_000).distance, 0.03);
    // One in five requests comes straight after another, as when a timer releases several.
    const clumped = Array.from({ length: 2000 }, () => (prng.next() < 0.2 ? 0.001 : prng.exponential(1)));
    assert.ok(testExponential(gapsOf(clumped))!.distance > 0.2);
  });

  test('exponential gaps are near, and the more of them the nearer', () => {
    const prng = createPrng(11);
    const values = Array.from({ length: 50_000 }, () => prng.exponential(5));
    const { distance, variation } = testExponential(gapsOf(values))!;
    assert.ok(distance < 0.02, String(distance));
    near(variation, 1, 0.02);
  });

  test('too few gaps, or none at all, tell nothing', () => {
    assert.equal(testExponential({ values: [1, 2], counts: [10, 9] }), null);
    assert.equal(testExponential({ values: [0], counts: [100] }), null);
    assert.equal(testExponential({ values: [], counts: [] }), null);
  });
});
