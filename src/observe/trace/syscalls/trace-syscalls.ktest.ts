// Goal: every call is counted, once, with its error; nothing that was not called is. Method: a program whose calls are
// known, 23 of each; the same program under strace -c, compared call by call.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { bpfObjectsOf, bpftoolPath, survivingBpfObjects } from '../../../../test/fixtures/leftovers.ts';
import { statusField, until } from '../../../../test/fixtures/process.ts';
import { stracePath } from '../../../../test/fixtures/strace.ts';
import { needs } from '../../../../test/helpers/needs.ts';
import type { SyscallTrace } from '../../../record/trace.ts';
import { knownBinary, startKnown } from '../testing/known-calls.ts';
import { settle, tracedRun } from '../testing/traced-run.ts';
import { traceSyscalls } from './trace-syscalls.ts';

const canTrace = process.getuid?.() === 0 && knownBinary() !== null;
const NEEDED = 'root and a C compiler';
const STEPS = ['calls:23', 'threads:3:23', 'fork:23'];

const rowOf = (trace: SyscallTrace, name: string) => trace.rows.find((row) => row.name === name);

function assertWhole({ losses }: SyscallTrace): void {
  // Skipped events are of any process on the machine: there may be some, not of ours if all counts are right.
  assert.deepEqual(
    { ...losses, skipped: 0 },
    { threads: 0, rows: 0, unchargedNs: 0, skipped: 0, unprobedChildren: 0 },
  );
}

test('23 of each are 23, with their errors, on every thread and in children', async (t) => {
  if (!needs(t, canTrace, NEEDED)) return;
  const trace = await tracedRun(STEPS, traceSyscalls);
  const counts = Object.fromEntries(trace.rows.map((row) => [row.name, [row.calls, row.errors]]));
  assert.deepEqual(counts.getuid, [23, 0]);
  assert.deepEqual(counts.getppid, [23 + 3 * 23 + 23, 0]);
  assert.deepEqual(counts.lseek, [23, 11]);
  assert.deepEqual(counts.dup, [23, 23]);
  assert.deepEqual(counts.clock_nanosleep, [23, 0]);
  assert.deepEqual(rowOf(trace, 'dup')!.errnos, [{ name: 'EBADF', count: 23 }]);
  assert.deepEqual(rowOf(trace, 'lseek')!.errnos, [{ name: 'EBADF', count: 11 }]);
  assertWhole(trace);
  for (const row of trace.rows.filter(({ calls }) => calls > 0)) {
    assert.equal(
      row.buckets.reduce((sum, count) => sum + count, 0),
      row.calls,
      `histogram of ${row.name}`,
    );
    assert.ok(row.offCpuNs <= row.ns && row.maxNs <= row.ns, row.name);
  }
});

test('time in a call is its time, split into on and off the CPU', async (t) => {
  if (!needs(t, canTrace, NEEDED)) return;
  const naps = rowOf(await tracedRun(['calls:23'], traceSyscalls), 'clock_nanosleep')!;
  assert.ok(naps.ns >= 23e6, `${naps.ns} ns for 23 sleeps of 1 ms`);
  assert.ok(naps.maxNs >= 1e6 && naps.offCpuNs > 0.8 * naps.ns, JSON.stringify({ ...naps, buckets: [] }));
});

test('what began before, is under way at the end or never returns is said, and not counted as a call', async (t) => {
  if (!needs(t, canTrace, NEEDED)) return;
  const trace = await tracedRun(['threads:1:23'], traceSyscalls);
  // The program waits in poll when the trace begins, and in the next poll when it ends.
  const { calls, beganBefore, inFlight, inFlightNsMax } = rowOf(trace, 'poll')!;
  assert.deepEqual([calls, beganBefore, inFlight], [0, 1, 1]);
  assert.ok(inFlightNsMax > 10e6 && inFlightNsMax < trace.durationNs);
  const { calls: exits, neverReturned } = rowOf(trace, 'exit')!;
  assert.deepEqual([exits, neverReturned], [0, 1]);
  assert.equal(trace.threads.length, 2);
  assert.equal(trace.threads.filter(({ ended }) => ended).length, 1);
  assert.equal(trace.threads.find(({ ended }) => !ended)?.inCall?.name, 'poll');
});

test('without follow, children are left alone', async (t) => {
  if (!needs(t, canTrace, NEEDED)) return;
  const trace = await tracedRun(['calls:23', 'fork:23'], traceSyscalls, { follow: false });
  assert.equal(rowOf(trace, 'getppid')!.calls, 23);
  assert.equal(trace.threads.length, 1);
});

test('strace -c counts the same, call by call', async (t) => {
  if (!needs(t, canTrace && stracePath !== null, `${NEEDED}, strace`)) return;
  const ours = await tracedRun(STEPS, traceSyscalls);
  const theirs = await countWithStrace(STEPS);
  // The gate: strace interrupts the poll that the program waits in, and it is begun anew.
  const gate = new Set(['poll', 'restart_syscall']);
  const expected = Object.fromEntries(
    ours.rows
      .filter(({ calls, name }) => calls > 0 && !gate.has(name))
      .map((row) => [row.name, [row.calls, row.errors]]),
  );
  for (const name of gate) delete theirs[name];
  // How often a thread waits for another's lock or end differs from run to run.
  for (const chance of ['futex', 'madvise']) for (const counts of [expected, theirs]) delete counts[chance];
  assert.deepEqual(theirs, expected);
  assert.ok(Object.keys(expected).length >= 12, Object.keys(expected).join(' '));
});

/** Calls and errors by name, of the steps alone: strace attaches while the program waits. */
async function countWithStrace(steps: string[]): Promise<Record<string, [number, number]>> {
  const folder = mkdtempSync(join(tmpdir(), 'loopscope-strace-'));
  try {
    await using program = await startKnown(steps);
    const out = join(folder, 'counts');
    const strace = spawn(stracePath!, ['-f', '-c', '-o', out, '-p', String(program.pid)], {
      stdio: 'ignore',
    });
    const ended = once(strace, 'exit');
    await until('strace to attach', () => Number(statusField(program.pid, 'TracerPid')) > 0);
    await settle();
    await program.run();
    await settle();
    strace.kill('SIGINT');
    await ended;
    const counts: Record<string, [number, number]> = {};
    for (const line of readFileSync(out, 'utf8').split('\n')) {
      const match = /^ *[\d.]+ +[\d.]+ +\d+ +(\d+) +(\d+)? *(\w+)$/.exec(line);
      if (match && match[3] !== 'total') counts[match[3]!] = [Number(match[1]), Number(match[2] ?? 0)];
    }
    return counts;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('a process that is killed in the middle ends the trace, with what it did', async (t) => {
  if (!needs(t, canTrace, NEEDED)) return;
  const trace = await tracedRun(['calls:23'], traceSyscalls, {
    around: async (program, run) => {
      await run();
      program.child.kill('SIGKILL');
      await until('the trace to notice', () => null, 1).catch(() => {});
    },
  });
  assert.equal(rowOf(trace, 'getuid')!.calls, 23);
  assert.notEqual(trace.endedEarly, null);
});

test('a process that is gone cannot be traced, and the error says so', async (t) => {
  if (!needs(t, canTrace, NEEDED)) return;
  const gone = await startKnown([]);
  await gone.end();
  await assert.rejects(
    traceSyscalls({ subject: 'x', pids: [gone.pid], follow: true, durationNs: 1e9 }),
    (error: { code: string }) => error.code === 'NO_SUCH_PROCESS',
  );
});

test('what finds no room is counted: threads, errors by name', async (t) => {
  if (!needs(t, canTrace, NEEDED)) return;
  const mapSizes = { threads: 1, errnos: 1 };
  const trace = await tracedRun(STEPS, (options) => traceSyscalls({ ...options, mapSizes }));
  assert.equal(trace.losses.threads, 3 + 1);
  // EBADF of dup and of lseek: whichever came first has the row.
  const named = trace.rows.flatMap((row) => row.errnos.map(({ count }) => count)).reduce((a, b) => a + b, 0);
  assert.equal(named + trace.losses.rows, 23 + 11);
  assert.ok(trace.losses.rows > 0);
  assert.deepEqual([rowOf(trace, 'dup')!.errors, rowOf(trace, 'lseek')!.errors], [23, 11]);
});

test('programs, maps and links are gone when a trace ends, twenty times over', async (t) => {
  if (!needs(t, canTrace && bpftoolPath !== null, `${NEEDED}, bpftool`)) return;
  await using program = await startKnown([]);
  let held: string[] = [];
  const once = () =>
    traceSyscalls({
      subject: 'x',
      pids: [program.pid],
      follow: true,
      durationNs: 1e6,
      onStart: () => {
        held = bpfObjectsOf(process.pid);
      },
    });
  await once();
  assert.ok(held.length > 10, held.join(' '));
  assert.deepEqual(bpfObjectsOf(process.pid), []);
  await until('the kernel to let go of them', () => survivingBpfObjects(held).length === 0);
  for (let i = 0; i < 20; i++) await once();
  assert.deepEqual(bpfObjectsOf(process.pid), []);
});
