// Goal: calls of user functions are counted and timed exactly, nested, recursive, tail-called and abandoned ones; every
// probe goes with its owner. Method: a program that calls each 23 times, by both ways that kernels offer.
import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { after, test } from 'node:test';
import { bpfObjectsOf, bpftoolPath, survivingBpfObjects } from '../../../../test/fixtures/leftovers.ts';
import { binPath } from '../../../../test/fixtures/loopscope.ts';
import { start, until } from '../../../../test/fixtures/process.ts';
import { needs } from '../../../../test/helpers/needs.ts';
import type { LoopscopeError } from '../../../base/errors.ts';
import type { FunctionRow, FunctionTrace } from '../../../record/trace.ts';
import type { TraceOptions } from '../session.ts';
import { knownBinary, startKnown } from '../testing/known-calls.ts';
import { tracedRun } from '../testing/traced-run.ts';
import { fileAt } from './mapped-files.ts';
import { symbolTableOf } from './symbol-table.ts';
import { type FunctionTraceOptions, traceFunctions } from './trace-functions.ts';

const canTrace = process.getuid?.() === 0 && knownBinary() !== null;
const NEEDED = 'root and a C compiler';

const tracing =
  (functions: string[], more: Partial<FunctionTraceOptions> = {}) =>
  (options: TraceOptions): Promise<FunctionTrace> =>
    traceFunctions({ ...options, functions, ...more });

const rowOf = (trace: FunctionTrace, name: string): FunctionRow =>
  trace.rows.find((row) => row.name === name)!;
const total = (buckets: readonly number[]) => buckets.reduce((sum, count) => sum + count, 0);

for (const way of ['multi', 'perf'] as const) {
  test(`23 calls of each are 23, inclusive and exclusive (${way})`, async (t) => {
    if (!needs(t, canTrace, NEEDED)) return;
    const names = ['outer', 'inner', 'leaf', 'recurse'];
    const trace = await tracedRun(['functions:23'], tracing(names, { way }));
    assert.deepEqual(
      trace.rows.map((row) => [row.name, row.calls, row.returns]),
      [
        ['outer', 23, 23],
        ['inner', 46, 46],
        ['leaf', 23, 23],
        ['recurse', 4 * 23, 4 * 23],
      ],
    );
    const [outer, inner, leaf, recurse] = names.map((name) => rowOf(trace, name)) as [
      FunctionRow,
      FunctionRow,
      FunctionRow,
      FunctionRow,
    ];
    // inner spins 1 ms, twice; outer sleeps 2 ms between.
    assert.ok(inner.inclusiveNs >= 46e6 && inner.exclusiveNs === inner.inclusiveNs);
    assert.ok(outer.inclusiveNs >= inner.inclusiveNs + 46e6);
    assert.equal(outer.exclusiveNs, outer.inclusiveNs - inner.inclusiveNs - leaf.inclusiveNs);
    assert.ok(outer.exclusiveOffCpuNs >= 0.8 * 46e6, 'the sleep is off the CPU');
    // Each outermost recurse(3) holds three more: those count as calls, not twice as time.
    assert.equal(recurse.recursive, 3 * 23);
    assert.ok(recurse.inclusiveNs < recurse.ns && recurse.exclusiveNs === recurse.inclusiveNs);
    for (const row of trace.rows) {
      assert.equal(total(row.buckets), row.returns, row.name);
      assert.equal(total(row.exclusiveBuckets), row.returns, row.name);
    }
    assert.deepEqual(trace.losses, { ...trace.losses, threads: 0, rows: 0, unprobedChildren: 0 });
  });
}

test('who called whom', async (t) => {
  if (!needs(t, canTrace, NEEDED)) return;
  const trace = await tracedRun(['functions:23'], tracing(['outer', 'inner', 'leaf', 'recurse']));
  assert.deepEqual(trace.edges.map(({ caller, callee, calls }) => `${caller}>${callee} ${calls}`).sort(), [
    '-1>0 23',
    '-1>3 23',
    '0>1 46',
    '0>2 23',
    '3>3 69',
  ]);
});

test('calls that longjmp leaves are abandoned, and what follows is not taken for their callee', async (t) => {
  if (!needs(t, canTrace, NEEDED)) return;
  const trace = await tracedRun(['longjmp:23'], tracing(['jumps', 'thrower', 'after']));
  for (const name of ['jumps', 'thrower']) {
    const { calls, returns, abandoned } = rowOf(trace, name);
    assert.deepEqual([calls, returns, abandoned], [23, 0, 23], name);
  }
  assert.equal(rowOf(trace, 'after').returns, 23);
  assert.deepEqual(
    trace.edges.map(({ caller, callee, calls }) => [caller, callee, calls]),
    [[-1, 2, 23]],
  );
});

test('a tail call is a callee of the function that jumped to it', async (t) => {
  if (!needs(t, canTrace, NEEDED)) return;
  const trace = await tracedRun(['tail:23'], tracing(['jumper', 'landing']));
  assert.deepEqual(trace.edges.map(({ caller, callee, calls }) => `${caller}>${callee} ${calls}`).sort(), [
    '-1>0 23',
    '0>1 23',
  ]);
  assert.deepEqual([rowOf(trace, 'jumper').returns, rowOf(trace, 'landing').returns], [23, 23]);
});

test('deeper than the kernel follows, calls are counted and not timed', async (t) => {
  if (!needs(t, canTrace, NEEDED)) return;
  const { calls, returns, tooDeep } = rowOf(await tracedRun(['deep:99'], tracing(['recurse'])), 'recurse');
  assert.deepEqual([calls, returns, tooDeep], [100, 64, 36]);
});

test('functions of a library, and by pattern', async (t) => {
  if (!needs(t, canTrace, NEEDED)) return;
  const trace = await tracedRun(['functions:23', 'longjmp:23'], tracing(['libc:longjmp', '?eaf', 'out*']));
  assert.deepEqual(trace.rows.map((row) => row.name).slice(1), ['leaf', 'outer']);
  assert.equal(rowOf(trace, 'leaf').calls, 23);
  assert.match(trace.rows[0]!.file, /^libc\.so/);
});

test('--binary sees processes that nobody named, also those born meanwhile', async (t) => {
  if (!needs(t, canTrace, NEEDED)) return;
  const binary = knownBinary()!;
  const trace = await tracedRun(
    [],
    (options) => traceFunctions({ ...options, pids: [], functions: ['leaf'], binary }),
    {
      around: async () => {
        for (let i = 0; i < 2; i++) {
          await using other = await startKnown(['functions:23']);
          await other.run();
        }
      },
    },
  );
  assert.equal(rowOf(trace, 'leaf').calls, 46);
  assert.equal(new Set(trace.threads.map(({ pid }) => pid)).size, 2);
});

test('a child that lives long enough is probed; one that does not is counted as missed', async (t) => {
  if (!needs(t, canTrace, NEEDED)) return;
  const long = await tracedRun(['forked-functions:23'], tracing(['leaf']));
  assert.equal(rowOf(long, 'leaf').calls, 23);
  assert.equal(long.losses.unprobedChildren, 0);
  const short = await tracedRun(['fork:1'], tracing(['leaf']));
  assert.equal(short.births, 1);
  assert.equal(short.losses.unprobedChildren, 1);
});

test('a call under way at the start and one at the end are said', async (t) => {
  if (!needs(t, canTrace, NEEDED)) return;
  const { calls, beganBefore, inFlight } = rowOf(await tracedRun([], tracing(['libc:poll'])), 'poll');
  // The wait at the start was entered before there was a probe: its return is not even hooked.
  assert.deepEqual([calls, beganBefore, inFlight], [1, 0, 1]);
});

test('a name that is not there: near misses, and the reason', async (t) => {
  if (!needs(t, canTrace, NEEDED)) return;
  await using program = await startKnown([]);
  const failing = (name: string) =>
    traceFunctions({
      subject: 'x',
      pids: [program.pid],
      follow: true,
      durationNs: 1e6,
      functions: [name],
    }).then(
      () => assert.fail(`${name} was traced`),
      (error: LoopscopeError) => error,
    );
  const typo = await failing('recurze');
  assert.equal(typo.code, 'USAGE');
  assert.match(typo.hint, /recurse/);
  const inlined = await failing('always_inlined');
  assert.match(inlined.message, /inlined away in known-calls/);
  const ifunc = await failing('libc:memcpy');
  assert.match(ifunc.message, /IFUNC/);
  const noFile = await failing('libnothing:x');
  assert.match(noFile.message, /no file called libnothing/);
});

test('killed outright, the tracer leaves no breakpoint and no BPF object behind', async (t) => {
  if (!needs(t, canTrace && bpftoolPath !== null, `${NEEDED}, bpftool`)) return;
  await using program = await startKnown([]);
  const before = firstByteOf(program.pid, 'leaf');
  await using tracer = start(binPath, ['trace', 'leaf', '-p', String(program.pid), '-d', '30s']);
  const held = await until(
    'the probe',
    () => (firstByteOf(program.pid, 'leaf') !== before ? bpfObjectsOf(tracer.pid) : null),
    10_000,
  );
  assert.ok(held.length > 8, held.join(' '));
  tracer.child.kill('SIGKILL');
  await tracer.exited;
  await until('the breakpoint to go', () => firstByteOf(program.pid, 'leaf') === before, 10_000);
  await until('the kernel to let go of them', () => survivingBpfObjects(held).length === 0);
});

/** The first instruction byte of a function, in the memory of a process: a breakpoint is 0xcc on x86-64. */
function firstByteOf(pid: number, name: string): number {
  const file = fileAt(knownBinary()!);
  const offset = symbolTableOf(file.module).functions.find(({ symbol }) => symbol === name)!.fileOffset;
  for (const line of readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
    const match = /^([0-9a-f]+)-([0-9a-f]+) r.xp ([0-9a-f]+) \S+ \d+ +(.*)$/.exec(line);
    if (!match || match[4] !== file.path) continue;
    const at = Number.parseInt(match[1]!, 16) + offset - Number.parseInt(match[3]!, 16);
    const fd = openSync(`/proc/${pid}/mem`, 'r');
    try {
      const byte = Buffer.alloc(4);
      readSync(fd, byte, 0, 4, at);
      return byte.readUInt32LE(0);
    } finally {
      closeSync(fd);
    }
  }
  throw new Error(`${name} is not mapped`);
}

after(() => {
  assert.deepEqual(bpfObjectsOf(process.pid), []);
});
