// Goal: thread and process calls do what they say. Method: ask the kernel by another way, /proc.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { isMainThread, Worker } from 'node:worker_threads';
import { LoopscopeError } from '../base/errors.ts';
import { createMonotonicClock } from './clock.ts';
import { ERRNO } from './errno.ts';
import {
  getAffinity,
  gettid,
  kill,
  processUsage,
  setAffinity,
  setTimerSlackNs,
  threadUsage,
} from './process.ts';

test('gettid is the pid in the main thread', () => {
  assert.equal(isMainThread, true);
  assert.equal(gettid(), process.pid);
});

test('affinity is what /proc says, and can be set and restored', () => {
  const before = getAffinity(0);
  const only = before.at(-1)!;
  try {
    setAffinity(0, [only]);
    assert.deepEqual(getAffinity(gettid()), [only]);
    assert.match(
      readFileSync('/proc/thread-self/status', 'utf8'),
      new RegExp(`Cpus_allowed_list:\\s${only}\\n`),
    );
  } finally {
    setAffinity(0, before);
  }
  assert.deepEqual(getAffinity(0), before);
  assert.throws(
    () => setAffinity(0, [8000]),
    (error) => error instanceof LoopscopeError && /Cpus_allowed_list/.test(error.hint),
  );
});

test('usage grows with work and counts page faults', () => {
  const before = threadUsage();
  const untilMs = performance.now() + 30;
  while (performance.now() < untilMs);
  new Uint8Array(8 << 20).fill(1);
  const after = threadUsage();
  const cpuNs = after.userNs + after.systemNs - before.userNs - before.systemNs;
  assert.ok(cpuNs > 1e6, `${cpuNs} ns`);
  assert.ok(after.minorFaultCount > before.minorFaultCount);
  assert.ok(processUsage().userNs >= after.userNs - 1e6);
});

test('kill asks, and reports a process that is gone', async () => {
  const child = spawn('sleep', ['30']);
  const gone = new Promise((resolve) => child.on('exit', resolve));
  assert.equal(kill(child.pid!, 0), 0);
  assert.equal(kill(child.pid!, 9), 0);
  await gone;
  assert.equal(kill(child.pid!, 0), -ERRNO.ESRCH);
});

test('timer slack is set for the thread alone', () => {
  const slack = () => Number(readFileSync(`/proc/${gettid()}/timerslack_ns`, 'utf8'));
  const before = slack();
  setTimerSlackNs(1);
  assert.equal(slack(), 1);
  setTimerSlackNs(before);
  assert.equal(slack(), before);
});

test('a child asks to die with the thread that started it', async () => {
  // A worker starts a grandchild that sets its death signal, and then ends: the signal is per thread.
  const script = `
    const { spawn } = require('node:child_process');
    const { parentPort } = require('node:worker_threads');
    const code = \`
      import { setParentDeathSignal } from ${JSON.stringify(new URL('./process.ts', import.meta.url).href)};
      process.stdout.write(String(setParentDeathSignal(9, ${process.pid})));
      setTimeout(() => {}, 30000);
    \`;
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', code]);
    child.stdout.once('data', (text) => parentPort.postMessage([child.pid, String(text)]));
  `;
  const worker = new Worker(script, { eval: true });
  const [pid, answer] = await new Promise<[number, string]>((resolve) => worker.once('message', resolve));
  assert.equal(answer, 'true');
  assert.equal(kill(pid, 0), 0);
  await worker.terminate();
  const deadlineMs = performance.now() + 5000;
  while (kill(pid, 0) === 0 && !isZombie(pid)) {
    assert.ok(performance.now() < deadlineMs, 'the grandchild lives on');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
});

test('the vDSO clock and process.hrtime are one clock', () => {
  const clock = createMonotonicClock();
  for (let i = 0; i < 100; i++) {
    const before = Number(process.hrtime.bigint() - clock.startMonoNs);
    const ns = clock.nowNs();
    const after = Number(process.hrtime.bigint() - clock.startMonoNs);
    assert.ok(before <= ns && ns <= after, `${before} ≤ ${ns} ≤ ${after}`);
  }
  const shared = createMonotonicClock(clock);
  assert.ok(shared.nowNs() >= clock.nowNs() - 1e6);
});

function isZombie(pid: number): boolean {
  try {
    return / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return true;
  }
}
