// Goal: what every arrival process promises. Method: properties over rates, durations and seeds.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Arrival, plannedCount, type Schedule, stripe } from './arrival.ts';

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

const options = fc.record({
  ratePerSec: fc.double({ min: 1, max: 20_000, noNaN: true }),
  durationNs: fc.integer({ min: 1e6, max: 500e6 }),
  connectionCount: fc.integer({ min: 1, max: 200 }),
  seed: fc.nat(),
});

export function arrivalContract(arrival: Arrival): void {
  if (!arrival.openLoop) {
    test(`${arrival.name}: has no schedule`, () => {
      const schedule = arrival.createSchedule({
        ratePerSec: 10,
        durationNs: 1e9,
        connectionCount: 1,
        seed: 1,
      });
      assert.equal(schedule.nextPlannedNs(), Number.POSITIVE_INFINITY);
    });
    return;
  }

  test(`${arrival.name}: exactly the asked count, in order, within the duration`, () => {
    fc.assert(
      fc.property(options, (given) => {
        const all = drain(arrival.createSchedule(given));
        assert.equal(all.length, plannedCount(given.ratePerSec, given.durationNs));
        // A rate that rounds up its count may place the last arrival at most one gap past the end.
        const endNs = given.durationNs + (given.connectionCount * 1e9) / given.ratePerSec;
        all.forEach((atNs, i) => {
          assert.ok(atNs >= (all[i - 1] ?? 0) && atNs < endNs, `arrival ${i} at ${atNs}`);
        });
      }),
      { numRuns: 60 },
    );
  });

  test(`${arrival.name}: the same seed gives the same schedule`, () => {
    fc.assert(
      fc.property(options, (given) => {
        assert.deepEqual(drain(arrival.createSchedule(given)), drain(arrival.createSchedule(given)));
      }),
      { numRuns: 20 },
    );
  });

  test(`${arrival.name}: threads share one schedule without gap or overlap`, () => {
    fc.assert(
      fc.property(options, fc.integer({ min: 1, max: 9 }), (given, threadCount) => {
        const whole = drain(arrival.createSchedule(given));
        const parts = Array.from({ length: threadCount }, (_, i) =>
          drain(stripe(arrival.createSchedule(given), i, threadCount)),
        );
        whole.forEach((atNs, i) => {
          assert.equal(parts[i % threadCount]![Math.floor(i / threadCount)], atNs);
        });
        assert.equal(
          parts.reduce((sum, part) => sum + part.length, 0),
          whole.length,
        );
      }),
      { numRuns: 20 },
    );
  });
}
