/**
 * What watching costs the watched: CPU per request of a saturated nginx worker, observer on against off. nginx has one
 * worker on CPU 0, wrk 100 keep-alive connections on CPU 1; the variants run by turns. For scale the same with
 * `strace -c -f` attached, fewer times.
 *
 *   npm run bench -- observer-cost [--rounds 12] [--seconds 3] [--strace-rounds 2] [--armed never]
 *
 * "T0" is what always runs: cycle probes and no more. `--armed auto` lets suspicion arm the scheduler probes too.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { ReportObject } from '../src/report/json/report-object.ts';
import { runPinned, startNginx } from './lib/pinned.ts';
import { writeResults } from './lib/results.ts';
import { alternate, compare, median, type Sample } from './lib/rounds.ts';

const SERVER_CPU = 0;
const CLIENT_CPU = 1;
const PORT = 18_181;
const OFF = 'off';
const T0 = 'T0';
const STRACE = 'strace -c';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '12' },
    seconds: { type: 'string', default: '3' },
    'strace-rounds': { type: 'string', default: '2' },
    armed: { type: 'string', default: 'never' },
  },
});

/** CPU time of a process' main thread, ns: /proc/PID/schedstat, field 1. Kept to the ns, unlike stat's ticks. */
function cpuNs(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]);
}

async function saturate(workerPid: number): Promise<Sample> {
  const before = cpuNs(workerPid);
  const { output } = await runPinned(CLIENT_CPU, [
    ...['wrk', '-t1', '-c100', `-d${values.seconds}`, `http://127.0.0.1:${PORT}/`],
  ]);
  const usedNs = cpuNs(workerPid) - before;
  const count = Number(/(\d+) requests in/.exec(output)?.[1]);
  return {
    requestsPerSec: Number(/Requests\/sec:\s+([\d.]+)/.exec(output)?.[1]),
    serverUsPerRequest: usedNs / 1e3 / count,
  };
}

/** The observer as its user starts it, in a process of its own, until its probes are in place. */
async function withObserver(masterPid: number, workerPid: number): Promise<Sample> {
  const main = join(import.meta.dirname, '..', 'src', 'cli', 'main.ts');
  const watch = ['watch', String(masterPid), '--duration', '300s', '--armed', values.armed, '--json'];
  const observer = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...watch], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  observer.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  try {
    await until(() => holdsProbes(observer.pid!), observer);
    // The observer looks at the loops at rest before it settles on a budget.
    await delay(500);
    const sample = await saturate(workerPid);
    const closed = once(observer, 'close');
    observer.kill('SIGINT');
    await closed;
    return { ...sample, ...ownCost(JSON.parse(text) as ReportObject) };
  } finally {
    observer.kill('SIGKILL');
  }
}

function ownCost({ observation }: ReportObject): Sample {
  const { cost, losses } = observation!;
  return {
    observerCpuShare: cost.own_cpu_ns / cost.wall_ns,
    probeCpuShare: cost.probe_cpus ?? 0,
    lostEvents: Object.values(losses).reduce((total, count) => total + count, 0),
  };
}

async function withStrace(workerPid: number): Promise<Sample> {
  const strace = spawn('strace', ['-c', '-f', '-o', '/dev/null', '-p', String(workerPid)], {
    stdio: 'ignore',
  });
  try {
    await until(() => /^TracerPid:\t[1-9]/m.test(readFileSync(`/proc/${workerPid}/status`, 'utf8')), strace);
    return await saturate(workerPid);
  } finally {
    const ended = once(strace, 'exit');
    strace.kill('SIGINT');
    await ended;
  }
}

function holdsProbes(pid: number): boolean {
  try {
    return readdirSync(`/proc/${pid}/fdinfo`).some((fd) =>
      /^link_id:/m.test(readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8')),
    );
  } catch {
    return false; // A descriptor closed while we looked.
  }
}

async function until(condition: () => boolean, child: ChildProcess): Promise<void> {
  for (let i = 0; i < 500 && !condition(); i++) {
    if (child.exitCode !== null) throw new Error(`${child.spawnargs.join(' ')} ended with ${child.exitCode}`);
    await delay(20);
  }
}

await using nginx = await startNginx(SERVER_CPU, PORT);
const workerPid = Number(readFileSync(`/proc/${nginx.pid}/task/${nginx.pid}/children`, 'utf8').trim());
await saturate(workerPid); // Warm-up, not counted.

const show = (round: number, name: string, sample: Sample) => {
  const { requestsPerSec, serverUsPerRequest } = sample;
  const figures = `${requestsPerSec!.toFixed(0).padStart(8)}/s ${serverUsPerRequest!.toFixed(3)} µs CPU/request`;
  process.stdout.write(`${String(round + 1).padStart(3)} ${name.padEnd(10)} ${figures}\n`);
};
const observed = { name: T0, run: () => withObserver(nginx.pid, workerPid) };
const plain = { name: OFF, run: () => saturate(workerPid) };
const samples = await alternate([plain, observed], Number(values.rounds), show);
const straced = await alternate(
  [{ name: STRACE, run: () => withStrace(workerPid) }],
  Number(values['strace-rounds']),
  show,
);

const cost = compare(samples, 'serverUsPerRequest', T0, OFF);
const throughput = compare(samples, 'requestsPerSec', T0, OFF);
const offUs = median(samples[OFF]!.map((sample) => sample.serverUsPerRequest!));
const straceUs = median(straced[STRACE]!.map((sample) => sample.serverUsPerRequest!));
const percent = (ratio: number) => `${ratio >= 1 ? '+' : ''}${((ratio - 1) * 100).toFixed(2)} %`;
process.stdout.write(
  [
    `CPU per request: off ${offUs.toFixed(3)} µs, T0 ${cost.medians[T0]!.toFixed(3)} µs`,
    `T0 costs ${percent(cost.ratio)} (medians), ${percent(cost.pairedRatio)} (median of paired ratios)`,
    `throughput ${percent(throughput.ratio)}`,
    `observer's own CPU ${(100 * median(samples[T0]!.map((s) => s.observerCpuShare!))).toFixed(1)} % of one CPU`,
    `strace -c costs ${percent(straceUs / offUs)} of CPU per request, throughput ${percent(
      median(straced[STRACE]!.map((s) => s.requestsPerSec!)) / throughput.medians[OFF]!,
    )}`,
  ].join('\n'),
);
const path = writeResults('observer-cost', {
  options: values,
  cost,
  throughput,
  strace: { serverUsPerRequest: straceUs },
  samples: { ...samples, ...straced },
});
process.stdout.write(`\nwrote ${path}\n`);
