// Goal: each arrival process has the shape its name promises. Method: the contract for all, and the index of
// dispersion (0 constant, 1 Poisson) on long schedules over many seeds.
import assert from 'node:assert/strict';
import { test } from 'node:test';
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
