// Goal: the tier counts exactly what a loop did, and a stall's account is what was planted, to 10 %.
// Method: a C program whose cycles, sleeps and burns are given on its command line.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { needs } from '../../../test/helpers/needs.ts';
import { upToThreeTimes } from '../../../test/helpers/tries.ts';
import { createClock } from '../../base/clock.ts';
import { cycleBucketHigh, cycleBucketLow } from '../../record/cycle-buckets.ts';
import type { Stall } from '../../record/observation.ts';
import { CONTENDER_LIMIT, contender, stall_event, totals } from '../probes/layouts.ts';
import { decodeStall } from '../stalls/stall-decoder.ts';
import { plantedBinary, plantLoop } from '../testing/planted-loop.ts';
import type { Arming } from './arming.ts';
import { type BpfTier, startBpfTier } from './bpf-tier.ts';

const clock = createClock();
const MS = 1e6;

function canRun(t: TestContext): boolean {
  if (!needs(t, process.geteuid?.() === 0, 'root, for BPF')) return false;
  return needs(t, plantedBinary() !== null, 'a C compiler');
}

const PING_PONG = `
import os, signal, time
a, b = os.pipe(), os.pipe()
child = os.fork()
if child == 0:
    os.close(a[1]), os.close(b[0])  # else the end of its parent is never seen
    while os.read(a[0], 1): os.write(b[1], b"x")
    os._exit(0)
end = time.time() + 5
while time.time() < end:
    os.write(a[1], b"x"); os.read(b[0], 1)
os.kill(child, signal.SIGKILL)
`;

/** 12 ms on, 12 ms off. */
const REAL_TIME_BURSTS = `
import time
end = time.monotonic() + 5
while time.monotonic() < end:
    stop = time.monotonic() + 0.012
    while time.monotonic() < stop: pass
    time.sleep(0.012)
`;

/** A cpu cgroup of either version with a quota in per cent of one CPU; its folder, or null. */
function makeQuotaGroup(percent: number): string | null {
  const name = `loopscope-test-${process.pid}`;
  for (const [root, file, text] of [
    ['/sys/fs/cgroup/cpu', 'cpu.cfs_quota_us', `${percent * 1000}`],
    ['/sys/fs/cgroup', 'cpu.max', `${percent * 1000} 100000`],
  ] as const) {
    try {
      mkdirSync(`${root}/${name}`);
    } catch {
      continue;
    }
    try {
      writeFileSync(`${root}/${name}/${file}`, text);
      return `${root}/${name}`;
    } catch {
      rmdirSync(`${root}/${name}`);
    }
  }
  return null;
}

type Watched = {
  tier: BpfTier;
  stalls: Stall[];
  /** Of each stall: the share of its run-queue time that was charged to somebody, before the decoder keeps six names. */
  chargedShares: number[];
  total(field: keyof typeof totals.at): number;
  counts(field: keyof typeof totals.at): Map<number, number>;
};

async function watchPlanted(
  steps: string[],
  options: {
    armed?: Arming;
    budgetMs?: number;
    cpu?: number;
    ringBytes?: number;
    during?: (pid: number) => void;
  } = {},
): Promise<Watched> {
  await using planted = await plantLoop(steps, options.cpu === undefined ? {} : { cpu: options.cpu });
  const stalls: Stall[] = [];
  const chargedShares: number[] = [];
  const tier = startBpfTier({
    armed: options.armed ?? 'never',
    nowNs: clock.nowNs,
    ...(options.ringBytes !== undefined && { ringBytes: options.ringBytes }),
    onStallRecord(bytes) {
      chargedShares.push(chargedShare(bytes));
      stalls.push(
        decodeStall(bytes, {
          startMonoNs: clock.startMonoNs,
          kernelSymbol: (address) => address.toString(16),
          userSymbol: (_, address) => address.toString(16),
        })!,
      );
    },
    onTierChange: () => {},
  });
  try {
    tier.setBudgetNs((options.budgetMs ?? 10_000) * MS);
    tier.addLoop(0, planted.pid, ['epoll_wait']);
    options.during?.(planted.pid);
    await planted.run();
    if (options.ringBytes === undefined) tier.poll();
    const copy = new DataView(new ArrayBuffer(totals.byteLength));
    const live = tier.totalsOf(0);
    new Uint8Array(copy.buffer).set(new Uint8Array(live.buffer, live.byteOffset, live.byteLength));
    const drops = tier.ringDrops();
    return {
      tier: { ...tier, ringDrops: () => drops },
      stalls,
      chargedShares,
      total: (field) => Number(copy.getBigUint64(totals.at[field], true)),
      counts: (field) => {
        const map = new Map<number, number>();
        for (let bucket = 0; bucket < 168; bucket++) {
          const count = copy.getUint32(totals.at[field] + bucket * 4, true);
          if (count > 0) map.set(bucket, count);
        }
        return map;
      },
    };
  } finally {
    tier[Symbol.dispose]();
  }
}

function chargedShare(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const queuedNs = Number(view.getBigUint64(stall_event.at.runq_ns, true));
  let chargedNs = Number(view.getBigUint64(stall_event.at.throttled_ns, true));
  // More than have room were there: what they took is rightly charged to nobody.
  if (view.getUint32(stall_event.at.contender_count, true) === CONTENDER_LIMIT) return 1;
  for (let i = 0; i < view.getUint32(stall_event.at.contender_count, true); i++) {
    const start = stall_event.at.contenders + i * contender.byteLength;
    chargedNs += Number(view.getBigUint64(start + contender.at.ns, true));
  }
  return queuedNs > 0 ? chargedNs / queuedNs : 1;
}

const sum = (stall: Stall): number => {
  const a = stall.account;
  return (
    a.userNs +
    a.irqNs +
    a.stealNs +
    a.runQueue.totalNs +
    a.unexplainedNs +
    a.system.reduce((total, part) => total + part.ns, 0) +
    a.blocked.reduce((total, slice) => total + slice.ns, 0)
  );
};

/** What the loop had the CPU for. The machine may be a guest that has its CPUs for half of the time only. */
const ownNs = ({ wallNs, account }: Stall): number =>
  wallNs - account.runQueue.totalNs - account.stealNs - account.irqNs;

function near(actual: number, expected: number, share: number, what: string): void {
  assert.ok(
    Math.abs(actual - expected) <= expected * share,
    `${what}: ${actual / MS} ms, expected ${expected / MS} ms`,
  );
}

test('23 timed-out waits are 23 timeouts, and every cycle is counted once', async (t) => {
  if (!canRun(t)) return;
  const seen = await watchPlanted(['t2', 'x23']);
  assert.equal(seen.total('timeouts'), 23);
  assert.equal(seen.total('stalls'), 0);
  // The wait that was in progress when the probes came is not counted: the cycles after the 23 are.
  assert.equal(seen.total('cycles'), 23);
});

test('events are counted per wake-up, peeks are merged', async (t) => {
  if (!canRun(t)) return;
  const seen = await watchPlanted(['e3', 'p', 'x23']);
  assert.equal(seen.total('peeks'), 23);
  const events = seen.counts('event_hist');
  assert.equal(events.get(3), 23);
  assert.equal(seen.total('timeouts'), 0);
});

test('accepts: first EAGAIN, tail EAGAIN and successes', async (t) => {
  if (!canRun(t)) return;
  const seen = await watchPlanted(['e1', 'a', 'e1', 'c', 'c', 'a', 'x11']);
  assert.equal(seen.total('accepts'), 22);
  assert.equal(seen.total('accept_first_eagain'), 11);
  assert.equal(seen.total('accept_tail_eagain'), 11);
});

test('known work lands in its bucket', async (t) => {
  if (!canRun(t)) return;
  const seen = await watchPlanted(['e1', 's20', 'x5']);
  let count = 0;
  for (const [bucket, n] of seen.counts('work_hist'))
    if (cycleBucketHigh(bucket) > 20 * MS && cycleBucketLow(bucket) < 40 * MS) count += n;
  assert.equal(count, 5);
});

test('a burn in user mode is user time', async (t) => {
  if (!canRun(t)) return;
  const { stalls } = await watchPlanted(['e1', 'b30', 'x5'], { armed: 'always', budgetMs: 20 });
  const burns = stalls.filter((stall) => stall.kind === 'work');
  assert.equal(burns.length, 5);
  for (const stall of burns) {
    assert.equal(stall.detail, 'full');
    near(sum(stall), stall.wallNs, 0.001, 'sum');
    assert.ok(stall.account.userNs > 0.8 * ownNs(stall), JSON.stringify(stall.account));
    assert.ok(stall.account.unexplainedNs < 0.1 * stall.wallNs);
  }
});

test('a burn in the kernel is system time of its call', async (t) => {
  if (!canRun(t)) return;
  // What the call is named by are samples: few of them may fall otherwise.
  await upToThreeTimes(t, async () => {
    const { stalls } = await watchPlanted(['e1', 'k30', 'x5'], { armed: 'always', budgetMs: 20 });
    const burns = stalls.filter((stall) => stall.kind === 'work');
    assert.equal(burns.length, 5);
    for (const stall of burns) {
      const read = stall.account.system.find((part) => part.call === 'read')?.ns ?? 0;
      assert.ok(read > 0.7 * ownNs(stall), JSON.stringify(stall.account));
    }
  });
});

test('a sleep is a block in its call', async (t) => {
  if (!canRun(t)) return;
  const { stalls } = await watchPlanted(['e1', 's30', 'x5'], { armed: 'always', budgetMs: 20 });
  const sleeps = stalls.filter((stall) => stall.kind === 'work');
  assert.equal(sleeps.length, 5);
  for (const stall of sleeps) {
    near(sum(stall), stall.wallNs, 0.001, 'sum');
    const slice = stall.account.blocked[0]!;
    assert.match(slice.call, /nanosleep/);
    assert.ok(slice.ns >= 29 * MS, `${slice.ns}`);
    assert.ok(slice.kernelStack.length > 1);
    assert.ok(stall.account.unexplainedNs < 0.1 * stall.wallNs);
  }
});

test('an fsync is a block in fsync, uninterruptible, with the file named', async (t) => {
  if (!canRun(t)) return;
  const { stalls } = await watchPlanted(['e1', 'y8192', 'x5'], { armed: 'always', budgetMs: 1 });
  const syncs = stalls.filter(
    (stall) => stall.kind === 'work' && stall.account.blocked.some((b) => b.call === 'fsync'),
  );
  assert.ok(syncs.length >= 3, JSON.stringify(stalls.map((s) => s.account)));
  for (const stall of syncs) {
    near(sum(stall), stall.wallNs, 0.001, 'sum');
    const slice = stall.account.blocked.find((b) => b.call === 'fsync')!;
    assert.equal(slice.uninterruptible, true);
    if (slice.ns > MS) assert.match(slice.fdPath ?? '', /loopscope-planted-/);
    assert.ok(stall.account.unexplainedNs < 0.1 * stall.wallNs);
  }
});

test('a busy neighbour on the same CPU is named', async (t) => {
  if (!canRun(t)) return;
  // Favoured, so that it is first among those who share the CPU even when the whole test suite does.
  const hog = spawn('nice', ['-n', '-10', 'taskset', '-c', '0', 'sh', '-c', 'while :; do :; done'], {
    stdio: 'ignore',
  });
  try {
    const { stalls, chargedShares } = await watchPlanted(['e1', 'b10', 'x4'], {
      armed: 'always',
      budgetMs: 11,
      cpu: 0,
    });
    const shared = stalls.filter((stall) => stall.kind === 'work');
    assert.ok(shared.length >= 3, `${shared.length} stalls`);
    for (const stall of shared) {
      near(sum(stall), stall.wallNs, 0.001, 'sum');
      const queue = stall.account.runQueue;
      const share = (queue.contended.find((who) => who.pid === hog.pid)?.ns ?? 0) / queue.totalNs;
      assert.ok(share > 0.2, JSON.stringify(queue));
      assert.ok(stall.account.unexplainedNs < 0.1 * stall.wallNs, JSON.stringify(stall.account));
    }
    assert.ok(Math.min(...chargedShares) > 0.95, `${chargedShares}`);
  } finally {
    hog.kill('SIGKILL');
  }
});

test('thousands of short slices are charged without loss', async (t) => {
  if (!canRun(t)) return;
  // Two processes that hand one byte to and fro: a context switch every few µs.
  const pair = spawn('taskset', ['-c', '0', 'python3', '-c', PING_PONG], { stdio: 'ignore' });
  try {
    const { stalls, chargedShares } = await watchPlanted(['e1', 'b40', 'x4'], {
      armed: 'always',
      budgetMs: 41,
      cpu: 0,
    });
    assert.ok(stalls.filter((stall) => stall.kind === 'work').length >= 3, `${stalls.length} stalls`);
    assert.ok(Math.min(...chargedShares) > 0.95, `${chargedShares}`);
  } finally {
    pair.kill('SIGTERM');
  }
});

test('a timed wait that ends late says whose turn it was', async (t) => {
  if (!canRun(t)) return;
  const hog = spawn('chrt', ['-f', '10', 'taskset', '-c', '0', 'python3', '-c', REAL_TIME_BURSTS], {
    stdio: 'ignore',
  });
  try {
    const { stalls } = await watchPlanted(['t5', 'x40'], { armed: 'always', budgetMs: 3, cpu: 0 });
    const late = stalls.filter((stall) => stall.kind === 'wait');
    assert.ok(late.length >= 3, `${late.length} late waits of 40`);
    for (const stall of late) {
      assert.equal(stall.requestedTimeoutNs, 5 * MS);
      assert.ok(stall.allowedSlackNs >= 5e4);
      near(sum(stall), stall.wallNs, 0.001, 'sum');
    }
    const named = late.filter((stall) => stall.account.runQueue.contended[0]?.pid === hog.pid);
    assert.ok(named.length >= 0.6 * late.length, JSON.stringify(late.map((stall) => stall.account.runQueue)));
  } finally {
    hog.kill('SIGKILL');
  }
});

test('a wait on a socket inside a turn is a block that names the peer', async (t) => {
  if (!canRun(t)) return;
  const { stalls } = await watchPlanted(['e1', 'r30', 'x10'], { armed: 'always', budgetMs: 20 });
  const waits = stalls.filter((stall) => stall.kind === 'work');
  assert.equal(waits.length, 10);
  const slices = waits.map((stall) => stall.account.blocked[0]!);
  for (const slice of slices) {
    assert.equal(slice.call, 'recvfrom');
    assert.ok(slice.ns >= 29 * MS, `${slice.ns}`);
  }
  // Where a guest hides a wake-up, who it was and on what goes with it.
  const named = slices.filter(({ fdPath }) => /^socket:inet 127\.0\.0\.1:\d+$/.test(fdPath ?? ''));
  assert.ok(named.length >= 9, JSON.stringify(slices));
});

test('work between peeks is held against the budget piece by piece', async (t) => {
  if (!canRun(t)) return;
  const seen = await watchPlanted(['e1', 's150', 'p', 's150', 'q2', 'x2'], { budgetMs: 270 });
  assert.equal(seen.total('peeks'), 2);
  assert.equal(seen.counts('event_hist').get(2), 2);
  assert.deepEqual(seen.stalls, []);
  const { stalls } = await watchPlanted(['e1', 's10', 'p', 's300', 'p', 's10'], { budgetMs: 270 });
  assert.deepEqual(
    stalls.map((stall) => [stall.kind, stall.peekCount]),
    [['work', 1]],
  );
});

test('a quota shows as time in the run queue, not as work', async (t) => {
  if (!canRun(t)) return;
  const folder = makeQuotaGroup(20);
  if (!needs(t, folder !== null, 'a writable cpu cgroup')) return;
  try {
    const { stalls, chargedShares } = await watchPlanted(['e1', 'b50', 'x2'], {
      armed: 'always',
      budgetMs: 100,
      during: (pid) => writeFileSync(`${folder}/cgroup.procs`, String(pid)),
    });
    const throttled = stalls.filter((stall) => stall.kind === 'work');
    assert.ok(throttled.length >= 1);
    for (const stall of throttled) {
      near(sum(stall), stall.wallNs, 0.001, 'sum');
      const queue = stall.account.runQueue;
      const onOrReadyNs = ownNs(stall) + queue.totalNs;
      assert.ok(queue.totalNs > 0.4 * onOrReadyNs, JSON.stringify(stall.account));
      assert.ok(queue.throttledNs! > 0.3 * onOrReadyNs, JSON.stringify(queue));
      assert.ok(stall.account.unexplainedNs < 0.1 * stall.wallNs, JSON.stringify(stall.account));
    }
    // To nobody (an idle CPU), or on a busy machine to those who fill the gap that the quota leaves.
    assert.ok(Math.min(...chargedShares) > 0.95, `${chargedShares}`);
  } finally {
    rmdirSync(folder!);
  }
});

test('without the scheduler probes the counters still tell sleep from burn', async (t) => {
  if (!canRun(t)) return;
  await upToThreeTimes(t, async () => {
    const burn = await watchPlanted(['e1', 'b30'], { budgetMs: 20 });
    const sleep = await watchPlanted(['e1', 's30'], { budgetMs: 20 });
    assert.equal(burn.stalls[0]?.detail, 'counters');
    assert.ok(burn.stalls[0].account.userNs > 20 * MS, JSON.stringify(burn.stalls[0]));
    assert.deepEqual(burn.stalls[0].account.blocked, []);
    assert.ok(sleep.stalls[0]!.account.blocked[0]!.ns > 0.8 * sleep.stalls[0]!.wallNs);
  });
});

test('a ring that is too small loses stalls and says how many', async (t) => {
  if (!canRun(t)) return;
  const seen = await watchPlanted(['e1', 's2', 'x30'], { armed: 'always', budgetMs: 1, ringBytes: 8192 });
  assert.equal(seen.total('stalls') >= 30, true);
  assert.ok(seen.tier.ringDrops() >= 25, `${seen.tier.ringDrops()} drops`);
});

test('nothing is left behind', async (t) => {
  if (!canRun(t)) return;
  const before = readdirSync('/proc/self/fd').length;
  const maps = () =>
    readFileSync('/proc/self/maps', 'latin1')
      .split('\n')
      .filter((line) => line.includes('bpf')).length;
  const mapsBefore = maps();
  await watchPlanted(['e1', 'x3'], { armed: 'always' });
  assert.ok(readdirSync('/proc/self/fd').length <= before, 'descriptors');
  assert.equal(maps(), mapsBefore);
});
