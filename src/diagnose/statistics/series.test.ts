// Goal: dependence, warm-up and rhythm are found where they are and not where they are not. Method: seeded series.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createPrng, type Prng } from '../../base/prng.ts';
import { mannKendall } from '../facts/trend.ts';
import { autocorrelation, effectiveCount, inflation } from './autocorrelation.ts';
import { findWarmup, mser } from './mser.ts';
import { arrivalSpectrum, SEGMENT, strongestRhythm } from './periodogram.ts';

function gaussian(prng: Prng): number {
  return Math.sqrt(2 * prng.exponential(1)) * Math.cos(2 * Math.PI * prng.next());
}

/** Each value keeps a share of the last. */
function autoregressive(prng: Prng, n: number, keep: number): number[] {
  const values: number[] = [];
  let last = gaussian(prng) / Math.sqrt(1 - keep * keep);
  for (let i = 0; i < n; i++) {
    last = keep * last + gaussian(prng);
    values.push(last);
  }
  return values;
}

/** Counts in bins of arrivals at given times. */
function binned(times: Iterable<number>, bins: number): number[] {
  const counts = new Array<number>(bins).fill(0);
  for (const time of times) if (time >= 0 && time < bins) counts[Math.floor(time)]!++;
  return counts;
}

function* poisson(prng: Prng, ratePerBin: number, until: number): Generator<number> {
  for (let at = prng.exponential(1 / ratePerBin); at < until; at += prng.exponential(1 / ratePerBin))
    yield at;
}

describe('autocorrelation', () => {
  test('of what has none, and of what keeps a known share', () => {
    const independent = autoregressive(createPrng(1), 20_000, 0);
    assert.ok(Math.abs(autocorrelation(independent, 1)) < 0.02);
    const kept = autoregressive(createPrng(2), 20_000, 0.7);
    assert.ok(Math.abs(autocorrelation(kept, 1) - 0.7) < 0.02);
    assert.ok(Math.abs(autocorrelation(kept, 2) - 0.49) < 0.03);
    assert.equal(autocorrelation([3, 3, 3], 1), 0);
    assert.equal(autocorrelation([1], 1), 0);
  });

  test('the effective count is n (1 − ρ) ÷ (1 + ρ) for an autoregressive series', () => {
    for (const keep of [0.3, 0.6, 0.9]) {
      const expected = (1 + keep) / (1 - keep);
      const found = inflation(autoregressive(createPrng(3), 40_000, keep));
      assert.ok(Math.abs(found / expected - 1) < 0.2, `${keep}: ${found} for ${expected}`);
    }
    const independent = autoregressive(createPrng(4), 10_000, 0);
    assert.ok(effectiveCount(independent) > 8500);
    assert.equal(effectiveCount([]), 0);
  });
});

describe('trend', () => {
  for (const n of [7, 20, 100]) {
    test(`Mann–Kendall on ${n} values without a trend raises no more alarms than promised`, () => {
      let alarms = 0;
      for (let trial = 0; trial < 1000; trial++) {
        if (mannKendall(autoregressive(createPrng(trial, 5), n, 0)).p < 0.01) alarms++;
      }
      assert.ok(alarms <= 20, `${alarms} of 1000`);
    });
  }

  test('and finds a drift of three standard deviations over twenty values more often than not', () => {
    let found = 0;
    for (let trial = 0; trial < 200; trial++) {
      const drifting = autoregressive(createPrng(trial, 6), 20, 0).map((value, i) => value + i / 7);
      if (mannKendall(drifting).p < 0.01) found++;
    }
    assert.ok(found > 100, `${found} of 200`);
  });
});

describe('warm-up', () => {
  const steady = (prng: Prng, n: number) => Array.from({ length: n }, () => Math.exp(0.1 * gaussian(prng)));

  test('MSER cuts where the transient ends', () => {
    const prng = createPrng(5);
    const series = steady(prng, 40).map((value, i) => value + (i < 6 ? 6 - i : 0));
    const cut = mser(series, 1);
    assert.ok(cut >= 4 && cut <= 9, String(cut));
    assert.equal(mser([1, 1, 1, 1, 1, 1], 1), 0);
    const fives = mser([...Array.from({ length: 10 }, () => 9), ...steady(prng, 60)], 5);
    assert.ok(fives >= 10 && fives <= 40 && fives % 5 === 0, String(fives));
  });

  test('a slow beginning is found, in short runs and in long ones', () => {
    for (const n of [10, 20, 60, 200]) {
      const prng = createPrng(n);
      const series = steady(prng, n).map((value, i) => (i < Math.max(2, n / 20) ? value * 4 : value));
      const found = findWarmup(series);
      assert.ok(found.count >= Math.max(2, n / 20) && found.count <= n / 3 + 1, `${found.count} of ${n}`);
      assert.ok(found.logStep > 0.3);
    }
  });

  for (const n of [10, 30, 100]) {
    test(`steady series of ${n} seconds rarely raise an alarm`, () => {
      let alarms = 0;
      for (let trial = 0; trial < 1000; trial++) {
        if (findWarmup(steady(createPrng(trial, 3), n)).count > 0) alarms++;
      }
      assert.ok(alarms <= 20, `${alarms} of 1000`);
    });
  }

  test('one bad second later on is no warm-up, nor is a series too short or without times', () => {
    const series = steady(createPrng(8), 20);
    series[12] = 30;
    assert.equal(findWarmup(series).count, 0);
    assert.equal(findWarmup([9, 1, 1, 1]).count, 0);
    assert.equal(findWarmup([0, 0, 0, 0, 0, 0, 0]).count, 0);
    assert.equal(findWarmup(new Array(10).fill(5)).count, 0);
  });
});

describe('rhythm', () => {
  const BINS = 8 * SEGMENT;

  test('independent arrivals have power 1 everywhere, and no rhythm', () => {
    const counts = binned(poisson(createPrng(1), 2, BINS), BINS);
    const spectrum = arrivalSpectrum(counts)!.subarray(1);
    const mean = spectrum.reduce((sum, power) => sum + power, 0) / spectrum.length;
    assert.ok(Math.abs(mean - 1) < 0.05, String(mean));
    for (let seed = 0; seed < 100; seed++) {
      const rhythm = strongestRhythm(binned(poisson(createPrng(seed), 0.5, BINS), BINS), null)!;
      assert.ok(rhythm.power < 5, `seed ${seed}: ${rhythm.power}`);
    }
  });

  test('all clients on a timer of 10 ms are found, with their period and share', () => {
    const prng = createPrng(2);
    const times = [...poisson(prng, 0.5, BINS)].map((time) => Math.ceil(time / 10) * 10);
    const rhythm = strongestRhythm(binned(times, BINS), null)!;
    const harmonic = 10 / rhythm.period;
    assert.ok(Math.abs(harmonic - Math.round(harmonic)) < 0.05, String(rhythm.period));
    assert.ok(rhythm.share > 0.6 && rhythm.power > 100, JSON.stringify(rhythm));
  });

  test('a third of them on a timer still is', () => {
    const prng = createPrng(3);
    const times = [...poisson(prng, 2, BINS)].map((t) => (prng.next() < 0.33 ? Math.ceil(t / 25) * 25 : t));
    const rhythm = strongestRhythm(binned(times, BINS), null)!;
    assert.ok(rhythm.share > 0.2 && rhythm.share < 0.4, JSON.stringify(rhythm));
  });

  test('a rhythm that was asked for is none', () => {
    const constant = binned(
      Array.from({ length: BINS / 4 }, (_, i) => i * 4),
      BINS,
    );
    assert.ok(strongestRhythm(constant, null)!.power > 100);
    assert.ok(strongestRhythm(constant, constant)!.power < 1);
  });

  test('one pause with a burst after it is none either', () => {
    const times = [...poisson(createPrng(4), 2, BINS)].map((t) => (t > 3000 && t < 3200 ? 3200 : t));
    const rhythm = strongestRhythm(binned(times, BINS), null)!;
    assert.ok(rhythm.share < 0.1, JSON.stringify(rhythm));
  });

  test('too little to look at', () => {
    assert.equal(strongestRhythm(new Array(SEGMENT).fill(1), null), null);
    assert.equal(strongestRhythm(new Array(2 * SEGMENT).fill(0), null), null);
    assert.equal(arrivalSpectrum([1, 2, 3]), null);
  });
});
