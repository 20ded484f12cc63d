// Goal: a plan that cannot be run is refused before anything is opened, by the name of the option. Method: a table.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTarget } from '../base/address.ts';
import { createPlan, type PlanOptions } from './plan.ts';

const GOOD: PlanOptions = {
  target: parseTarget('http://127.0.0.1:8080/x'),
  arrival: 'poisson',
  ratePerSec: 2000,
  connectionCount: 50,
  threadCount: 1,
  durationNs: 10e9,
  timeoutNs: 2e9,
  seed: 1,
};

test('a good plan is filled in and frozen', () => {
  const plan = createPlan(GOOD);
  assert.equal(plan.warmupNs, 1e9);
  assert.equal(plan.queueLimit, 20_000);
  assert.equal(plan.request.path, '/x');
  assert.equal(plan.request.host, '127.0.0.1:8080');
  assert.throws(() => {
    (plan as { seed: number }).seed = 2;
  }, TypeError);
});

test('the warm-up is a tenth, at most a second', () => {
  assert.equal(createPlan({ ...GOOD, durationNs: 2e9 }).warmupNs, 200e6);
  assert.equal(createPlan({ ...GOOD, durationNs: 60e9 }).warmupNs, 1e9);
  assert.equal(createPlan({ ...GOOD, warmupNs: 0 }).warmupNs, 0);
});

const BAD: [change: Partial<PlanOptions>, message: RegExp][] = [
  [{ ratePerSec: null }, /--arrival poisson needs --rate/],
  [{ ratePerSec: 0 }, /--rate: 0/],
  [{ ratePerSec: Number.NaN }, /--rate: NaN/],
  [{ ratePerSec: 1e9 }, /--rate/],
  [{ ratePerSec: 0.01, durationNs: 1e9 }, /--rate: 0.01 per second makes no request due/],
  [{ arrival: 'closed' }, /--rate: a closed loop has no rate/],
  [{ arrival: 'bursty' as 'closed' }, /--arrival: "bursty" is none of/],
  [{ connectionCount: 0 }, /--connections: 0/],
  [{ connectionCount: 1.5 }, /--connections: 1.5 is not a whole number/],
  [{ connectionCount: 1e6 }, /--connections/],
  [{ threadCount: 51 }, /--threads: 51 threads cannot share 50 connections/],
  [{ threadCount: 0 }, /--threads: 0/],
  [{ durationNs: 0 }, /--duration: 0 ns/],
  [{ durationNs: Number.POSITIVE_INFINITY }, /--duration/],
  [{ timeoutNs: 0 }, /--timeout: 0 ns/],
  [{ warmupNs: 10e9 }, /--warmup: must be shorter/],
  [{ seed: -1 }, /--seed: -1/],
  [{ queueLimit: 0 }, /queueLimit: 0/],
];

for (const [change, message] of BAD) {
  test(`refused: ${JSON.stringify(change)}`, () => {
    assert.throws(() => createPlan({ ...GOOD, ...change }), { code: 'USAGE', message });
  });
}
