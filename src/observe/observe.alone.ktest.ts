// Goal: one observation from start to stop tells what the loop did, whatever becomes of the process meanwhile.
// Method: planted loops (testing/planted-loop.c); the whole of startObservation, both tiers.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { nginxPath, startNginx } from '../../test/fixtures/nginx.ts';
import { findProgram, until } from '../../test/fixtures/process.ts';
import { needs } from '../../test/helpers/needs.ts';
import { upToThreeTimes } from '../../test/helpers/tries.ts';
import { createClock } from '../base/clock.ts';
import { LoopscopeError } from '../base/errors.ts';
import type { CycleWindow, ObservationRecord, Stall } from '../record/observation.ts';
import { findLoops } from './loops/find-loops.ts';
import { lookAtThread } from './loops/thread-look.ts';
import { startObservation } from './observe.ts';
import { type PlantedLoop, plantedBinary, plantLoop } from './testing/planted-loop.ts';
import type { ObserveOptions } from './tiers/tier.ts';

const clock = createClock();
const MS = 1e6;

function canRun(t: TestContext): boolean {
  if (!needs(t, process.geteuid?.() === 0, 'root, for BPF')) return false;
  return needs(t, plantedBinary() !== null, 'a C compiler');
}

/** Observes the loop while `during` goes on. */
async function observe(
  planted: Pick<PlantedLoop, 'pid'>,
  during: () => Promise<unknown>,
  options: Partial<ObserveOptions> = {},
): Promise<ObservationRecord> {
  const handle = startObservation({ pids: [planted.pid], clock, selfPids: [process.pid], ...options });
  try {
    await during();
    return handle.stop();
  } finally {
    handle[Symbol.dispose]();
  }
}

const total = (windows: CycleWindow[], field: 'cycleCount' | 'timeoutCount' | 'eventCount' | 'durationNs') =>
  windows.reduce((sum, window) => sum + window[field], 0);

test('windows add up to exactly what the loop did, and it is found by itself', async (t) => {
  if (!canRun(t)) return;
  await using planted = await plantLoop(['t20', 'e4', 'x23', 'h']);
  const record = await observe(planted, () => planted.runUntilHang());
  assert.equal(record.tier, 'bpf');
  assert.equal(record.loops.length, 1);
  assert.equal(record.loops[0]!.waitCall, 'epoll_wait');
  assert.equal(record.loops[0]!.pid, planted.pid);
  assert.equal(total(record.windows, 'timeoutCount'), 23);
  assert.equal(total(record.windows, 'eventCount'), 92);
  assert.equal(total(record.windows, 'cycleCount'), 45);
  assert.ok(record.host.length >= 2 && record.host[0]!.cpus.length > 0);
  assert.ok(record.cost.programs.length > 0 && record.cost.sampledShare > 0);
  assert.equal(record.losses.ringBufferDrops + record.losses.decodeErrors + record.losses.mapFullDrops, 0);
});

test('a hang that outlasts the run is reported with the call it hangs in', async (t) => {
  if (!canRun(t)) return;
  await using planted = await plantLoop(['e1', 'h']);
  const record = await observe(planted, async () => {
    await planted.runUntilHang();
    await sleep(300);
  });
  const hang = record.stalls.at(-1)!;
  assert.ok(hang && hang.wallNs > 290 * MS, JSON.stringify(record.stalls));
  assert.equal(hang.account.blocked[0]!.call, 'read');
  assert.match(hang.account.blocked[0]!.fdPath ?? '', /^(pipe|socket):/);
  assert.ok(hang.account.blocked[0]!.ns > 0.9 * hang.wallNs);
});

test('the probes arm themselves at the first stall; later ones are seen in full', async (t) => {
  if (!canRun(t)) return;
  await using planted = await plantLoop(['e1', 's30', 't40', 'x6', 'h']);
  const seen: Stall[] = [];
  const record = await observe(planted, () => planted.runUntilHang(), {
    budgetNs: 20 * MS,
    onStall: (stall) => seen.push(stall),
  });
  const work = record.stalls.filter(
    (stall) => stall.kind === 'work' && stall.account.blocked[0]?.call !== 'read',
  );
  assert.ok(work.length >= 6, `${work.length} stalls`);
  assert.equal(work[0]!.detail, 'counters');
  assert.equal(work.at(-1)!.detail, 'full');
  assert.match(work.at(-1)!.account.blocked[0]!.call, /nanosleep/);
  assert.match(work.at(-1)!.account.blocked[0]!.kernelStack.join(' '), /nanosleep/);
  assert.ok(record.cost.armedNs > 0);
  assert.equal(record.cost.tierChanges[0]?.tier, 'armed');
  assert.ok(seen.length >= work.length);
});

test('user frames of a burn carry names of the program', async (t) => {
  if (!canRun(t)) return;
  await using planted = await plantLoop(['e1', 'b60', 'e1', 'b60', 'e1', 'h']);
  const record = await observe(planted, () => planted.runUntilHang(), { budgetNs: 30 * MS, armed: 'always' });
  const frames = record.stalls.flatMap((stall) => stall.stacks.flatMap((stack) => stack.frames));
  assert.ok(
    frames.some((frame) => /burn_user|planted-loop/.test(frame)),
    frames.join(', '),
  );
});

test('a process that ends meanwhile is recorded, with what it did until then', async (t) => {
  if (!canRun(t)) return;
  await using planted = await plantLoop(['t10', 'x9']);
  const record = await observe(planted, async () => {
    await planted.run();
    await sleep(1200);
  });
  assert.deepEqual(
    record.exits.map((exit) => exit.pid),
    [planted.pid],
  );
  assert.ok(record.loops[0]!.endNs !== null);
  assert.equal(total(record.windows, 'timeoutCount'), 9);
});

test('workers that come and go are followed', async (t) => {
  if (!canRun(t) || !needs(t, nginxPath !== null, 'nginx')) return;
  await using nginx = await startNginx({ workerCount: 2 });
  /** Those that wait already: one that is only just forked may end before any look at it. */
  const waiting = () =>
    findLoops([nginx.masterPid])
      .filter((loop) => loop.waitCall === 'epoll_wait')
      .map((loop) => loop.pid);
  await until('two workers that wait', () => waiting().length === 2, 15_000);
  const record = await observe({ pid: nginx.masterPid }, async () => {
    process.kill(nginx.masterPid, 'SIGHUP');
    await until(
      'two others that wait',
      () => {
        const hasOld = nginx.workerPids.some((pid) => existsSync(`/proc/${pid}`));
        return !hasOld && waiting().length === 2;
      },
      15_000,
    );
  });
  const loops = record.loops.filter((loop) => loop.waitCall === 'epoll_wait');
  const seen = JSON.stringify({ loops, exits: record.exits });
  assert.equal(loops.length, 4, seen);
  const gone = loops.filter((loop) => loop.endNs !== null).map((loop) => loop.pid);
  assert.deepEqual(gone.sort(), nginx.workerPids.toSorted(), seen);
  assert.deepEqual(record.exits.map((exit) => exit.pid).sort(), nginx.workerPids.toSorted(), seen);
});

test('a worker that was busy when it was found, and never has an event, is a loop all the same', async (t) => {
  if (!canRun(t) || !needs(t, findProgram('python3') !== null, 'python3')) return;
  for (const tier of ['bpf', 'proc'] as const) {
    await using family = startBusyWorker();
    await until('a busy worker', () => family.workerPid() !== null);
    const worker = family.workerPid()!;
    const record = await observe(
      family,
      async () => {
        process.kill(worker, 'SIGUSR1');
        await until('it waits', () => lookAtThread(worker, worker).kind === 'wait');
      },
      { tier },
    );
    const seen = record.loops.map(({ pid, waitCall }) => [pid, waitCall]);
    assert.deepEqual(
      seen.sort(),
      [
        [family.pid, 'epoll_wait'],
        [worker, 'epoll_wait'],
      ].sort(),
      tier,
    );
  }
});

/** A parent that waits, and a child with an epoll set that computes until it gets SIGUSR1, then waits for nothing. */
function startBusyWorker() {
  const script = `
import os, select, signal
told = []
signal.signal(signal.SIGUSR1, lambda *_: told.append(1))
worker = os.fork()
events = select.epoll()
if not worker:
    print(os.getpid(), flush=True)
while not worker and not told:
    pass
events.poll()`;
  const child = spawn('python3', ['-c', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (bytes) => (text += bytes));
  const workerPid = () => (text.includes('\n') ? Number(text) : null);
  return {
    pid: child.pid!,
    workerPid,
    async [Symbol.asyncDispose]() {
      for (const pid of [workerPid(), child.pid!]) if (pid !== null) process.kill(pid, 'SIGKILL');
      await once(child, 'close');
    },
  };
}

test('events of an io_uring loop are the completions it takes', async (t) => {
  if (!canRun(t)) return;
  const command = fileURLToPath(new URL('../../bin/loopscope', import.meta.url));
  const server = spawn(
    command,
    ['serve', 'http', '--listen', 'http://127.0.0.1:0', '--backend', 'ring', '--json', '--die-with-parent'],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  );
  try {
    const [line] = await Promise.race([once(server.stdout, 'data'), once(server, 'exit')]);
    const url = /http:\/\/[\d.]+:\d+/.exec(String(line))?.[0];
    if (!needs(t, url !== undefined, 'io_uring')) return;
    await upToThreeTimes(t, async () => {
      const handle = startObservation({ pids: [server.pid!], clock, selfPids: [process.pid] });
      try {
        for (let i = 0; i < 200; i++) await (await fetch(url!)).arrayBuffer();
        const record = handle.stop();
        assert.equal(record.loops[0]!.waitCall, 'io_uring_enter');
        const events = total(record.windows, 'eventCount');
        // One completion for each request, and a few for accepting and closing connections.
        assert.ok(events >= 200 && events < 230, `${events} events for 200 requests`);
      } finally {
        handle[Symbol.dispose]();
      }
    });
  } finally {
    server.kill('SIGTERM');
  }
});

test('without BPF the same loop is watched through /proc, and the record says so', async (t) => {
  if (!canRun(t)) return;
  await using planted = await plantLoop(['t5', 'b5', 'x40', 'h']);
  const handle = startObservation({ pids: [planted.pid], clock, selfPids: [process.pid], tier: 'proc' });
  try {
    assert.ok(handle.capabilities.some((c) => c.name === 'bpf' && !c.available && c.hides !== ''));
    await planted.runUntilHang();
    const record = handle.stop();
    assert.equal(record.tier, 'proc');
    assert.deepEqual(record.stalls, []);
    const cpuNs = record.windows.reduce((sum, window) => sum + window.cpuNs, 0);
    assert.ok(cpuNs > 150 * MS && cpuNs < 400 * MS, `${cpuNs / MS} ms of CPU, 200 planted`);
  } finally {
    handle[Symbol.dispose]();
  }
});

test('a process that is no event loop is refused with a hint', async (t) => {
  if (!canRun(t)) return;
  const child = spawn('sleep', ['30'], { stdio: 'ignore' });
  try {
    await once(child, 'spawn');
    assert.throws(
      () => startObservation({ pids: [child.pid!], clock, selfPids: [process.pid], tier: 'bpf' }),
      (error) => error instanceof LoopscopeError && error.code === 'NO_LOOP_FOUND' && error.hint !== '',
    );
  } finally {
    child.kill('SIGKILL');
  }
});

test('nothing is left after stop: no descriptor, no mapping, no program', async (t) => {
  if (!canRun(t)) return;
  const left = () => ({
    descriptors: readdirSync('/proc/self/fd').length,
    maps: readFileSync('/proc/self/maps', 'latin1')
      .split('\n')
      .filter((line) => line.includes('bpf')).length,
  });
  await using planted = await plantLoop(['e1', 's30', 'x3', 'h']);
  const before = left();
  await observe(planted, () => planted.runUntilHang(), { budgetNs: 20 * MS, armed: 'always' });
  const after = left();
  assert.ok(after.descriptors <= before.descriptors, JSON.stringify([before, after]));
  assert.equal(after.maps, before.maps);
});
