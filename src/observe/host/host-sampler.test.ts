// Goal: samples are of this host, counters grow, and a long run stays bounded with its ends kept. Method: this process.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { createFakeClock } from '../../base/clock.ts';
import { createHostSampler } from './host-sampler.ts';

const openFiles = () => readdirSync('/proc/self/fd').length;

test('a sample has the counters of this host, and later ones are not smaller', () => {
  const clock = createFakeClock();
  using sampler = createHostSampler({ nowNs: clock.nowNs, loops: () => [{ pid: process.pid }] });
  const first = sampler.sample();
  const endMs = performance.now() + 30;
  while (performance.now() < endMs); // Uses CPU time that the second sample must show.
  clock.advanceNs(250e6);
  const second = sampler.sample();
  assert.deepEqual([first.atNs, second.atNs], [0, 250e6]);
  assert.ok(first.cpus.length > 0 && first.procsRunning > 0);
  const busyNs = (sample: typeof first) =>
    sample.cpus.reduce((sum, cpu) => sum + cpu.userNs + cpu.systemNs, 0);
  assert.ok(busyNs(second) > busyNs(first));
  assert.ok(second.contextSwitches >= first.contextSwitches);
  for (const field of ['listenOverflows', 'listenDrops', 'retransSegs', 'timeWaitSockets'] as const)
    assert.equal(typeof first[field], 'number', field);
  assert.equal(typeof first.dirtyPages, 'number');
  assert.equal(typeof first.majorFaults, 'number');
  assert.deepEqual(sampler.samples, [first, second]);
});

test('a loop that is gone leaves its counters unknown, not zero', () => {
  using sampler = createHostSampler({ nowNs: () => 0, loops: () => [{ pid: 4194305 }] });
  const sample = sampler.sample();
  assert.deepEqual([sample.listenOverflows, sample.retransSegs, sample.cgroups], [null, null, []]);
  assert.ok(sample.cpus.length > 0);
});

test('all files are closed', () => {
  const before = openFiles();
  const sampler = createHostSampler({ nowNs: () => 0, loops: () => [{ pid: process.pid }] });
  sampler.sample();
  assert.ok(openFiles() > before);
  sampler[Symbol.dispose]();
  assert.equal(openFiles(), before);
});

test('at the limit the resolution halves; the first and the newest stay', () => {
  let now = -1;
  const sampleLimit = 8;
  using sampler = createHostSampler({ nowNs: () => ++now, loops: () => [], sampleLimit });
  for (let count = 1; count <= 100; count++) {
    const sample = sampler.sample();
    const { samples } = sampler;
    assert.ok(samples.length <= sampleLimit);
    assert.ok(samples.length > Math.min(count, sampleLimit / 2) - 1);
    assert.equal(samples[0]!.atNs, 0);
    assert.equal(samples.at(-1), sample);
    const gaps = samples.slice(1).map((later, i) => later.atNs - samples[i]!.atNs);
    // Evenly spread but for the newest.
    assert.ok(new Set(gaps.slice(0, -1)).size <= 1, `after ${count}: ${gaps}`);
  }
});
