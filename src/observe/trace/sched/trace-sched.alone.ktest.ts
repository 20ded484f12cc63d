// Goal: where a thread was adds up to all of its time, switches are those the kernel counts, and whoever ran instead is
// named. Method: a program with known sleeps and yields, alone or beside a hog on the same CPU; /proc as the second opinion.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { needs } from '../../../../test/helpers/needs.ts';
import { readCpuStat } from '../../../kernel/proc/cpu-times.ts';
import { NS_PER_TICK } from '../../../kernel/proc/process-stat.ts';
import { readStatus } from '../../../kernel/proc/process-status.ts';
import type { SchedTrace } from '../../../record/trace.ts';
import { knownBinary } from '../testing/known-calls.ts';
import { settle, tracedRun } from '../testing/traced-run.ts';
import { traceSched } from './trace-sched.ts';

const canTrace = process.getuid?.() === 0 && knownBinary() !== null;
const NEEDED = 'root and a C compiler';
/** A CPU that this process may use. */
const cpu = Number(/^\d+/.exec(readStatus(process.pid)?.cpusAllowed ?? '0')![0]);

type Switches = { voluntary: number; involuntary: number; runNs: number; waitNs: number };

function switchesOf(pid: number): Switches {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const [run, wait] = readFileSync(`/proc/${pid}/schedstat`, 'latin1').split(' ').map(Number) as [
    number,
    number,
  ];
  const field = (name: string) => Number(new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(status)![1]);
  return {
    voluntary: field('voluntary_ctxt_switches'),
    involuntary: field('nonvoluntary_ctxt_switches'),
    runNs: run,
    waitNs: wait,
  };
}

function stolenNs(): number {
  return readCpuStat()!.cpus.find((row) => row.cpu === cpu)!.stealNs;
}

/** A shell that computes on the CPU of the tests, and does so by now. */
async function startHog(): Promise<ChildProcess> {
  const hog = spawn('taskset', ['-c', String(cpu), 'sh', '-c', 'echo; while :; do :; done'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(hog.stdout!, 'data');
  return hog;
}

/** Traces the steps, with /proc's own counts of the same time. */
async function compared(steps: string[]): Promise<{ trace: SchedTrace; kernel: Switches }> {
  let kernel: Switches | null = null;
  const trace = await tracedRun(steps, traceSched, {
    cpu,
    around: async (program, run) => {
      const before = switchesOf(program.pid);
      await run();
      await settle();
      const now = switchesOf(program.pid);
      kernel = {
        voluntary: now.voluntary - before.voluntary,
        involuntary: now.involuntary - before.involuntary,
        runNs: now.runNs - before.runNs,
        waitNs: now.waitNs - before.waitNs,
      };
    },
  });
  return { trace, kernel: kernel! };
}

function assertAddsUp(trace: SchedTrace): void {
  for (const thread of trace.threads.filter(({ ended }) => !ended)) {
    const sum = thread.runNs + thread.waitNs + thread.blockedNs;
    assert.ok(Math.abs(sum - trace.durationNs) < 1e5, `${sum} of ${trace.durationNs} ns`);
    const waits = thread.waitBuckets.reduce((total, count) => total + count, 0);
    assert.equal(waits, thread.waits);
    const charged = trace.rivals
      .filter(({ tid }) => tid === thread.tid)
      .reduce((total, { ns }) => total + ns, 0);
    assert.ok(
      Math.abs(charged + trace.losses.unchargedNs - thread.waitNs) < 1e5,
      `${charged} + ${trace.losses.unchargedNs} of ${thread.waitNs} ns`,
    );
  }
}

test('23 sleeps are 23 voluntary switches and 23 wake-ups, and the states add up', async (t) => {
  if (!needs(t, canTrace, NEEDED)) return;
  const { trace, kernel } = await compared(['sleep:23']);
  const [thread] = trace.threads;
  // And the wait for the go, before and after.
  assert.equal(thread!.wakeups, 24);
  assert.equal(thread!.voluntary, 24);
  assert.equal(thread!.voluntary, kernel.voluntary);
  assert.equal(thread!.involuntary, kernel.involuntary);
  assert.ok(thread!.blockedNs >= 46e6);
  assertAddsUp(trace);
});

test('run and wait times are those of /proc/PID/schedstat', async (t) => {
  if (!needs(t, canTrace, NEEDED)) return;
  // schedstat leaves out what a hypervisor took from the CPU meanwhile; /proc/stat has that in ticks. And the kernel and
  // we read the clock some instructions apart: if the CPU is taken just there, milliseconds lie between, and it is done
  // once more. What is wrong in kind is wrong every time.
  const close = (a: number, b: number, coarseNs = 0) =>
    Math.abs(a - b) <= 0.02 * Math.max(a, b) + 1e6 + coarseNs;
  const seen: string[] = [];
  for (let attempt = 0; attempt < 5; attempt++) {
    const before = stolenNs();
    const { trace, kernel } = await compared(['spin:400', 'sleep:23']);
    const stolen = stolenNs() - before;
    const { runNs, waitNs } = trace.threads[0]!;
    if (close(runNs, kernel.runNs + stolen, stolen > 0 ? NS_PER_TICK : 0) && close(waitNs, kernel.waitNs))
      return;
    seen.push(
      `ran ${runNs} against ${kernel.runNs} + ${stolen} stolen, waited ${waitNs} against ${kernel.waitNs}`,
    );
  }
  assert.fail(seen.join('; '));
});

test('a hog on the same CPU is named as the one that ran instead', async (t) => {
  if (!needs(t, canTrace, NEEDED)) return;
  const hog = await startHog();
  try {
    const { trace, kernel } = await compared(['spin:200']);
    const [thread] = trace.threads;
    const byHog = trace.rivals.filter((rival) => rival.rivalPid === hog.pid);
    assert.ok(byHog.length > 0, JSON.stringify(trace.rivals.slice(0, 3)));
    const ns = byHog.reduce((sum, rival) => sum + rival.ns, 0);
    assert.ok(ns > 0.15 * thread!.waitNs, `${ns} of ${thread!.waitNs} ns`);
    assert.ok(byHog.every((rival) => rival.cpu === cpu && rival.comm === 'sh' && !rival.kernelThread));
    assert.ok(thread!.involuntary >= 1);
    assert.equal(thread!.involuntary, kernel.involuntary);
    assertAddsUp(trace);
  } finally {
    hog.kill('SIGKILL');
  }
});

test('rivals that find no room are counted, with their time', async (t) => {
  if (!needs(t, canTrace, NEEDED)) return;
  const trace = await tracedRun(
    ['sleep:23'],
    (options) => traceSched({ ...options, mapSizes: { rivals: 1 } }),
    {
      cpu,
      around: async (_program, run) => {
        const hogs = [await startHog(), await startHog()];
        await run().finally(() => hogs.map((hog) => hog.kill('SIGKILL')));
      },
    },
  );
  assert.ok(trace.losses.rows > 0 && trace.losses.unchargedNs > 0, JSON.stringify(trace.losses));
  assertAddsUp(trace);
});

test('threads that come and go have rows of their own', async (t) => {
  if (!needs(t, canTrace, NEEDED)) return;
  const trace = await tracedRun(['threads:3:23', 'fork:5'], traceSched);
  assert.equal(trace.threads.length, 5);
  assert.equal(trace.threads.filter(({ ended }) => ended).length, 4);
  assert.equal(trace.births, 1);
  for (const thread of trace.threads.filter(({ ended }) => ended)) {
    assert.ok(
      thread.runNs > 0 && thread.waits >= 1,
      JSON.stringify({ ...thread, waitBuckets: [], wakeBuckets: [] }),
    );
  }
});
