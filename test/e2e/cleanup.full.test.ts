// Goal: however a run ends, nothing of it stays: no process, no BPF object, no mount, no socket file; and what kill -9
// leaves is cleaned at the next start. Method: end real runs at chosen and at random moments, then count.
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { createPrng } from '../../src/base/prng.ts';
import { temporaryFolder } from '../fixtures/guard.ts';
import {
  bpfObjectsOf,
  bpftoolPath,
  markedProcesses,
  mountCount,
  newMark,
  survivingBpfObjects,
} from '../fixtures/leftovers.ts';
import { binPath, reportOf, runLoopscope } from '../fixtures/loopscope.ts';
import { startNodeServer } from '../fixtures/node-server.ts';
import { canConnect, untilConnected } from '../fixtures/ports.ts';
import { start, until } from '../fixtures/process.ts';
import { needs } from '../helpers/needs.ts';

const isRoot = process.getuid?.() === 0;

for (const [signal, status] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  test(`${signal} in mid-run: a report of what there is, exit ${status}, nothing left`, async (t) => {
    if (!needs(t, isRoot && bpftoolPath !== null, 'root and bpftool')) return;
    await using server = await startNodeServer('none');
    const mark = newMark();
    const mounts = mountCount();
    let objects: string[] = [];
    const args = [
      'doctor',
      server.url,
      '--pid',
      String(server.pid),
      '--rate',
      '300',
      '--duration',
      '60s',
      '--json',
    ];
    const result = await runLoopscope(args, {
      env: mark.env,
      started: async ({ pid, child }) => {
        objects = await until('probes', () => {
          const held = bpfObjectsOf(pid);
          return held.some((object) => object.startsWith('link')) && held;
        });
        await untilConnected(server.url);
        await delay(1500);
        child.kill(signal);
      },
    });
    assert.equal(result.code, status, result.stderr);
    const { counts } = reportOf(result).load!;
    assert.ok(counts.ok > 50, JSON.stringify(counts));
    assert.equal(counts.unaccounted, 0);
    assert.match(reportOf(result).load!.stopped_early ?? '', /interrupt/);
    assert.deepEqual(markedProcesses(mark.value), []);
    await until('BPF objects to go', () => survivingBpfObjects(objects).length === 0);
    assert.equal(mountCount(), mounts);
  });
}

test('kill -9 at random moments of doctor: no process, no BPF object, no mount', async (t) => {
  if (!needs(t, isRoot && bpftoolPath !== null, 'root and bpftool')) return;
  const seed = Date.now() % 2 ** 31;
  t.diagnostic(`seed ${seed}`);
  const prng = createPrng(seed);
  await using server = await startNodeServer('burn');
  const mounts = mountCount();
  const args = [
    'doctor',
    server.url,
    '--pid',
    String(server.pid),
    '--rate',
    '300',
    '--duration',
    '60s',
    '--quiet',
  ];
  const seen = new Set<string>();
  for (let round = 0; round < 8; round++) {
    const mark = newMark();
    await using run = start(binPath, args, { env: mark.env });
    const killAtMs = performance.now() + prng.next() * 2000;
    while (performance.now() < killAtMs) {
      for (const object of bpfObjectsOf(run.pid)) seen.add(object);
      await delay(20);
    }
    process.kill(run.pid, 'SIGKILL');
    await run.exited;
    // The launcher may be asking which Node there is: that ends by itself.
    await until(`round ${round}: no process to be left`, () => markedProcesses(mark.value).length === 0);
  }
  assert.ok(seen.size > 0, 'some rounds were killed while probes were loaded');
  await until('BPF objects to go', () => survivingBpfObjects([...seen]).length === 0);
  assert.equal(mountCount(), mounts);
});

test('kill -9 at random moments of the demo: the server under test goes too', async (t) => {
  const seed = Date.now() % 2 ** 31;
  t.diagnostic(`seed ${seed}`);
  const prng = createPrng(seed);
  using folder = temporaryFolder();
  for (let round = 0; round < 6; round++) {
    const mark = newMark();
    await using run = start(binPath, ['lab', 'demo', '--duration', '30s'], {
      env: mark.env,
      cwd: folder.path,
    });
    await delay(prng.next() * 2500);
    process.kill(run.pid, 'SIGKILL');
    await run.exited;
    await until(`round ${round}: no process to be left`, () => markedProcesses(mark.value).length === 0);
  }
});

test('a server ended by SIGTERM removes its socket file; one ended by kill -9 is replaced at the next start', async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, 'agent.sock');
  const serve = () => start(binPath, ['serve', 'agent', '--listen', `unix:${path}`]);
  {
    await using server = serve();
    await until('the ready line', () => server.output().includes('listening'));
    process.kill(server.pid, 'SIGTERM');
    assert.deepEqual(await server.exited, { code: 0, signal: null });
  }
  assert.equal(existsSync(path), false);
  {
    await using server = serve();
    await until('the ready line', () => server.output().includes('listening'));
    process.kill(server.pid, 'SIGKILL');
    await server.exited;
  }
  assert.equal(existsSync(path), true, 'kill -9 leaves the file');
  // The kernel ends a killed process' ring a little after the process, and its listener with it.
  await until('the socket to be dead', async () => !(await canConnect({ path })));
  {
    await using server = serve();
    await until('the ready line', () => server.output().includes('listening'));
    process.kill(server.pid, 'SIGINT');
    assert.deepEqual(await server.exited, { code: 0, signal: null });
  }
  assert.deepEqual(readdirSync(folder.path), []);
});
