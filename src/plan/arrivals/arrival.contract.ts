// Goal: what every arrival process promises, and what a newcomer still lacks. Method: properties over rates, ramps,
// durations, parameters and seeds; its section of docs/reference/arrivals.md is read too.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { LoopscopeError } from '../../base/errors.ts';
import { type ArrivalParams, type Parameter, parseParams, typedName } from '../parameters.ts';
import { type Arrival, expectedCount, type Schedule, type ScheduleOptions, stripe } from './arrival.ts';

const DOCS = new URL('../../../docs/reference/arrivals.md', import.meta.url);

/** All of a schedule; refuses one that does not end. */
export function drain(schedule: Schedule, most = 3_000_000): number[] {
  const all: number[] = [];
  for (;;) {
    const atNs = schedule.nextPlannedNs();
    if (atNs === Number.POSITIVE_INFINITY) return all;
    assert.ok(all.length < most, 'the schedule does not end');
    all.push(atNs);
  }
}

/** Variance ÷ mean of the counts in windows of a width. */
export function indexOfDispersion(timesNs: readonly number[], durationNs: number, windowNs: number): number {
  const counts = new Float64Array(Math.floor(durationNs / windowNs));
  for (const atNs of timesNs) {
    const window = Math.floor(atNs / windowNs);
    if (window < counts.length) counts[window]!++;
  }
  const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  const variance = counts.reduce((sum, count) => sum + (count - mean) ** 2, 0) / counts.length;
  return variance / mean;
}

function paramOf(parameter: Parameter): fc.Arbitrary<number | string> {
  if (parameter.kind === 'choice') return fc.constantFrom(...parameter.choices);
  const { kind, min } = parameter;
  const max = Math.min(parameter.max, kind === 'duration' ? Math.max(min, 2e9) : parameter.max);
  return kind === 'count'
    ? fc.integer({ min, max: Math.min(max, 2 ** 31 - 1) })
    : fc.double({ min, max, noNaN: true });
}

/** Nothing set, or one parameter anywhere in its range. */
function paramsOf(arrival: Arrival): fc.Arbitrary<ArrivalParams> {
  const declared = Object.entries(arrival.parameters ?? {});
  const single = declared.map(([key, parameter]) => paramOf(parameter).map((value) => ({ [key]: value })));
  return fc.oneof(fc.constant<ArrivalParams>({}), ...single);
}

/** A steady rate, or a ramp up or down, from or to nothing. */
function optionsOf(arrival: Arrival): fc.Arbitrary<ScheduleOptions> {
  const rate = fc.double({ min: 1, max: 20_000, noNaN: true });
  const end = fc.oneof(rate, fc.constant(0));
  return fc
    .record({
      ratePerSec: rate,
      ramp: fc.option(fc.record({ ratePerSec: end, toRatePerSec: rate }).map(flipHalf), { nil: {} }),
      durationNs: fc.integer({ min: 1e6, max: 500e6 }),
      connectionCount: fc.integer({ min: 1, max: 200 }),
      seed: fc.nat(),
      params: paramsOf(arrival),
    })
    .map(({ ramp, ...steady }) => ({ ...steady, ...ramp }));
}

function flipHalf(ramp: { ratePerSec: number; toRatePerSec: number }) {
  const { ratePerSec, toRatePerSec } = ramp;
  return ratePerSec > 0 && Math.floor(toRatePerSec) % 2 === 0
    ? { ratePerSec: toRatePerSec, toRatePerSec: ratePerSec }
    : ramp;
}

export function arrivalContract(arrival: Arrival): void {
  test(`${arrival.name}: docs/reference/arrivals.md has its section, an example and every parameter`, () => {
    const text = readFileSync(DOCS, 'utf8');
    const section = text.split(/^## /m).find((part) => part.startsWith(`${arrival.name}\n`));
    assert.ok(section, `add a section "## ${arrival.name}"`);
    assert.match(
      section,
      new RegExp(`loopscope load .*--arrival '?${arrival.name}\\b`),
      'add an example command',
    );
    for (const key of Object.keys(arrival.parameters ?? {})) {
      assert.ok(
        section.includes(`| \`${typedName(key)}\` |`),
        `add a row for the parameter ${typedName(key)}`,
      );
    }
  });

  test(`${arrival.name}: says what it is in one line`, () => {
    assert.match(arrival.name, /^[a-z][a-z0-9-]*$/);
    assert.ok(arrival.summary.length > 5 && !arrival.summary.includes('\n'));
  });

  if (arrival.openLoop) scheduleContract(arrival);
  else {
    test(`${arrival.name}: has no schedule`, () => {
      const options = { ratePerSec: 10, durationNs: 1e9, connectionCount: 1, seed: 1 };
      assert.equal(arrival.createSchedule(options).nextPlannedNs(), Number.POSITIVE_INFINITY);
    });
  }
}

function scheduleContract(arrival: Arrival): void {
  const options = optionsOf(arrival);

  test(`${arrival.name}: exactly the asked count, in order, within the duration`, () => {
    fc.assert(
      fc.property(options, (given) => {
        const all = drain(arrival.createSchedule(given));
        assert.equal(all.length, expectedCount(arrival, given));
        all.forEach((atNs, i) => {
          assert.ok(atNs >= (all[i - 1] ?? 0) && atNs <= given.durationNs, `arrival ${i} at ${atNs}`);
        });
      }),
      { numRuns: 150 },
    );
  });

  test(`${arrival.name}: the same seed gives the same schedule`, () => {
    fc.assert(
      fc.property(options, (given) => {
        assert.deepEqual(drain(arrival.createSchedule(given)), drain(arrival.createSchedule(given)));
      }),
      { numRuns: 30 },
    );
  });

  test(`${arrival.name}: threads share one schedule, in turn, and together are the whole`, () => {
    fc.assert(
      fc.property(options, fc.integer({ min: 1, max: 9 }), (given, threadCount) => {
        const whole = drain(arrival.createSchedule(given));
        const parts = Array.from({ length: threadCount }, (_, i) =>
          drain(stripe(arrival.createSchedule(given), i, threadCount)),
        );
        whole.forEach((atNs, i) => {
          assert.equal(parts[i % threadCount]![Math.floor(i / threadCount)], atNs);
        });
        assert.deepEqual(
          parts.flat().sort((a, b) => a - b),
          whole,
        );
      }),
      { numRuns: 20 },
    );
  });

  test(`${arrival.name}: follows its rate: half of it half-way, a quarter in a ramp from nothing`, () => {
    const shareBefore = (ratePerSec: number, toRatePerSec: number) => {
      const given = { ratePerSec, toRatePerSec, durationNs: 40e9, connectionCount: 20, seed: 11 };
      const all = drain(arrival.createSchedule(given));
      return all.filter((atNs) => atNs < 20e9).length / all.length;
    };
    for (const [from, to, share] of [
      [1000, 1000, 0.5],
      [0, 1000, 0.25],
      [1000, 0, 0.75],
    ] as const) {
      const got = shareBefore(from, to);
      assert.ok(Math.abs(got - share) < 0.05, `${from}-${to}: ${got} before the middle, expected ${share}`);
    }
  });

  for (const [key, parameter] of Object.entries(arrival.parameters ?? {}))
    parameterContract(arrival, key, parameter);
}

function parameterContract(arrival: Arrival, key: string, parameter: Parameter): void {
  const name = typedName(key);
  const parse = (text: string) => parseParams(arrival.parameters!, text, `--arrival ${arrival.name}`);

  test(`${arrival.name}: ${name} refuses what is out of its range, by name`, () => {
    const isDuration = key.endsWith('Ns');
    assert.equal(isDuration, parameter.kind === 'duration', 'durations end in Ns, and nothing else does');
    const bad = ['', 'x', '-1', 'NaN', '1e999', isDuration ? '99999h' : '99999999999'];
    for (const text of bad) {
      assert.throws(
        () => parse(`${name}=${text}`),
        (error) => error instanceof LoopscopeError && error.message.includes(name),
        `${name}=${text}`,
      );
    }
    assert.throws(() => parse(`${name}=1,${name}=1`), LoopscopeError);
  });

  test(`${arrival.name}: ${name} changes the schedule`, () => {
    if (parameter.kind === 'choice') return assert.ok(parameter.choices.includes(parameter.default));
    const given = { ratePerSec: 5000, durationNs: 2e9, connectionCount: 10, seed: 1 };
    const value = Math.min(
      parameter.max,
      Math.max(parameter.min, (parameter.default ?? parameter.min) * 2 || 1e6),
    );
    assert.notDeepEqual(
      drain(arrival.createSchedule({ ...given, params: { [key]: value } })),
      drain(arrival.createSchedule(given)),
    );
  });
}
