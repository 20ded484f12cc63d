/**
 * What a trace costs the traced, an event: a program does one thing over and over, untraced and traced by turns, by us and
 * by what people use otherwise. It runs on one CPU, the tracers on another; each window is compared with the untraced
 * ones before and after it. "beside" is a program that is not traced itself, while another one is.
 *
 *   npm run bench -- trace-cost [--rounds 7] [--seconds 0.3] [--only call,function]
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { traceFunctions } from '../src/observe/trace/functions/trace-functions.ts';
import { traceSched } from '../src/observe/trace/sched/trace-sched.ts';
import type { TraceOptions } from '../src/observe/trace/session.ts';
import { traceSyscalls } from '../src/observe/trace/syscalls/trace-syscalls.ts';
import { writeResults } from './lib/results.ts';
import { median } from './lib/rounds.ts';

const WORK_CPU = '1';
const TRACER_CPU = '0';
/** Tools that print nothing when they are ready. */
const READY_MS = 1500;
/** Our traces have the kernel time their programs in the first tenth of every two seconds: windows lie behind that. */
const SLICE_MS = 300;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    seconds: { type: 'string', default: '0.3' },
    only: { type: 'string', default: '' },
  },
});
const rounds = Number(values.rounds);
const windowNs = Math.round(Number(values.seconds) * 1e9);

type Workload = { pid: number; nsPerOp(): Promise<number>; [Symbol.asyncDispose](): Promise<void> };
/** Begins to trace a process; what it gives ends that again. */
type Tracer = { name: string; begin(pid: number): Promise<() => Promise<void>> };

const folder = mkdtempSync(join(tmpdir(), 'loopscope-trace-cost-'));
const binary = join(folder, 'trace-workload');
execFileSync('cc', ['-O2', '-o', binary, join(import.meta.dirname, 'lib', 'trace-workload.c')]);
execFileSync('taskset', ['-a', '-p', '-c', TRACER_CPU, String(process.pid)], { stdio: 'ignore' });

async function startWorkload(what: string): Promise<Workload> {
  const child = spawn('taskset', ['-c', WORK_CPU, binary, what], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  await lines.next();
  return {
    pid: child.pid!,
    async nsPerOp() {
      child.stdin!.write(`${windowNs}\n`);
      const [count, ns] = String((await lines.next()).value)
        .split(' ')
        .map(Number) as [number, number];
      return ns / count;
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

function ours(name: string, trace: (options: TraceOptions) => Promise<unknown>): Tracer {
  return {
    name,
    async begin(pid) {
      const stop = new AbortController();
      let running: Promise<unknown> = Promise.resolve();
      await new Promise<void>((resolve, reject) => {
        const options = { subject: 'bench', pids: [pid], follow: true, durationNs: 60e9, onStart: resolve };
        running = trace({ ...options, signal: stop.signal });
        running.catch(reject);
      });
      return async () => {
        stop.abort();
        await running;
      };
    },
  };
}

function tool(
  name: string,
  argv: (pid: number) => string[],
  isReady: (pid: number) => boolean = () => false,
): Tracer {
  return {
    name,
    async begin(pid) {
      const [command, ...args] = argv(pid) as [string, ...string[]];
      const child: ChildProcess = spawn('taskset', ['-c', TRACER_CPU, command, ...args], { stdio: 'ignore' });
      const exited = once(child, 'exit');
      const deadline = performance.now() + READY_MS;
      while (performance.now() < deadline && !isReady(pid)) await delay(20);
      if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}`);
      return async () => {
        child.kill('SIGINT');
        await exited;
      };
    },
  };
}

const isPtraced = (pid: number) => /^TracerPid:\s*[1-9]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
const strace = tool(
  'strace -f -c',
  (pid) => ['strace', '-f', '-c', '-o', '/dev/null', '-p', String(pid)],
  isPtraced,
);
const perfTrace = tool('perf trace -s', (pid) => [
  'perf',
  'trace',
  '-s',
  '-o',
  '/dev/null',
  '-p',
  String(pid),
]);
const bpftrace = (name: string, script: (pid: number) => string) =>
  tool(name, (pid) => ['bpftrace', '-o', '/dev/null', '-p', String(pid), '-e', script(pid)]);

const countCalls = (pid: number) =>
  `t:raw_syscalls:sys_enter /pid == ${pid}/ { @s[tid] = nsecs } t:raw_syscalls:sys_exit /@s[tid]/ { @c[args->id] = count(); @h[args->id] = hist(nsecs - @s[tid]); delete(@s[tid]) }`;
const timeFunction = () =>
  `uprobe:${binary}:probed { @s[tid] = nsecs } uretprobe:${binary}:probed /@s[tid]/ { @h = hist(nsecs - @s[tid]); delete(@s[tid]) }`;
const perfProbe = tool('perf sched record', () => [
  'perf',
  'sched',
  'record',
  '-a',
  '-o',
  join(folder, 'perf.data'),
]);

const functions = (way: 'multi' | 'perf') => (options: TraceOptions) =>
  traceFunctions({ ...options, functions: ['probed'], way });

const CASES: { what: string; beside?: boolean; tracers: Tracer[] }[] = [
  {
    what: 'call',
    tracers: [
      ours('trace syscalls', traceSyscalls),
      ours('trace sched', traceSched),
      bpftrace('bpftrace', countCalls),
      strace,
      perfTrace,
    ],
  },
  { what: 'read', tracers: [ours('trace syscalls', traceSyscalls), strace, perfTrace] },
  {
    what: 'call',
    beside: true,
    tracers: [ours('trace syscalls', traceSyscalls), bpftrace('bpftrace', countCalls), strace],
  },
  {
    what: 'function',
    tracers: [
      ours('trace FUNCTION', functions('multi')),
      ours('trace FUNCTION, perf events', functions('perf')),
      bpftrace('bpftrace', timeFunction),
    ],
  },
  {
    what: 'switch',
    tracers: [ours('trace sched', traceSched), ours('trace syscalls', traceSyscalls), perfProbe, strace],
  },
  { what: 'switch', beside: true, tracers: [ours('trace sched', traceSched)] },
];

type Row = { workload: string; tracer: string; untracedNs: number; tracedNs: number; extraNs: number };
const rows: Row[] = [];

try {
  for (const { what, beside = false, tracers } of CASES) {
    const workload = beside ? `${what}, beside` : what;
    if (values.only !== '' && !values.only.split(',').includes(what)) continue;
    await using measured = await startWorkload(what);
    await using idle = await startWorkload('call');
    await measured.nsPerOp();
    for (const tracer of tracers)
      rows.push(await measure(workload, tracer, measured, beside ? idle : measured));
  }
} finally {
  rmSync(folder, { recursive: true });
}
process.stdout.write(`wrote ${writeResults('trace-cost', { options: values, rows })}\n`);

/** The difference to the mean of the untraced windows round it: what slows the machine for a while slows them too. */
async function measure(workload: string, tracer: Tracer, measured: Workload, traced: Workload): Promise<Row> {
  const untraced: number[] = [];
  const during: number[] = [];
  const extra: number[] = [];
  let before = await measured.nsPerOp();
  for (let round = 0; round < rounds; round++) {
    const end = await tracer.begin(traced.pid);
    await delay(SLICE_MS);
    let ns: number;
    try {
      ns = await measured.nsPerOp();
    } finally {
      await end();
    }
    const after = await measured.nsPerOp();
    untraced.push((before + after) / 2);
    during.push(ns);
    extra.push(ns - (before + after) / 2);
    before = after;
  }
  const row = {
    workload,
    tracer: tracer.name,
    untracedNs: median(untraced),
    tracedNs: median(during),
    extraNs: median(extra),
  };
  const text = [row.untracedNs, row.tracedNs, row.extraNs]
    .map((ns) => `${ns.toFixed(0)} ns`.padStart(12))
    .join('');
  process.stdout.write(`${workload.padEnd(18)}${tracer.name.padEnd(30)}${text}\n`);
  return row;
}
