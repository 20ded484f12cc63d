// Goal: each arrival process has the shape its name promises. Method: the contract for all, and the index of
// dispersion (0 constant, 1 Poisson) on long schedules over many seeds.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ArrivalParams } from '../parameters.ts';
import { arrivalContract, drain, indexOfDispersion } from './arrival.contract.ts';
import { ARRIVAL_NAMES, ARRIVALS } from './registry.ts';

for (const arrival of Object.values(ARRIVALS)) arrivalContract(arrival);

const LONG = { durationNs: 60e9, connectionCount: 100 };

test('constant: nearly no dispersion at 10 ms, whatever the rate', () => {
  for (const ratePerSec of [333, 500, 1999, 5000]) {
    const times = drain(ARRIVALS.constant.createSchedule({ ...LONG, ratePerSec, seed: 1 }));
    const idc = indexOfDispersion(times, LONG.durationNs, 10e6);
    assert.ok(idc < 0.2, `${ratePerSec}/s: ${idc}`);
  }
});

test('constant: the last arrival has not drifted', () => {
  const times = drain(ARRIVALS.constant.createSchedule({ ...LONG, ratePerSec: 3000, seed: 1 }));
  assert.ok(Math.abs(times.at(-1)! - (179_999 * 1e9) / 3000) < 1e-3);
});

test('poisson: dispersion 1 at 1, 10 and 100 ms, and gaps without memory', () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    const times = drain(ARRIVALS.poisson.createSchedule({ ...LONG, ratePerSec: 2000, seed }));
    for (const windowNs of [1e6, 10e6]) {
      const idc = indexOfDispersion(times, LONG.durationNs, windowNs);
      assert.ok(idc > 0.9 && idc < 1.1, `seed ${seed}, ${windowNs} ns: ${idc}`);
    }
    const wide = indexOfDispersion(times, LONG.durationNs, 100e6);
    assert.ok(wide > 0.8 && wide < 1.2, `seed ${seed}, 100 ms: ${wide}`);
    const gaps = times.slice(1).map((atNs, i) => atNs - times[i]!);
    const short = gaps.filter((gapNs) => gapNs < 150e3).length / gaps.length;
    assert.ok(Math.abs(short - (1 - Math.exp(-0.3))) < 0.01, `seed ${seed}: ${short} of gaps below 150 µs`);
  }
});

test('poisson: another seed is another schedule', () => {
  const first = (seed: number) =>
    ARRIVALS.poisson.createSchedule({ ...LONG, ratePerSec: 2000, seed }).nextPlannedNs();
  assert.notEqual(first(1), first(2));
});

test('synced: waves of one request a connection', () => {
  const schedule = ARRIVALS.synced.createSchedule({ ...LONG, ratePerSec: 2000, seed: 1 });
  const times = drain(schedule);
  assert.deepEqual(new Set(times.slice(0, 100)), new Set([0]));
  assert.deepEqual(new Set(times.slice(100, 200)), new Set([50e6]));
  assert.ok(indexOfDispersion(times, LONG.durationNs, 10e6) > 50);
});

test('the registry names what it holds', () => {
  for (const name of ARRIVAL_NAMES) assert.equal(ARRIVALS[name].name, name);
});

test('gamma: dispersion in wide windows is the square of cv, and cv 1 is Poisson', () => {
  for (const [cv, least, most] of [
    [0.3, 0.05, 0.25],
    [1, 0.9, 1.1],
    [2, 3.2, 4.8],
    [3, 6.5, 11.5],
  ] as const) {
    const times = drain(
      ARRIVALS.gamma.createSchedule({ ...LONG, ratePerSec: 2000, seed: 3, params: { cv } }),
    );
    const idc = indexOfDispersion(times, LONG.durationNs, 100e6);
    assert.ok(idc > least && idc < most, `cv ${cv}: ${idc}`);
    const gaps = times.slice(1).map((atNs, i) => atNs - times[i]!);
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
    const deviation = Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length);
    assert.ok(Math.abs(deviation / mean / cv - 1) < 0.03, `cv ${cv}: ${deviation / mean} of the gaps`);
  }
});

test('jitter: every request in its slot and no later than its delay', () => {
  const given = { ...LONG, durationNs: 10e9, ratePerSec: 1000, seed: 1 };
  const delays = (byNs: number) =>
    drain(ARRIVALS.jitter.createSchedule({ ...given, params: { byNs } })).map((atNs, i) => atNs - i * 1e6);
  const short = delays(500e3);
  assert.ok(short.every((delayNs) => delayNs >= 0 && delayNs <= 500e3));
  const mean = short.reduce((sum, delayNs) => sum + delayNs, 0) / short.length;
  assert.ok(Math.abs(mean - 250e3) < 10e3, `mean delay ${mean}`);
  assert.deepEqual(delays(0).filter(Boolean), []);
  // Ten gaps long: requests overtake each other, and are still in order (the contract) and all there.
  assert.ok(delays(10e6).every((delayNs) => delayNs >= -10e6 && delayNs <= 10e6));
});

test('onoff: all of it within bursts, at the rate asked for', () => {
  for (const gaps of ['poisson', 'constant']) {
    const params = { onNs: 100e6, offNs: 150e6, gaps };
    const times = drain(ARRIVALS.onoff.createSchedule({ ...LONG, ratePerSec: 1000, seed: 1, params }));
    assert.equal(times.length, 240 * 100);
    assert.ok(times.every((atNs) => atNs % 250e6 <= 100e6));
    const perBurst = new Map<number, number>();
    for (const atNs of times) {
      const burst = Math.floor(atNs / 250e6);
      perBurst.set(burst, (perBurst.get(burst) ?? 0) + 1);
    }
    assert.equal(perBurst.size, 240);
    if (gaps === 'constant') assert.deepEqual(new Set(perBurst.values()), new Set([100]));
  }
});

test('synced: waves of a size, or of a period, whatever the rate divides into', () => {
  const waves = (params: ArrivalParams, ratePerSec = 3000) => {
    const times = drain(
      ARRIVALS.synced.createSchedule({ ...LONG, durationNs: 3e9, ratePerSec, seed: 1, params }),
    );
    return Map.groupBy(times, (atNs) => atNs);
  };
  for (const params of [{ wave: 150 }, { everyNs: 50e6 }] as ArrivalParams[]) {
    const found = waves(params);
    assert.deepEqual(new Set([...found.values()].map((wave) => wave.length)), new Set([150]));
    [...found.keys()].forEach((atNs, i) => {
      assert.ok(Math.abs(atNs - i * 50e6) < 1, `wave ${i} at ${atNs}`);
    });
  }
  assert.throws(() => waves({ wave: 10, everyNs: 1e9 }), { code: 'USAGE', message: /wave and every/ });
});
