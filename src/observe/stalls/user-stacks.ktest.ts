// Goal: a stalled cycle comes with the program's own frames, also of files that are gone and processes that have ended,
// and what was not kept is counted. Method: a C loop whose functions are known, watched as users watch.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { needs } from '../../../test/helpers/needs.ts';
import { createClock } from '../../base/clock.ts';
import type { ObservationRecord, Stall } from '../../record/observation.ts';
import { startObservation } from '../observe.ts';
import { plantedBinary, plantLoop } from '../testing/planted-loop.ts';

const MS = 1e6;

function canRun(t: TestContext): boolean {
  if (!needs(t, process.geteuid?.() === 0, 'root, for BPF')) return false;
  return needs(t, plantedBinary() !== null, 'a C compiler');
}

const options = (pid: number, budgetMs: number) => ({
  pids: [pid],
  clock: createClock(),
  selfPids: [process.pid],
  armed: 'always' as const,
  budgetNs: budgetMs * MS,
});

async function watchSteps(steps: string[], budgetMs: number): Promise<ObservationRecord> {
  await using planted = await plantLoop(steps);
  using handle = startObservation(options(planted.pid, budgetMs));
  await delay(100);
  await planted.run();
  return handle.stop();
}

const workOf = (record: ObservationRecord) => record.stalls.filter(({ kind }) => kind === 'work');
const plain = (frames: readonly string[]) => frames.map((frame) => frame.replace(/ \(.*$/, ''));
const countOf = (samples: readonly { count: number }[]) => samples.reduce((sum, { count }) => sum + count, 0);
const ENDS_IN_MAIN = /\bmain\b/;

test('a sleep has the stack that it began with, whole', async (t) => {
  if (!canRun(t)) return;
  const stalls = workOf(await watchSteps(['e1', 's20', 'x5'], 15));
  assert.equal(stalls.length, 5);
  for (const stall of stalls) {
    const slice = stall.account.blocked.find(({ call }) => call.includes('nanosleep'))!;
    const names = plain(slice.userStack ?? []);
    assert.match(names[0] ?? '', /nanosleep/, JSON.stringify(slice));
    assert.match(names.join(' '), ENDS_IN_MAIN);
    assert.equal(slice.userStackCut, undefined);
  }
});

test('a burn is sampled where it burns, most of it in that function', async (t) => {
  if (!canRun(t)) return;
  const stalls = workOf(await watchSteps(['e1', 'b40', 'x4'], 20));
  assert.equal(stalls.length, 4);
  const samples = stalls.flatMap(({ stacks }) => stacks).filter(({ inKernel }) => !inKernel);
  const count = countOf(samples);
  const inBurn = samples.filter(({ frames }) => /burn_user|step/.test(plain(frames).slice(0, 3).join(' ')));
  assert.ok(count >= 8, `${count} samples`);
  assert.ok(countOf(inBurn) >= 0.9 * count, JSON.stringify(samples));
  for (const { frames, cutBecause } of samples) {
    assert.match(plain(frames).join(' '), ENDS_IN_MAIN);
    assert.equal(cutBecause, undefined);
  }
});

test('time in the kernel has the frames of both sides', async (t) => {
  if (!canRun(t)) return;
  const stalls = workOf(await watchSteps(['e1', 'k40', 'x3'], 20));
  const samples = stalls.flatMap(({ stacks }) => stacks).filter(({ inKernel }) => inKernel);
  const called = samples.filter(({ userFrames }) => /read/.test(plain(userFrames ?? [])[0] ?? ''));
  // The loop asks the clock as well, which is a call of its own where the machine has no clock to read without one.
  assert.ok(countOf(called) > 0.5 * countOf(samples), JSON.stringify(samples));
  assert.match(
    samples.map(({ frames }) => frames.join(' ')).join(' '),
    /do_syscall_64|invoke_syscall|el0_svc/,
  );
});

test('the program is deleted and ends before its names are asked for', async (t) => {
  if (!canRun(t)) return;
  const folder = mkdtempSync(join(tmpdir(), 'loopscope-stacks-'));
  try {
    const path = join(folder, 'planted-copy');
    copyFileSync(plantedBinary()!, path);
    const child = spawn(path, ['e1', 's30', 'x3'], { stdio: ['pipe', 'pipe', 'inherit'] });
    const exited = once(child, 'exit');
    await once(child.stdout, 'data');
    rmSync(path);
    using handle = startObservation(options(child.pid!, 20));
    await delay(100);
    child.stdin.end('g');
    await exited;
    await delay(100);
    const names = workOf(handle.stop()).flatMap((stall: Stall) =>
      stall.account.blocked.flatMap(({ userStack }) => userStack ?? []),
    );
    assert.ok(names.includes('main (planted-copy)'), JSON.stringify(names));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('stacks over what unwinding may cost are counted, and the stalls are all there', async (t) => {
  if (!canRun(t)) return;
  // Many more than the credit at the start and what is added to it meanwhile, however slow the machine.
  const record = await watchSteps(['e1', 's2', 's2', 'x800'], 1);
  const stalls = workOf(record);
  assert.ok(stalls.length >= 800, `${stalls.length}`);
  const kept = stalls.filter(({ account }) => account.blocked.some(({ userStack }) => userStack)).length;
  assert.ok(kept >= 100, `${kept} kept`);
  assert.ok((record.losses.stacksNotKept ?? 0) > 0, JSON.stringify(record.losses));
  assert.equal(record.losses.ringBufferDrops, 0);
});

test('every thread has stacks, each its own', async (t) => {
  if (!canRun(t)) return;
  await using one = await plantLoop(['e1', 's20', 'x5']);
  await using two = await plantLoop(['e1', 'l20', 'x5']);
  using handle = startObservation({ ...options(one.pid, 15), pids: [one.pid, two.pid] });
  await delay(100);
  await Promise.all([one.run(), two.run()]);
  const record = handle.stop();
  for (const [pid, call] of [
    [one.pid, /nanosleep/],
    [two.pid, /lock|futex/],
  ] as const) {
    const loop = record.loops.find((candidate) => candidate.pid === pid)!;
    const tops = workOf(record)
      .filter(({ loopIndex }) => loopIndex === loop.loopIndex)
      .map(({ account }) =>
        plain(account.blocked[0]?.userStack ?? [])
          .slice(0, 3)
          .join(' '),
      );
    assert.ok(tops.length >= 5, `${tops.length}`);
    for (const top of tops) assert.match(top, call);
  }
});
