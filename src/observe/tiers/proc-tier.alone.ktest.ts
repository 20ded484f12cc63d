// Goal: without any privilege the windows account for a loop's CPU, its waits for a CPU and its sleeps, and workers that
// come and go are noted. Method: loops in Python with a known load, on one CPU with a competitor, killed, forked.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { findProgram, type Started, start, until } from '../../../test/fixtures/process.ts';
import { needs } from '../../../test/helpers/needs.ts';
import { createClock } from '../../base/clock.ts';
import { LoopscopeError } from '../../base/errors.ts';
import { type ProcTier, startProcTier } from './proc-tier.ts';

const python = findProgram('python3');
const WINDOW_NS = 50e6;
const clock = createClock();

async function startPython(code: string, cpus?: string): Promise<Started> {
  const started = start(python!, ['-c', `import select, os, time, signal\n${code}`], { cpus });
  await until('python to be up', () => started.output().includes('up'));
  return started;
}

const begin = (...pids: number[]) =>
  startProcTier({ pids, nowNs: () => clock.nowNs(), windowNs: WINDOW_NS, selfPids: [] });

async function pollFor(tier: ProcTier, ms: number): Promise<void> {
  for (const endMs = performance.now() + ms; performance.now() < endMs; await delay(5)) tier.poll();
}

const sum = <T>(rows: readonly T[], pick: (row: T) => number) =>
  rows.reduce((total, row) => total + pick(row), 0);

test('a loop that works and waits', async (t) => {
  if (!needs(t, python !== null, 'python3')) return;
  await using loop = await startPython(`
e = select.epoll()
print('up', flush=True)
while True:
  end = time.monotonic() + 0.002
  while time.monotonic() < end: pass
  e.poll(0.003)
`);
  const openBefore = readdirSync('/proc/self/fd').length;
  const tier = begin(loop.pid);
  assert.deepEqual(
    tier.capabilities.map((capability) => capability.name),
    ['proc syscall', 'schedstat'],
  );
  assert.equal(tier.hasExited(loop.pid), false);
  await pollFor(tier, 400);
  const { loops, windows, exits } = tier.stop();
  assert.equal(readdirSync('/proc/self/fd').length, openBefore);
  assert.deepEqual(exits, []);
  assert.equal(loops.length, 1);
  assert.equal(loops[0]!.endNs, null);
  assert.match(loops[0]!.waitCall ?? 'epoll_wait', /^epoll_p?wait$/);
  assert.ok(windows.length >= 2);
  // Windows follow one another without a gap.
  for (const [i, window] of windows.slice(1).entries())
    assert.equal(window.startNs, windows[i]!.startNs + windows[i]!.durationNs);
  const timeNs = sum(windows, (window) => window.durationNs);
  const cpuNs = sum(windows, (window) => window.cpuNs);
  assert.ok(cpuNs > 0 && cpuNs < timeNs, `${cpuNs} of ${timeNs}`);
  assert.ok(sum(windows, (window) => window.voluntarySwitches) > 10);
  assert.ok(sum(windows, (window) => window.runDelayNs) < timeNs);
  for (const window of windows) {
    assert.deepEqual([window.cycleCount, window.workHistogram], [0, []]);
    assert.ok(window.blockedShare! >= 0 && window.blockedShare! <= 1);
  }
});

test('a competitor on its CPU shows as run delay', async (t) => {
  if (!needs(t, python !== null, 'python3')) return;
  await using loop = await startPython(
    "e = select.epoll()\nprint('up', flush=True)\nwhile True: e.poll(0)",
    '0',
  );
  await using _hog = start('/bin/sh', ['-c', 'while :; do :; done'], { cpus: '0' });
  const tier = begin(loop.pid);
  await pollFor(tier, 400);
  const { windows } = tier.stop();
  // Half is its share; a quarter is far from what it would be alone.
  assert.ok(sum(windows, (window) => window.runDelayNs) > sum(windows, (window) => window.durationNs) / 4);
  assert.ok(sum(windows, (window) => window.involuntarySwitches) > 0);
});

test('workers come and go', async (t) => {
  if (!needs(t, python !== null, 'python3')) return;
  await using master = await startPython(`
def work():
  if os.fork() == 0:
    e = select.epoll()
    while True: e.poll(0.005)
signal.signal(signal.SIGUSR1, lambda *_: work())
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
work()
print('up', flush=True)
while True: signal.pause()
`);
  const tier = await until('a loop', () => {
    try {
      return begin(master.pid);
    } catch {
      return null;
    }
  });
  const [first] = tier.loops();
  assert.notEqual(first!.pid, master.pid);
  process.kill(master.pid, 'SIGUSR1');
  await until('the second worker', () => {
    tier.poll();
    return tier.loops().length === 2;
  });
  process.kill(first!.pid, 'SIGKILL');
  await until('its end', () => {
    tier.poll();
    return first!.endNs !== null;
  });
  assert.equal(tier.hasExited(first!.pid), true);
  const { loops, windows, exits } = tier.stop();
  assert.deepEqual(
    exits.map((exit) => exit.pid),
    [first!.pid],
  );
  assert.ok(exits[0]!.atNs >= first!.startNs);
  assert.equal(loops.length, 2);
  const second = windows.filter((window) => window.loopIndex === 1);
  // What it did before it was found is not counted.
  for (const window of second) assert.ok(window.startNs >= loops[1]!.startNs);
});

test('the end of the watched process itself is noted', async (t) => {
  if (!needs(t, python !== null, 'python3')) return;
  await using loop = await startPython("e = select.epoll()\nprint('up', flush=True)\ne.poll(100)");
  const tier = begin(loop.pid);
  await loop.stop();
  const { loops, exits } = tier.stop();
  assert.deepEqual(
    exits.map((exit) => exit.pid),
    [loop.pid],
  );
  assert.ok(loops[0]!.endNs !== null);
});

test('no process, no loop', () => {
  assert.throws(
    () => begin(4194305),
    (error) => error instanceof LoopscopeError && error.code === 'NO_LOOP_FOUND' && error.hint !== '',
  );
});
