/**
 * RESP against redis-server beside redis-benchmark: SET and GET with 1 and 16 commands under way on each of 50
 * connections. redis-server is on CPU 0 without persistence, the client on CPU 1, the two by turns. redis-benchmark runs
 * for a number of requests and not for a time; it gets as many as took about the time when tried first.
 *
 *   npm run bench -- resp-redis [--rounds 6] [--seconds 5] [--connections 50] [--pipeline 1,16]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loopscopeLoad } from './lib/loopscope.ts';
import { runPinned, startPinned } from './lib/pinned.ts';
import { writeResults } from './lib/results.ts';
import { alternate, compare, comparisonLine, type Sample, type Variant } from './lib/rounds.ts';

const SERVER_CPU = 0;
const CLIENT_CPU = 1;
const PORT = 18_182;
const TRIAL_COUNT = 100_000;
/** The commands that redis-benchmark sends: one key, three bytes. */
const COMMANDS = { set: 'SET key:__rand_int__ xxx', get: 'GET key:__rand_int__' };

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '6' },
    seconds: { type: 'string', default: '5' },
    connections: { type: 'string', default: '50' },
    pipeline: { type: 'string', default: '1,16' },
  },
});
const { seconds, connections } = values;

type Case = { name: string; command: keyof typeof COMMANDS; pipeline: string };

const cases = values.pipeline.split(',').flatMap((pipeline): Case[] =>
  (['set', 'get'] as const).map((command) => ({
    name: `${command}, pipeline ${pipeline}`,
    command,
    pipeline,
  })),
);

async function redisBenchmark({ command, pipeline }: Case, count: number): Promise<Sample> {
  const server = ['-h', '127.0.0.1', '-p', String(PORT)];
  const work = ['-t', command, '-c', connections, '-P', pipeline, '-n', String(count), '-d', '3', '--csv'];
  const { output, cpuSec } = await runPinned(CLIENT_CPU, ['redis-benchmark', ...server, ...work]);
  const perSec = Number(new RegExp(`^"${command}","([\\d.]+)"`, 'im').exec(output)?.[1]);
  if (!(perSec > 0)) throw new Error(`no rate in what redis-benchmark printed:\n${output}`);
  return { requestsPerSec: perSec, cpuUsPerRequest: (cpuSec * 1e6) / count };
}

function loopscope({ command, pipeline }: Case): Promise<Sample> {
  const work = ['--codec', 'resp', '--body', COMMANDS[command], '--pipeline', pipeline];
  const span = ['-c', connections, '-d', `${seconds}s`];
  return loopscopeLoad(CLIENT_CPU, `tcp://127.0.0.1:${PORT}`, [...work, ...span]);
}

const ours = (each: Case) => `loopscope ${each.name}`;
const theirs = (each: Case) => `redis-benchmark ${each.name}`;
const print = (line: string) => process.stdout.write(`${line}\n`);
const show = (round: number, name: string, sample: Sample) => {
  const figures = `${sample.requestsPerSec!.toFixed(0).padStart(8)}/s ${sample.cpuUsPerRequest!.toFixed(3)} µs CPU/request`;
  print(`${String(round + 1).padStart(3)} ${name.padEnd(32)} ${figures}`);
};

async function measure(folder: string) {
  const listen = ['--bind', '127.0.0.1', '--port', String(PORT), '--dir', folder];
  const plain = ['--save', '', '--appendonly', 'no', '--daemonize', 'no'];
  await using server = await startPinned(SERVER_CPU, ['redis-server', ...listen, ...plain], PORT);
  const variants: Variant[] = [];
  for (const each of cases) {
    const trial = await redisBenchmark(each, TRIAL_COUNT);
    const count = Math.ceil(trial.requestsPerSec! * Number(seconds));
    variants.push(
      { name: ours(each), run: () => loopscope(each) },
      { name: theirs(each), run: () => redisBenchmark(each, count) },
    );
  }
  return { serverPid: server.pid, samples: await alternate(variants, Number(values.rounds), show) };
}

const folder = mkdtempSync(join(tmpdir(), 'loopscope-bench-'));
try {
  const { serverPid, samples } = await measure(folder);
  const comparisons = cases.map((each) => ({
    case: each.name,
    throughput: compare(samples, 'requestsPerSec', ours(each), theirs(each)),
    cpu: compare(samples, 'cpuUsPerRequest', ours(each), theirs(each)),
  }));
  for (const { throughput, cpu } of comparisons)
    print(`${comparisonLine(throughput)}\n${comparisonLine(cpu)}`);
  print(`wrote ${writeResults('resp-redis', { options: values, serverPid, comparisons, samples })}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
