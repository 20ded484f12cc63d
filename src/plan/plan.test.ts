// Goal: a plan that cannot be run is refused before anything is opened, by the name of the option. Method: a table.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTarget } from '../base/address.ts';
import { DEFAULT_FRAME_FORMAT } from '../wire/codec.ts';
import { createPlanSchedule, expectedCounts } from './arrivals/schedule.ts';
import type { Stage } from './arrivals/stages.ts';
import { createPlan } from './plan.ts';
import type { PlanOptions } from './plan-options.ts';

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

const RAMP: Stage = { durationNs: 10e9, fromRatePerSec: 0, toRatePerSec: 2000 };
const LEVEL: Stage = { durationNs: 10e9, fromRatePerSec: 2000, toRatePerSec: 2000 };
const PAUSE: Stage = { durationNs: 5e9, fromRatePerSec: 0, toRatePerSec: 0 };

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

test('what is left out has its default', () => {
  const plan = createPlan(GOOD);
  assert.deepEqual(
    {
      arrivalParams: plan.arrivalParams,
      stages: plan.stages,
      codec: plan.codec,
      frame: plan.frame,
      thinkTime: plan.thinkTime,
      pipelineDepth: plan.pipelineDepth,
      requestsPerConnection: plan.requestsPerConnection,
      connectionsPerSec: plan.connectionsPerSec,
      connectTimeoutNs: plan.connectTimeoutNs,
      sourceAddresses: plan.sourceAddresses,
    },
    {
      arrivalParams: {},
      stages: null,
      codec: 'http1',
      frame: DEFAULT_FRAME_FORMAT,
      thinkTime: null,
      pipelineDepth: 1,
      requestsPerConnection: null,
      connectionsPerSec: null,
      connectTimeoutNs: 2e9,
      sourceAddresses: [],
    },
  );
  assert.match(Buffer.from(plan.requests.arena).toString(), /^GET \/x HTTP\/1.1\r\nHost: 127.0.0.1:8080\r\n/);
  assert.equal(createPlan({ ...GOOD, target: parseTarget('tcp://127.0.0.1:1') }).codec, 'frame');
  assert.deepEqual(structuredClone(plan), plan);
});

test('stages decide the duration, and their mean is the rate', () => {
  const plan = createPlan({ ...GOOD, ratePerSec: null, stages: [RAMP, LEVEL, PAUSE] });
  assert.equal(plan.durationNs, 25e9);
  assert.equal(plan.ratePerSec, (10_000 + 20_000) / 25);
  assert.equal(plan.queueLimit, 20_000);
  assert.deepEqual(expectedCounts(plan), [10_000, 20_000, 0]);
});

test('a closed loop may think', () => {
  const thinkTime = { meanNs: 50e6, jitterNs: 1e6 };
  const plan = createPlan({ ...GOOD, arrival: 'closed', ratePerSec: null, thinkTime });
  assert.deepEqual(plan.thinkTime, thinkTime);
  assert.equal(createPlanSchedule(plan), null);
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
  [{ durationNs: 0 }, /--duration: 0 ns is not from 1\.00 ms to 86400 s/],
  [{ threadCount: 2, connectionCount: 1 }, /2 threads cannot share 1 connection$/],
  [{ threadCount: 51 }, /--threads: 51 threads cannot share 50 connections/],
  [{ threadCount: 0 }, /--threads: 0/],
  [{ durationNs: 0 }, /--duration: 0 ns/],
  [{ durationNs: Number.POSITIVE_INFINITY }, /--duration/],
  [{ timeoutNs: 0 }, /--timeout: 0 ns/],
  [{ warmupNs: 10e9 }, /--warmup: must be shorter/],
  [{ seed: -1 }, /--seed: -1/],
  [{ queueLimit: 0 }, /queueLimit: 0/],
  [{ arrivalParams: { cv: 3 } }, /--arrival poisson: no parameter "cv"; it takes none/],
  [{ arrival: 'gamma', arrivalParams: { cv: 99 } }, /--arrival gamma: cv: 99 is not from/],
  [{ arrival: 'synced', arrivalParams: { wave: 1, everyNs: 1e6 } }, /wave and every/],
  [{ stages: [LEVEL] }, /--rate: stages have rates of their own/],
  [{ ratePerSec: null, stages: [] }, /--stage: from 1 to 1000 stages, not 0/],
  [{ ratePerSec: null, stages: [{ ...LEVEL, toRatePerSec: -1 }] }, /--stage 1: -1 per second/],
  [{ ratePerSec: null, stages: [LEVEL, { ...LEVEL, durationNs: 0 }] }, /--stage 2: 0 ns/],
  [{ ratePerSec: null, stages: [PAUSE] }, /--stage: all together make no request due/],
  [{ ratePerSec: null, arrival: 'closed', stages: [LEVEL] }, /--stage: a closed loop has no rate/],
  [
    { ratePerSec: null, stages: [{ ...LEVEL, arrival: { arrival: 'closed', params: {} } }] },
    /--stage 1: a stage has a rate/,
  ],
  [{ thinkTime: { meanNs: 1, jitterNs: 0 } }, /--think-time: only a closed loop has one/],
  [{ pipelineDepth: 0 }, /--pipeline: 0/],
  [{ requestsPerConnection: 0.5 }, /--requests-per-connection: 0.5 is not a whole number/],
  [{ connectionsPerSec: 0 }, /--connections-per-sec: 0/],
  [{ connectTimeoutNs: 0 }, /--connect-timeout: 0/],
  [{ sourceAddresses: ['localhost'] }, /--source: "localhost" is not an IP address/],
  [
    { target: parseTarget('unix:/x'), sourceAddresses: ['127.0.0.2'] },
    /--source: a Unix socket has no source/,
  ],
  [{ codec: './mine.ts' }, /--codec: ".\/mine.ts" is none of/],
];

for (const [change, message] of BAD) {
  test(`refused: ${JSON.stringify(change)}`, () => {
    assert.throws(() => createPlan({ ...GOOD, ...change }), { code: 'USAGE', message });
  });
}
