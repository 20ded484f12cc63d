// Goal: of a stall that goes on it is told where it is: what a computing thread computes, who has the CPU of one that
// waits for it, and that one that somebody stopped was stopped. Method: planted loops, made late from outside.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { allowedCores } from '../../../test/fixtures/cores.ts';
import { findProgram, until } from '../../../test/fixtures/process.ts';
import { needs } from '../../../test/helpers/needs.ts';
import { upToThreeTimes } from '../../../test/helpers/tries.ts';
import { createClock } from '../../base/clock.ts';
import type { ObservationRecord, Stall } from '../../record/observation.ts';
import { startObservation } from '../observe.ts';
import { type LiveRecorder, recordLive } from '../testing/live-recorder.ts';
import { type PlantedLoop, plantedBinary, plantLoop } from '../testing/planted-loop.ts';
import { STARVER, starve } from '../testing/starve.ts';
import type { ObserveOptions } from '../tiers/tier.ts';

const clock = createClock();
const MS = 1e6;
const BUDGET_NS = 20 * MS;

function canRun(t: TestContext): boolean {
  if (!needs(t, process.geteuid?.() === 0, 'root, for BPF')) return false;
  return needs(t, plantedBinary() !== null, 'a C compiler');
}

async function lookOn(
  planted: PlantedLoop,
  during: (live: LiveRecorder) => Promise<unknown>,
  armed: ObserveOptions['armed'] = 'always',
): Promise<{ live: LiveRecorder; record: ObservationRecord }> {
  const live = recordLive(clock);
  using handle = startObservation({
    pids: [planted.pid],
    clock,
    selfPids: [process.pid],
    live,
    armed,
    budgetNs: BUDGET_NS,
  });
  await during(live);
  return { live, record: handle.stop() };
}

for (const armed of ['auto', 'always'] as const) {
  test(`what computes is told with the stack of its last sample, armed ${armed}`, async (t) => {
    if (!canRun(t)) return;
    await using planted = await plantLoop(['e1', 'b900', 'h']);
    const { live } = await lookOn(planted, () => planted.runUntilHang(), armed);
    const running = live.opens.filter(({ userStack }) => userStack.some((frame) => /burn_user/.test(frame)));
    const detail = JSON.stringify(live.opens.map(({ state, userStack }) => [state, userStack]));
    assert.ok(running.length >= 2, detail);
    for (const { userStack, userStackAtNs, startNs, toldNs } of running) {
      assert.match(userStack.at(-1)!, /_start|libc_start|0x/, 'down to where the thread began');
      assert.ok(userStackAtNs! > startNs && userStackAtNs! <= toldNs, 'of this very turn');
    }
    // Seen from its begin, the account tells the program's own time from the kernel's.
    const seen = live.opens.filter(({ stall }) => stall.detail === 'full');
    assert.equal(seen.length > 0, armed === 'always');
    for (const { stall } of seen) {
      const { userNs, system, runQueue, unexplainedNs } = stall.account;
      const onCpuNs = userNs + system.reduce((total, { ns }) => total + ns, 0);
      assert.ok(userNs > 0.7 * onCpuNs && unexplainedNs < 0.1 * stall.wallNs, JSON.stringify(stall.account));
      assert.ok(onCpuNs + runQueue.totalNs > 0.9 * stall.wallNs, JSON.stringify(stall.account));
    }
    assert.ok(running.at(-1)!.userStackAtNs! > running[0]!.userStackAtNs!, 'and newer each time');
  });
}

test('one that others keep from its CPU in the middle of a turn is told with who they are', async (t) => {
  if (!canRun(t)) return;
  const cpu = allowedCores().at(-1)!;
  if (!needs(t, findProgram('chrt') !== null, 'chrt')) return;
  await using planted = await plantLoop(['e1', 'b400', 't5', 'h'], { cpu });
  const { live } = await lookOn(planted, async (told) => {
    planted.runUntilHang().catch(() => {});
    await sleep(100);
    await starve(cpu);
    await until('its end', () => told.stalls.some(({ stall }) => stall.wallNs > 500 * MS));
  });
  const kept = live.opens.filter(({ state }) => state === 'runnable');
  const accounts = () => JSON.stringify(live.opens.map(({ state, stall }) => [state, stall.account]));
  assert.ok(kept.length > 0, accounts());
  const last = kept.at(-1)!.stall;
  assert.equal(last.detail, 'full');
  assert.match(last.account.runQueue.contended[0]?.comm ?? '', STARVER, accounts());
  assert.ok(last.account.unexplainedNs < 0.1 * last.wallNs, accounts());
});

test('what computes in the kernel is told with its call and the kernel’s functions', async (t) => {
  if (!canRun(t)) return;
  // The last sample may have fallen between two reads.
  await upToThreeTimes(t, async () => {
    await using planted = await plantLoop(['e1', 'k900', 'h']);
    const { live } = await lookOn(planted, () => planted.runUntilHang());
    const told = live.opens.find(({ call }) => call === 'read');
    assert.ok(told, JSON.stringify(live.opens.map(({ state, call }) => [state, call])));
    assert.match(told.kernelStack.join(' '), /read/);
    assert.match(told.userStack.join(' '), /step|burn_kernel/);
  });
});

const sum = (stalls: readonly Stall[], call: string) =>
  stalls
    .flatMap(({ account }) => account.blocked)
    .reduce((total, slice) => total + (slice.call === call ? slice.ns : 0), 0);

/** What makes it stand still for 400 ms, as it waits and as it works, and the name that this must have. */
async function expectStop(
  steps: string[],
  call: string,
  stop: (pid: number) => void | Promise<void>,
  resume: (pid: number) => void,
): Promise<Stall[]> {
  await using planted = await plantLoop(steps);
  const { live, record } = await lookOn(planted, async (told) => {
    planted.runUntilHang().catch(() => {});
    await sleep(150);
    await stop(planted.pid);
    await until(`told of as ${call}`, () => told.opens.some((open) => open.call === call));
    await sleep(200);
    resume(planted.pid);
    await until('its end', () => told.ends.length > 0);
    await sleep(100);
  });
  const open = live.opens.find((other) => other.call === call)!;
  assert.ok(open.stall.account.blocked.every(({ fdPath }) => fdPath === null));
  assert.ok(sum(record.stalls, call) > 200 * MS, JSON.stringify(record.stalls.map(({ account }) => account)));
  assert.ok(sum(record.stalls, 'epoll_wait') < 20 * MS);
  return record.stalls;
}

const signal = (name: NodeJS.Signals) => (pid: number) => void process.kill(pid, name);

test('one that a signal stopped is told as stopped, and who let it go on', async (t) => {
  if (!canRun(t)) return;
  for (const steps of [
    ['t5', 'x100000', 'h'],
    ['e1', 'b600', 't5', 'x100000', 'h'],
    ['e1', 's600', 't5', 'x100000', 'h'],
  ]) {
    const stalls = await expectStop(steps, 'stopped', signal('SIGSTOP'), signal('SIGCONT'));
    const wakers = stalls.flatMap(({ account }) => account.blocked).filter(({ call }) => call === 'stopped');
    assert.ok(
      wakers.some(({ waker }) => waker?.pid === process.pid),
      JSON.stringify(wakers),
    );
  }
});

test('a sleep that a stop interrupted still has its name', async (t) => {
  if (!canRun(t)) return;
  await using planted = await plantLoop(['e1', 's500', 't5', 'h']);
  const { record } = await lookOn(planted, async (told) => {
    planted.runUntilHang().catch(() => {});
    await sleep(100);
    process.kill(planted.pid, 'SIGSTOP');
    await sleep(50);
    process.kill(planted.pid, 'SIGCONT');
    await until('its end', () => told.stalls.length > 0);
  });
  assert.ok(sum(record.stalls, 'clock_nanosleep') > 300 * MS, JSON.stringify(record.stalls[0]?.account));
  assert.equal(sum(record.stalls, 'restart_syscall'), 0);
});

test('one that a debugger stopped is told as traced', async (t) => {
  if (!canRun(t)) return;
  const path = findProgram('gdb');
  if (!needs(t, path !== null, 'gdb')) return;
  let gdb: ReturnType<typeof spawn> | null = null;
  await expectStop(
    ['t5', 'x100000', 'h'],
    'traced',
    async (pid) => {
      gdb = spawn(path!, ['-nx', '-q', '-p', String(pid)], { stdio: ['pipe', 'ignore', 'ignore'] });
      await once(gdb, 'spawn');
    },
    () => void gdb!.stdin!.end('detach\nquit\n'),
  );
  if (gdb!.exitCode === null) await once(gdb!, 'exit');
});

const FREEZERS = [
  { version: 1, root: '/sys/fs/cgroup/freezer', file: 'freezer.state', on: 'FROZEN', off: 'THAWED' },
  { version: 2, root: '/sys/fs/cgroup/unified', file: 'cgroup.freeze', on: '1', off: '0' },
  { version: 2, root: '/sys/fs/cgroup', file: 'cgroup.freeze', on: '1', off: '0' },
].filter(({ version, root }) =>
  existsSync(`${root}/${version === 1 ? 'cgroup.procs' : 'cgroup.controllers'}`),
);

test('one that is frozen with its cgroup is told as frozen', async (t) => {
  if (!canRun(t) || !needs(t, FREEZERS.length > 0, 'a freezer of cgroups')) return;
  for (const { version, root, file, on, off } of FREEZERS) {
    const folder = `${root}/loopscope-test-${process.pid}`;
    mkdirSync(folder);
    const put = (name: string, text: string) => writeFileSync(`${folder}/${name}`, text);
    let frozen: number | null = null;
    try {
      await expectStop(
        ['t5', 'x100000', 'h'],
        'frozen',
        (pid) => {
          frozen = pid;
          put('cgroup.procs', String(pid));
          put(file, on);
        },
        () => {
          put(file, off);
          writeFileSync(`${root}/cgroup.procs`, String(frozen));
        },
      );
    } catch (error) {
      throw new Error(`cgroup ${version}`, { cause: error });
    } finally {
      put(file, off);
      await until('the group to be empty', () => {
        try {
          rmdirSync(folder);
          return true;
        } catch {
          return false;
        }
      });
    }
  }
});

for (const armed of ['always', 'auto'] as const) {
  test(`a wake-up that is late is told of while it lasts, armed ${armed}`, async (t) => {
    if (!canRun(t)) return;
    const cpu = allowedCores().at(-1)!;
    if (!needs(t, findProgram('chrt') !== null, 'chrt')) return;
    await using planted = await plantLoop(['t5', 'x100000', 'h'], { cpu });
    const during = async (told: LiveRecorder) => {
      planted.runUntilHang().catch(() => {});
      await sleep(300);
      await starve(cpu);
      const isLong = ({ stall }: { stall: Stall }) => stall.kind === 'wait' && stall.wallNs > 300 * MS;
      await until('the record of a late wake-up', () => told.stalls.some(isLong));
    };
    const { live } = await lookOn(planted, during, armed);
    const late = live.opens.filter(({ stall }) => stall.kind === 'wait');
    assert.ok(late.length > 0, JSON.stringify(live.opens));
    for (const { state, stall } of late) {
      assert.equal(state, 'runnable');
      const { runQueue, unexplainedNs } = stall.account;
      assert.ok(Math.abs(runQueue.totalNs - stall.wallNs) < MS && unexplainedNs === 0);
      if (armed === 'auto') continue;
      // Its name is that of when it got the CPU, and it has changed programs since.
      assert.match(
        runQueue.contended[0]?.comm ?? '',
        /^(sh|taskset|chrt|timeout)$/,
        JSON.stringify(runQueue),
      );
      assert.ok(runQueue.contended[0]!.ns > stall.wallNs / 2);
    }
    const ended = live.stalls.find(({ openIndex }) => openIndex === late[0]!.openIndex);
    assert.equal(ended?.stall.kind, 'wait', 'its record came under the same number');
  });
}
