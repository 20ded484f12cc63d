// Goal: the search ends near the true limit, and never takes the client's limit for the server's. Method: simulated
// servers whose true limit is known, with noise.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createPrng } from './base/prng.ts';
import { histogram, quietRun, type Spread } from './diagnose/testing/run-builder.ts';
import { parseThresholds } from './diagnose/thresholds/parse-thresholds.ts';
import { type FindLimitOptions, findLimit } from './find-limit.ts';
import type { Run } from './record/run.ts';

const P99_UNDER_20MS = parseThresholds(['p99<20ms'], '--find-limit');

/** Quantile levels that stand for the requests between them. */
const LEVELS = Array.from({ length: 100 }, (_, i) => (i + 0.5) / 100);

/** M/M/1: response times are exponential with mean 1 ÷ (capacity − rate), times a factor of chance for each second. */
function simulate(ratePerSec: number, capacityPerSec: number, noise: () => number): Run {
  const builder = quietRun().unwatched();
  const load = builder.run.load!;
  const planned = Math.round(ratePerSec * 10);
  const perSecond = planned / 10;
  const overloaded = ratePerSec >= capacityPerSec;
  const spreads = load.blocks.map((_, second): Spread => {
    const meanMs = overloaded
      ? (1 - capacityPerSec / ratePerSec) * 1000 * (second + 1)
      : 1e3 / (capacityPerSec - ratePerSec);
    const factor = noise();
    return LEVELS.map((q) => [
      Math.min(60e3, -Math.log(1 - q) * meanMs * factor),
      Math.round(perSecond / 100),
    ]);
  });
  const count = Math.round(perSecond / 100) * 100;
  const counts = { ...load.counts, planned: count * 10, ok: count * 10 };
  load.counts = counts;
  load.plan.ratePerSec = ratePerSec;
  load.blocks.forEach((block, second) => {
    block.counts = { ...counts, planned: count, ok: count };
    block.latency.response = histogram(spreads[second]!);
    block.latency.service = block.latency.response;
    block.latency.lateness = histogram([[0.005, count]]);
  });
  load.total.response = histogram(spreads.flat());
  load.total.service = load.total.response;
  load.total.lateness = histogram([[0.005, count * 10]]);
  return builder.run;
}

/** p99 < 20 ms of M/M/1: the median of 1 − 0.5 % … levels; ln 200 ÷ (capacity − rate) at the highest level. */
const trueLimit = (capacityPerSec: number) => capacityPerSec - Math.log(1 / 0.015) / 0.02;

function search(change: Partial<FindLimitOptions> & Pick<FindLimitOptions, 'measureAt'>) {
  return findLimit({ goals: P99_UNDER_20MS, startRatePerSec: 1000, ...change });
}

const steady = () => 1;

describe('finding the limit', () => {
  for (const [capacity, start] of [
    [5000, 1000],
    [5000, 18_000],
    [60_000, 1000],
  ] as const) {
    test(`of a server with a capacity of ${capacity}/s, from ${start}/s`, async () => {
      const result = await search({
        startRatePerSec: start,
        measureAt: async (rate) => simulate(rate, capacity, steady),
      });
      assert.equal(result.ended, 'found');
      assert.ok(result.relativeWidth! <= 0.03);
      const truth = trueLimit(capacity);
      assert.ok(Math.abs(result.ratePerSec! / truth - 1) < 0.04, `${result.ratePerSec} for ${truth}`);
      assert.ok(result.failsAtPerSec! > result.ratePerSec!);
      assert.match(result.why, /held, and did so again/);
      assert.ok(result.steps.length <= 20, String(result.steps.length));
    });
  }

  test('with noise, it ends near the limit all the same', async () => {
    for (let seed = 1; seed <= 8; seed++) {
      const prng = createPrng(seed);
      const result = await search({
        measureAt: async (rate) => simulate(rate, 5000, () => Math.exp(0.3 * (prng.next() - 0.5))),
      });
      assert.equal(result.ended, 'found', result.why);
      const truth = trueLimit(5000);
      assert.ok(
        Math.abs(result.ratePerSec! / truth - 1) < 0.06,
        `seed ${seed}: ${result.ratePerSec} for ${truth}`,
      );
    }
  });

  test('one lucky run beyond the limit is not believed', async () => {
    let lucky = true;
    const result = await search({
      measureAt: async (rate) => {
        const beyond = rate > 5000;
        const capacity = beyond && lucky ? 50_000 : 5000;
        if (beyond) lucky = false;
        return simulate(rate, capacity, steady);
      },
    });
    assert.equal(result.ended, 'found');
    assert.ok(result.ratePerSec! < 5000, String(result.ratePerSec));
  });

  test('one disturbed run is repeated, not taken for the client’s limit', async () => {
    let disturbed = 2;
    const result = await search({
      measureAt: async (rate, attempt) => {
        const run = simulate(rate, 5000, steady);
        if (attempt === 3 && disturbed-- > 0) run.load!.client.throttledNs = 5e9;
        return run;
      },
    });
    assert.equal(result.ended, 'found');
    assert.equal(result.steps[3]!.outcome, 'client');
    assert.equal(result.steps[4]!.ratePerSec, result.steps[3]!.ratePerSec);
  });

  test('a client that gives out first ends the search, and is named', async () => {
    const result = await search({
      measureAt: async (rate) => {
        const run = simulate(rate, 50_000, steady);
        if (rate > 6000) Object.assign(run.load!.client.threads[0]!, { userNs: 9.5e9, spinNs: 0 });
        if (rate > 6000) run.load!.counts.ok -= 20_000;
        if (rate > 6000) run.load!.counts.unsent += 20_000;
        return run;
      },
    });
    assert.equal(result.ended, 'client-limit');
    assert.equal(result.ratePerSec, 4000);
    assert.match(result.why, /the client, not the server, was the limit/);
  });

  test('look-alike: connections that run out before a slow server are the server’s limit', async () => {
    const result = await search({
      measureAt: async (rate) => {
        const run = simulate(rate, 50_000, steady);
        if (rate > 3000) {
          const { counts, inFlight } = run.load!;
          counts.unsent = counts.ok - Math.floor((counts.ok * 3000) / rate);
          counts.ok -= counts.unsent;
          inFlight.max = inFlight.limit;
        }
        return run;
      },
    });
    assert.equal(result.ended, 'found');
    assert.ok(Math.abs(result.ratePerSec! / 3015 - 1) < 0.04, String(result.ratePerSec));
  });

  test('a limit above or below what is allowed', async () => {
    const above = await search({
      maxRatePerSec: 3000,
      measureAt: async (rate) => simulate(rate, 1e6, steady),
    });
    assert.deepEqual([above.ended, above.ratePerSec], ['above-maximum', 3000]);
    const below = await search({
      minRatePerSec: 500,
      measureAt: async (rate) => simulate(rate, 600, steady),
    });
    assert.deepEqual([below.ended, below.ratePerSec, below.failsAtPerSec], ['below-minimum', null, 500]);
  });

  test('rates too low to judge are passed over, upwards', async () => {
    const result = await search({
      startRatePerSec: 250,
      measureAt: async (rate) =>
        rate < 1000
          ? quietRun()
              .response([[1, 300]])
              .unwatched().run
          : simulate(rate, 5000, steady),
    });
    assert.deepEqual(
      result.steps.slice(0, 3).map((step) => step.outcome),
      ['unjudged', 'unjudged', 'held'],
    );
    assert.equal(result.ended, 'found');
  });

  test('the number of runs is bounded, and an interrupt ends it', async () => {
    const bounded = await search({ maxRuns: 4, measureAt: async (rate) => simulate(rate, 1e5, steady) });
    assert.deepEqual([bounded.ended, bounded.steps.length, bounded.ratePerSec], ['run-limit', 4, 8000]);
    const stop = new AbortController();
    const stopped = await search({
      signal: stop.signal,
      measureAt: async (rate) => {
        if (rate === 4000) stop.abort();
        return simulate(rate, 1e5, steady);
      },
    });
    assert.deepEqual([stopped.ended, stopped.ratePerSec], ['interrupted', 2000]);
  });

  test('every run is told as it happens', async () => {
    const seen: number[] = [];
    const result = await search({
      onStep: (step) => seen.push(step.ratePerSec),
      measureAt: async (rate) => simulate(rate, 5000, steady),
    });
    assert.deepEqual(
      seen,
      result.steps.map((step) => step.ratePerSec),
    );
  });

  test('options that cannot be searched with, and errors of a run', async () => {
    const measureAt = async (rate: number) => simulate(rate, 5000, steady);
    await assert.rejects(search({ goals: [], measureAt }), { code: 'USAGE' });
    await assert.rejects(search({ startRatePerSec: 0.5, measureAt }), { code: 'USAGE' });
    await assert.rejects(search({ relativeWidth: 0, measureAt }), { code: 'USAGE' });
    await assert.rejects(search({ measureAt: () => Promise.reject(new Error('refused')) }), /refused/);
  });
});
