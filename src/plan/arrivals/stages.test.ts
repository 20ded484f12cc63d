// Goal: stages follow one another with exactly the requests their rates make due, at the times the rate says. Method:
// tables of what is typed, and properties of schedules made of random stages.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { drain, indexOfDispersion } from './arrival.contract.ts';
import { stripe } from './arrival.ts';
import { createProfile } from './profile.ts';
import { ARRIVALS, type ArrivalName } from './registry.ts';
import {
  createPlanSchedule,
  createThreadSchedule,
  durationOfRequests,
  expectedCounts,
  type ScheduledPlan,
} from './schedule.ts';
import { formatStage, parseStage, type Stage, stageSpans } from './stages.ts';

test('stages as typed', () => {
  const rows: [string, Stage][] = [
    ['2000/30s', { durationNs: 30e9, fromRatePerSec: 2000, toRatePerSec: 2000, arrival: null }],
    ['0-2k/10s', { durationNs: 10e9, fromRatePerSec: 0, toRatePerSec: 2000, arrival: null }],
    ['2000-500/250ms', { durationNs: 250e6, fromRatePerSec: 2000, toRatePerSec: 500, arrival: null }],
    ['0/5s', { durationNs: 5e9, fromRatePerSec: 0, toRatePerSec: 0, arrival: null }],
    [
      '10/1s@gamma:cv=3',
      {
        durationNs: 1e9,
        fromRatePerSec: 10,
        toRatePerSec: 10,
        arrival: { arrival: 'gamma', params: { cv: 3 } },
      },
    ],
  ];
  for (const [text, stage] of rows) {
    assert.deepEqual(parseStage(text), stage, text);
    assert.deepEqual(parseStage(formatStage(stage)), stage, formatStage(stage));
  }
});

test('what is not a stage is refused, pointing at the part', () => {
  const rows: [string, RegExp][] = [
    ['2000', /--stage: "2000" is not a stage/],
    ['2000/', /--stage 2000\/: "" is not a duration/],
    ['x/10s', /--stage x\/10s: "x" is not a rate/],
    ['1-2-3/10s', /"1-2-3" is not one rate or two/],
    ['-5/10s', /"" is not a rate/],
    ['10/10q', /"10q" is not a duration/],
    ['10/0s', /lasts no time/],
    ['10/1s@gama', /"gama" is none of/],
    ['10/1s@gamma:cv=0', /gamma: cv: 0 is not from/],
  ];
  for (const [text, message] of rows) assert.throws(() => parseStage(text), { code: 'USAGE', message }, text);
});

const OPEN = Object.values(ARRIVALS).filter(({ openLoop }) => openLoop);

const stage: fc.Arbitrary<Stage> = fc.record({
  durationNs: fc.integer({ min: 1e6, max: 300e6 }),
  fromRatePerSec: fc.oneof(fc.constant(0), fc.double({ min: 1, max: 10_000, noNaN: true })),
  toRatePerSec: fc.oneof(fc.constant(0), fc.double({ min: 1, max: 10_000, noNaN: true })),
  arrival: fc.option(
    fc.constantFrom(...OPEN).map(({ name }) => ({ arrival: name as ArrivalName, params: {} })),
  ),
});

const planOf = (stages: readonly Stage[], seed = 1, arrival: ArrivalName = 'constant'): ScheduledPlan => ({
  arrival,
  arrivalParams: {},
  ratePerSec: null,
  durationNs: stages.reduce((sum, { durationNs }) => sum + durationNs, 0),
  connectionCount: 20,
  seed,
  stages,
});

test('each stage has its count, within its own time, in order, on any number of threads', () => {
  fc.assert(
    fc.property(fc.array(stage, { minLength: 1, maxLength: 6 }), fc.nat(), (stages, seed) => {
      const plan = planOf(stages, seed);
      const all = drain(createPlanSchedule(plan)!);
      const counts = expectedCounts(plan);
      assert.equal(
        all.length,
        counts.reduce((sum, count) => sum + count, 0),
      );
      let at = 0;
      for (const { index, fromNs, toNs } of stageSpans(stages)) {
        for (const end = at + counts[index]!; at < end; at++) {
          assert.ok(all[at]! >= fromNs && all[at]! <= toNs, `arrival ${at} of stage ${index} at ${all[at]}`);
          assert.ok(at === 0 || all[at]! >= all[at - 1]!);
        }
      }
      const eight = Array.from({ length: 8 }, (_, i) => drain(stripe(createPlanSchedule(plan)!, i, 8)));
      assert.deepEqual(
        eight.flat().sort((a, b) => a - b),
        all,
      );
    }),
    { numRuns: 100 },
  );
});

test('the documented ramp, soak and ramp down', () => {
  const stages = ['0-2000/10s', '2000/30s', '2000-500/5s'].map((text) => parseStage(text));
  assert.deepEqual(expectedCounts(planOf(stages)), [10_000, 60_000, 6250]);
});

test('a ramp: half-way through its time a quarter of its requests, in every process', () => {
  const stages = [parseStage('0-4000/10s')];
  for (const { name } of OPEN.filter((arrival) => arrival.name !== 'onoff')) {
    const all = drain(createPlanSchedule(planOf(stages, 7, name as ArrivalName))!);
    const early = all.filter((atNs) => atNs < 5e9).length;
    assert.ok(Math.abs(early - 5000) < 250, `${name}: ${early}`);
  }
});

test('stages of a random process differ, although they share the seed', () => {
  const stages = [parseStage('100/1s@poisson'), parseStage('100/1s@poisson')];
  const all = drain(createPlanSchedule(planOf(stages))!);
  assert.notDeepEqual(
    all.slice(0, 100),
    all.slice(100).map((atNs) => atNs - 1e9),
  );
});

test('a profile: counts and times are inverse, up, down and level', () => {
  const rate = fc.double({ min: 0.01, max: 1e6, noNaN: true });
  fc.assert(
    fc.property(
      rate,
      rate,
      fc.integer({ min: 1e6, max: 1e13 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (...given) => {
        const [ratePerSec, toRatePerSec, durationNs, share] = given;
        const profile = createProfile({ ratePerSec, toRatePerSec, durationNs });
        assert.ok(Math.abs(profile.countAt(durationNs) / profile.total - 1) < 1e-9);
        const atNs = share * durationNs;
        const back = profile.atCountNs(profile.countAt(atNs));
        assert.ok(Math.abs(back - atNs) <= 1e-6 * durationNs, `${atNs} came back as ${back}`);
      },
    ),
    { numRuns: 300 },
  );
});

test('dispersion of a plan: 0 for constant, 1 for Poisson, the wave for lock-step', () => {
  const of = (arrival: ArrivalName, windowNs: number) =>
    indexOfDispersion(
      drain(createPlanSchedule(planOf([parseStage('2000/20s')], 5, arrival))!),
      20e9,
      windowNs,
    );
  assert.ok(of('constant', 10e6) < 1e-6);
  assert.ok(Math.abs(of('poisson', 10e6) - 1) < 0.1 && Math.abs(of('poisson', 1e6) - 1) < 0.1);
  // 20 every 10 ms: of ten windows of 1 ms one holds twenty. Variance 36, mean 2.
  assert.ok(Math.abs(of('synced', 1e6) - 18) < 0.1);
});

test('so many requests: every arrival process makes exactly these due, over all threads', () => {
  const open = (Object.keys(ARRIVALS) as ArrivalName[]).filter((name) => ARRIVALS[name].openLoop);
  fc.assert(
    fc.property(
      fc.constantFrom(...open),
      fc.integer({ min: 1, max: 3000 }),
      fc.constantFrom(0.5, 30, 1000, 200e3),
      fc.integer({ min: 1, max: 3 }),
      (arrival, requestLimit, ratePerSec, threadCount) => {
        const asked = { arrival, arrivalParams: {}, ratePerSec, stages: null, connectionCount: 7, seed: 1 };
        const durationNs = durationOfRequests(requestLimit, asked);
        const plan = { ...asked, requestLimit, durationNs, threadCount };
        const counts = Array.from(
          { length: threadCount },
          (_, i) => drain(createThreadSchedule(plan, i)!).length,
        );
        const share = Math.floor(requestLimit / threadCount);
        const more = requestLimit % threadCount;
        assert.deepEqual(
          counts,
          counts.map((_, i) => share + (i < more ? 1 : 0)),
        );
      },
    ),
    { numRuns: 100 },
  );
});
