// Goal: what the rules stand on is right: histograms, CPU lists, trends, the split of a stall, the scope of stalls.
// Method: small known inputs, and properties over arbitrary runs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cycleBucketOf } from '../../record/cycle-buckets.ts';
import type { Stall } from '../../record/observation.ts';
import { arbitraryRun } from '../testing/arbitrary-run.ts';
import { blockedIn, histogram, quietRun, type StallParts, stallOf } from '../testing/run-builder.ts';
import { blockedCause } from './blocked-call.ts';
import { overlapShare, parseCpuList } from './cpu-list.ts';
import { histogramQuantile, sumHistograms } from './cycle-histogram.ts';
import { distributionOf } from './distribution.ts';
import { factsOf } from './facts.ts';
import { scopeOf } from './scope.ts';
import { type SliceContext, slicesOfStall } from './slices.ts';
import { topFrame } from './stacks.ts';
import { answersPerSec } from './throughput.ts';
import { mannKendall } from './trend.ts';

const MS = 1e6;

test('CPU lists as the kernel writes them', () => {
  assert.deepEqual(parseCpuList('0-3,8'), new Set([0, 1, 2, 3, 8]));
  assert.deepEqual(parseCpuList(' 5 '), new Set([5]));
  for (const bad of ['', 'all', '3-1', '0-99999', '1,,2', '-1']) assert.equal(parseCpuList(bad), null, bad);
  assert.equal(overlapShare(new Set([0, 1]), new Set([1])), 0.5);
  assert.equal(overlapShare(null, new Set([1])), 1);
});

test('quantiles of cycle histograms come from the right bucket', () => {
  const counts = sumHistograms([
    [
      [cycleBucketOf(1000), 90],
      [cycleBucketOf(5000), 9],
    ],
    [
      [cycleBucketOf(80_000), 1],
      [-1, 5],
      [999, 5],
    ],
  ]);
  const near = (q: number, value: number) => {
    const got = histogramQuantile(counts, q)!;
    assert.ok(Math.abs(got - value) <= value / 4, `p${q * 100}: ${got}`);
  };
  near(0.5, 1000);
  near(0.95, 5000);
  near(1, 80_000);
  assert.equal(histogramQuantile(sumHistograms([]), 0.5), null);
});

test('requests without an answer count as slower than all others', () => {
  const both = distributionOf([histogram([[1, 98]])], [histogram([[0.1, 2]])])!;
  assert.equal(both.count, 100);
  assert.equal(both.shareAbove(50 * MS), 0.02);
  assert.ok(Math.abs(both.quantileNs(0.5) - MS) < MS / 100);
  const two = distributionOf([histogram([[1, 50]]), histogram([[9, 50]])])!;
  assert.equal(two.shareAbove(2 * MS), 0.5);
  assert.ok(Math.abs(two.meanNs - 5 * MS) < 0.01 * MS, String(two.meanNs));
  assert.equal(distributionOf(['not a histogram', '']), null);
});

test('Mann–Kendall: order is a trend, noise is not', () => {
  const rising = mannKendall([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  assert.ok(rising.p < 0.001, String(rising.p));
  assert.equal(rising.slopePerStep, 1);
  assert.ok(mannKendall([5, 1, 4, 2, 5, 1, 3, 2, 4, 3]).p > 0.2);
  assert.ok(mannKendall([3, 3, 3, 3, 3, 3, 3]).p > 0.999);
  // By hand: S = 15 of n = 6 strictly rising values, z = 14 ÷ √28.33 = 2.63.
  assert.ok(Math.abs(mannKendall([1, 2, 3, 4, 5, 6]).p - 0.0085) < 0.0005);
});

test('blocked time is named by what the call is for, then by how the thread slept', () => {
  const disk = { uninterruptible: true };
  const cases: [ReturnType<typeof blockedIn>, number, string][] = [
    [blockedIn('fsync', 1), 0, 'io.fsync'],
    [blockedIn('read', 1, { ...disk, fdPath: '/a' }), 0, 'io.disk'],
    [blockedIn('read', 1, { fdPath: '/dev/pts/0' }), 0, 'block.synchronous-call'],
    [blockedIn('write', 1, { ...disk, fdPath: 'pipe:[7]' }), 0, 'block.synchronous-call'],
    [blockedIn('futex', 1, { waker: { pid: 101, comm: 'worker' } }), 0, 'block.lock'],
    [blockedIn('futex', 1), 0, 'block.synchronous-call'],
    [blockedIn('flock', 1), 0, 'block.lock'],
    [blockedIn('munmap', 1, { ...disk, kernelStack: ['rwsem_down_write_slowpath'] }), 0, 'block.lock'],
    [blockedIn('munmap', 1, disk), 0, 'unnamed'],
    [blockedIn('page-fault', 1, disk), 2, 'memory.major-fault'],
    [blockedIn('page-fault', 1, disk), 0, 'unnamed'],
    [blockedIn('unknown', 1, disk), 3, 'unnamed'],
    [blockedIn('epoll_wait', 1), 0, 'block.synchronous-call'],
  ];
  for (const [slice, majorFaults, cause] of cases) {
    assert.equal(
      blockedCause(slice, majorFaults, slice.waker !== null),
      cause,
      `${slice.call} ${slice.fdPath}`,
    );
  }
});

function contextOf(): SliceContext {
  const watch = factsOf(quietRun().run).watch!;
  return { budgetNs: 2 * MS, actors: watch.actors, loop: watch.loops[0]!, throttle: null, sampled: false };
}

function split(parts: StallParts, context = contextOf()): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const slice of slicesOfStall(stallOf(parts, 0), 0, context).slices) {
    sums[slice.cause] = (sums[slice.cause] ?? 0) + slice.ns / MS;
  }
  return sums;
}

test('CPU time below the budget is usual work that something else stretched', () => {
  assert.deepEqual(split({ wallMs: 10, userMs: 1.5, contended: [[7, 'burn', 8.5]] }), {
    'cpu.preempted': 8.5,
  });
  assert.deepEqual(split({ wallMs: 10, userMs: 6, contended: [[7, 'burn', 4]] }), {
    'cpu.preempted': 4,
    'loop.heavy-handler': 6,
  });
});

test('time inside the kernel is not the handler’s, and writes belong to the sync in the same turn', () => {
  assert.deepEqual(split({ wallMs: 10, userMs: 1, systemMs: [['getdents64', 9]] }), {
    'open.kernel-cpu': 10,
  });
  const synced = {
    wallMs: 10,
    systemMs: [['write', 4]] as [string, number][],
    blocked: [blockedIn('fsync', 6)],
  };
  assert.deepEqual(split(synced), { 'io.fsync': 10 });
});

test('a proven quota takes its share of the run queue, idle CPU first', () => {
  const throttle = {
    path: '/web',
    throttledNs: 0,
    throttledCount: 9,
    periodCount: 9,
    runDelayNs: 0,
    quotaCpus: 0.2,
  };
  const parts: StallParts = { wallMs: 100, kind: 'wait', idleMs: 40, contended: [[7, 'burn', 60]] };
  const proven = { ...contextOf(), throttle: { ...throttle, share: 0.7, proven: true } };
  const shared = split(parts, proven);
  assert.deepEqual(Object.keys(shared).sort(), ['cpu.contended', 'cpu.throttled']);
  assert.ok(Math.abs(shared['cpu.throttled']! - 70) < 1e-6);
  const unproven = { ...contextOf(), throttle: { ...throttle, share: 0.3, proven: false } };
  assert.deepEqual(split(parts, unproven), { 'cpu.contended': 60, 'open.idle-cpu': 40 });
});

test('stalls of all loops at once, of one CPU, of one loop', () => {
  const loops = factsOf(quietRun().run).watch!.loops;
  const at = (loop: number, startMs: number, cpu = loop): Stall =>
    stallOf({ loop, wallMs: 5, more: { cpu } }, startMs);
  const together = scopeOf([at(0, 100), at(1, 103), at(0, 500), at(1, 499)], loops);
  assert.equal(together.allAtOnceShare, 1);
  const apart = scopeOf([at(0, 100), at(1, 300), at(0, 500), at(1, 700)], loops);
  assert.equal(apart.allAtOnceShare, 0);
  const oneCpu = scopeOf([at(0, 100, 1), at(1, 300, 1)], loops);
  assert.deepEqual([oneCpu.cpu, oneCpu.cpuShare], [1, 1]);
  assert.equal(scopeOf([at(0, 100)], loops).stalledLoopCount, 1);
});

test('shares of the excess never add up to more than one', () => {
  fc.assert(
    fc.property(arbitraryRun, (run) => {
      const excess = factsOf(run).watch?.excess;
      if (!excess) return;
      let sum = 0;
      for (const tally of excess.tallies.values()) {
        assert.ok(tally.worstLoopShare >= 0 && tally.worstLoopShare <= 1);
        sum += tally.share;
      }
      assert.ok(sum <= 1 + 1e-9, String(sum));
    }),
    { numRuns: 150 },
  );
});

test('samples are counted by function, past the C library, and C++ names are readable', () => {
  const stack = (count: number, ...frames: string[]) => ({ count, inKernel: false, frames });
  const stacks = [
    stack(
      5,
      '[vdso]+0xb46',
      '__clock_gettime+0x19 (libc.so.6)',
      '_ZN4node11performanceL3NowEN2v8E+0x9 (node)',
      '0x7f',
    ),
    stack(3, '_ZN4node11performanceL3NowEN2v8E+0x39 (node)', 'onRequest'),
    stack(2, '0x7fa3fc02eb3b'),
    { count: 90, inKernel: true, frames: ['tcp_v4_rcv+0x1'] },
  ];
  assert.deepEqual(topFrame([stallOf({ wallMs: 9, more: { stacks } }, 0)]), {
    frame: 'node::performance::Now (node)',
    share: 0.8,
    sampleCount: 10,
    caller: null,
  });
  const library = [stack(4, 'memcpy+0x1 (libc.so.6)', '0x1')];
  assert.equal(topFrame([stallOf({ wallMs: 9, more: { stacks: library } }, 0)])?.frame, 'memcpy (libc.so.6)');
  assert.equal(topFrame([stallOf({ wallMs: 9, more: { stacks: [stack(4, '0x1', '')] } }, 0)]), null);
});

test('answers a second: in a closed loop only those that came before sending ended', () => {
  const load = quietRun().run.load!;
  const counts = { ...load.counts, ok: 90, wrong: 10 };
  const of = (ratePerSec: number | null, answeredInTime?: number) =>
    answersPerSec({
      plan: { ...load.plan, ratePerSec },
      counts,
      startNs: 1e9,
      endNs: 3e9,
      ...(answeredInTime !== undefined && { answeredInTime }),
    });
  assert.deepEqual([of(2000, 60), of(null, 60), of(null)], [50, 30, 50]);
  assert.equal(answersPerSec({ ...load, startNs: 5, endNs: 5 }), null);
});
