// Goal: a process number that is another's by now misleads nobody: what the other does is not the watched one's.
// Method: planted loops whose turns are known; the number is taken anew at once, by clone3(2) with set_tid.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { needs } from '../../../test/helpers/needs.ts';
import { createClock } from '../../base/clock.ts';
import type { CycleWindow, ObservationRecord } from '../../record/observation.ts';
import { type ObservationHandle, startObservation } from '../observe.ts';
import { compileOnce } from '../testing/compile-once.ts';
import { type LiveRecorder, recordLive } from '../testing/live-recorder.ts';
import { plantedBinary, plantLoop } from '../testing/planted-loop.ts';
import type { ObserveOptions } from '../tiers/tier.ts';
import { traceSched } from '../trace/sched/trace-sched.ts';
import { traceSyscalls } from '../trace/syscalls/trace-syscalls.ts';

const MS = 1e6;
const clock = createClock();
const runAsPid = () => compileOnce(new URL('../testing/run-as-pid.c', import.meta.url));

function canRun(t: TestContext): boolean {
  if (!needs(t, process.geteuid?.() === 0, 'root, for BPF and clone3 with set_tid')) return false;
  return needs(t, plantedBinary() !== null && runAsPid() !== null, 'a C compiler');
}

/** The number of a process that has ended is given to a planted loop, which runs its steps at once and hangs. */
async function takeNumber(pid: number, steps: string[]): Promise<ChildProcess> {
  const child = spawn(runAsPid()!, [String(pid), plantedBinary()!, ...steps, 'h'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await Promise.race([
    once(child.stdout!, 'data'),
    once(child, 'exit').then(() => {
      throw new Error(`process ${pid}: its number could not be had again`);
    }),
  ]);
  const hanging = once(child.stdout!, 'data');
  child.stdin!.write('g');
  await hanging;
  return child;
}

/** The first loop runs its steps to the hang and is killed there; another program has its number at once, and works. */
async function succeeded(
  first: string[],
  second: string[],
  options: Partial<ObserveOptions>,
  afterwards: (pid: number, handle: ObservationHandle) => Promise<void>,
): Promise<{ pid: number; killedNs: number; record: ObservationRecord }> {
  await using planted = await plantLoop([...first, 'h']);
  const { pid } = planted;
  using handle = startObservation({ pids: [pid], clock, selfPids: [process.pid], ...options });
  await planted.runUntilHang();
  const ended = once(planted.child, 'exit');
  const killedNs = clock.nowNs();
  planted.child.kill('SIGKILL');
  await ended;
  const other = await takeNumber(pid, second);
  try {
    await afterwards(pid, handle);
    return { pid, killedNs, record: handle.stop() };
  } finally {
    other.kill('SIGKILL');
  }
}

const total = (windows: CycleWindow[], field: 'cycleCount' | 'timeoutCount' | 'eventCount') =>
  windows.reduce((sum, window) => sum + window[field], 0);

test('turns and stalls of who has the number next are not the watched loop’s', async (t) => {
  if (!canRun(t)) return;
  const { pid, killedNs, record } = await succeeded(
    ['t10', 'e4', 'x23'],
    ['e3', 's30', 't5', 'x6'],
    { budgetNs: 20 * MS },
    () => sleep(1200),
  );
  assert.equal(record.loops.length, 1, 'the newcomer was not named');
  assert.ok(record.loops[0]!.endNs !== null);
  assert.deepEqual(
    record.exits.map((exit) => exit.pid),
    [pid],
  );
  assert.equal(total(record.windows, 'timeoutCount'), 23);
  assert.equal(total(record.windows, 'eventCount'), 92);
  assert.equal(total(record.windows, 'cycleCount'), 45);
  assert.deepEqual(
    record.stalls.filter(({ startNs }) => startNs > killedNs),
    [],
  );
});

test('with every probe armed, too', async (t) => {
  if (!canRun(t)) return;
  const { killedNs, record } = await succeeded(
    ['t10', 'x9'],
    ['e1', 'b30', 's30', 'x5'],
    { budgetNs: 20 * MS, armed: 'always' },
    () => sleep(1200),
  );
  assert.equal(total(record.windows, 'timeoutCount'), 9);
  assert.deepEqual(
    record.stalls.filter(({ startNs }) => startNs > killedNs),
    [],
  );
});

test('one that was stuck when it was killed is gone, whoever has its number', async (t) => {
  if (!canRun(t)) return;
  const live: LiveRecorder = recordLive(clock);
  const { pid, killedNs } = await succeeded(
    ['e1'],
    ['s400', 't5'],
    { budgetNs: 20 * MS, live },
    async (_, handle) => {
      for (let i = 0; i < 300 && !handle.allGone(); i++) await sleep(10);
      assert.ok(handle.allGone(), 'the process that was named has ended');
      await sleep(600);
    },
  );
  assert.deepEqual(
    live.opens.filter(({ toldNs }) => toldNs > killedNs + 100 * MS).map(({ call }) => call),
    [],
  );
  assert.ok(live.loops.some((loop) => loop.pid === pid && loop.endNs !== null));
  assert.deepEqual(
    live.ends.filter(({ how }) => how !== 'gone').map(({ how }) => how),
    [],
  );
});

test('a trace of calls or of turns is of the process that was named, to its end', async (t) => {
  if (!canRun(t)) return;
  await using planted = await plantLoop(['t5', 'e2', 'x23', 'h']);
  const { pid } = planted;
  const stop = new AbortController();
  const options = { subject: 'test', pids: [pid], follow: true, durationNs: 8e9, signal: stop.signal };
  let ready = 0;
  const started = Promise.withResolvers<void>();
  const onStart = () => void (++ready === 2 && started.resolve());
  const calls = traceSyscalls({ ...options, onStart });
  const turns = traceSched({ ...options, onStart });
  await started.promise;
  await planted.runUntilHang();
  const ended = once(planted.child, 'exit');
  planted.child.kill('SIGKILL');
  await ended;
  const other = await takeNumber(pid, ['e1', 's2', 'x50']);
  try {
    await sleep(300);
    const both = await Promise.all([calls, turns]);
    const [ofCalls, ofTurns] = both;
    const count = (name: string) => ofCalls.rows.find((row) => row.name === name)?.calls ?? 0;
    assert.equal(
      count('clock_nanosleep') + count('nanosleep'),
      0,
      'the newcomer sleeps, the traced one never did',
    );
    // 23 rounds of two, and the one it was in at the start is not counted.
    assert.equal(count('epoll_wait'), 46);
    assert.match(ofCalls.endedEarly ?? '', /ended/);
    assert.match(ofTurns.endedEarly ?? '', /ended/);
  } finally {
    stop.abort();
    other.kill('SIGKILL');
  }
});
