/**
 * What watching costs the watched: CPU per request of a saturated nginx worker, observer on against off. nginx has one
 * worker on CPU 0, wrk 100 keep-alive connections on CPU 1, from beginning to end; the variants are measured by turns in
 * many short windows of that one load, because the machine drifts by more in seconds than the observer costs. Starting
 * and stopping the observer lies between windows, and a window in which other processes were busy is measured again.
 * Each watched window lies between two unwatched ones and is compared with their mean. When those two differ by more
 * than the machine's ordinary noise, its speed changed meanwhile (a neighbour of the virtual machine came or went):
 * they are no yardstick, whatever was measured between them, and the round is made again.
 * For scale the same with `strace -c -f` attached, fewer times.
 *
 *   npm run bench -- observer-cost [--rounds 100] [--seconds 0.4] [--tiers T0,T1] [--strace-rounds 3]
 *
 * "T0" is what always runs: the cycle probes. "T1" has the scheduler probes armed all the time, as under suspicion.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createClock } from '../src/base/clock.ts';
import { startObservation } from '../src/observe/observe.ts';
import { startNginx } from './lib/pinned.ts';
import { writeResults } from './lib/results.ts';
import { alternate, compare, median, type Sample } from './lib/rounds.ts';

const SERVER_CPU = 0;
const CLIENT_CPU = 1;
const PORT = 18_181;
const OFF = 'off';
const T0 = 'T0';
const T1 = 'T1';
const STRACE = 'strace -c';

const SETTLE_MS = 150;
/** A window in which others used more than this share of the machine is measured again, so many times at most. */
const OTHERS_LIMIT = 0.05;
const RETRY_LIMIT = 40;
/** How far the unwatched windows before and after may be apart. */
const STEADY_LIMIT = 0.05;
/** Rounds made again, for each that is asked for. */
const UNSTEADY_LIMIT = 4;
const NS_PER_TICK = 1e7;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '100' },
    seconds: { type: 'string', default: '0.4' },
    tiers: { type: 'string', default: 'T0,T1' },
    'strace-rounds': { type: 'string', default: '3' },
  },
});
const tiers = [
  { name: T0, armed: 'never' as const },
  { name: T1, armed: 'always' as const },
].filter(({ name }) => values.tiers.split(',').includes(name));
const rounds = Number(values.rounds);
const straceRounds = Number(values['strace-rounds']);
const windowMs = Number(values.seconds) * 1000;

/** CPU time of a process' main thread, ns: /proc/PID/schedstat, field 1. Kept to the ns, unlike stat's ticks. */
function cpuNs(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]);
}

/** Requests served so far, from nginx itself: the third number of stub_status' third line. */
async function servedCount(): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${PORT}/status`)).text();
  return Number(/^ \d+ \d+ (\d+)/m.exec(text)?.[1]);
}

/** CPU time that all processes together have used, ns: /proc/stat, without idle and iowait. proc_stat(5) */
function busyNs(): number {
  const [, user, nice, system, , , irq, softirq] = readFileSync('/proc/stat', 'utf8')
    .split(/\s+/)
    .map(Number);
  return (user! + nice! + system! + irq! + softirq!) * NS_PER_TICK;
}

/** One window of the load that is under way; again, when somebody else was busy in it. */
async function measure(workerPid: number, retryLimit = RETRY_LIMIT): Promise<Sample> {
  for (let retry = 0; ; retry++) {
    const look = async () => ({
      count: await servedCount(),
      workerNs: cpuNs(workerPid),
      othersNs: busyNs() - cpuNs(workerPid) - cpuNs(client.pid!) - cpuNs(clientThread(client.pid!)),
      atNs: performance.now() * 1e6,
    });
    const before = await look();
    await delay(windowMs);
    const after = await look();
    const spanNs = after.atNs - before.atNs;
    const othersShare = (after.othersNs - before.othersNs) / spanNs / cpus().length;
    if (othersShare > OTHERS_LIMIT && retry < retryLimit) continue;
    const count = after.count - before.count;
    return {
      requestsPerSec: (count * 1e9) / spanNs,
      serverUsPerRequest: (after.workerNs - before.workerNs) / 1e3 / count,
      othersShare,
      retries: retry,
    };
  }
}

/** wrk's one thread that works; its first one waits for it. */
function clientThread(pid: number): number {
  const tids = readdirSync(`/proc/${pid}/task`).map(Number);
  return tids.find((tid) => tid !== pid) ?? pid;
}

/** The observer that every command starts, here in this process. */
async function withObserver(workerPid: number, armed: 'never' | 'always'): Promise<Sample> {
  using observation = startObservation({
    pids: [workerPid],
    clock: createClock(),
    armed,
    selfPids: [process.pid],
  });
  await delay(SETTLE_MS);
  const sample = await measure(workerPid);
  const { cost, losses } = observation.stop();
  return {
    ...sample,
    observerCpuShare: cost.ownCpuNs / cost.wallNs,
    lostEvents: Object.values(losses).reduce((total, count) => total + count, 0),
  };
}

async function withStrace(workerPid: number): Promise<Sample> {
  const strace = spawn('strace', ['-c', '-f', '-o', '/dev/null', '-p', String(workerPid)], {
    stdio: 'ignore',
  });
  try {
    await until(() => /^TracerPid:\t[1-9]/m.test(readFileSync(`/proc/${workerPid}/status`, 'utf8')), strace);
    await delay(SETTLE_MS);
    return await measure(workerPid, 0); // strace is one of the others
  } finally {
    const ended = once(strace, 'exit');
    strace.kill('SIGINT');
    await ended;
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
/** Ended when all is measured. */
const client = spawn(
  'taskset',
  ['-c', `${CLIENT_CPU}`, 'wrk', '-t1', '-c100', '-d3600', `http://127.0.0.1:${PORT}/`],
  { stdio: 'ignore' },
);
const show = (round: number, name: string, sample: Sample) => {
  const { requestsPerSec, serverUsPerRequest } = sample;
  const again = sample.retries! > 0 ? `, measured ${sample.retries! + 1} times` : '';
  const figures = `${requestsPerSec!.toFixed(0).padStart(8)}/s ${serverUsPerRequest!.toFixed(3)} µs CPU/request${again}`;
  process.stdout.write(`${String(round + 1).padStart(3)} ${name.padEnd(10)} ${figures}\n`);
};
async function withoutObserver(): Promise<Sample> {
  await delay(SETTLE_MS);
  return await measure(workerPid);
}

const mean = (a: Sample, b: Sample): Sample =>
  Object.fromEntries(Object.keys(a).map((key) => [key, (a[key]! + b[key]!) / 2]));

/** Watched windows between unwatched ones, by turns; what lay between two unlike ones is counted and left out. */
async function measureBetween(): Promise<{ samples: Record<string, Sample[]>; unsteadyCount: number }> {
  const samples: Record<string, Sample[]> = {};
  for (const { name } of tiers) {
    samples[name] = [];
    samples[besides(name)] = [];
  }
  let unsteadyCount = 0;
  let before = await withoutObserver();
  for (let turn = 0; tiers.some(({ name }) => samples[name]!.length < rounds); turn++) {
    const { name, armed } = tiers[turn % tiers.length]!;
    const watched = await withObserver(workerPid, armed);
    const after = await withoutObserver();
    const change = after.serverUsPerRequest! / before.serverUsPerRequest! - 1;
    if (Math.abs(change) > STEADY_LIMIT) {
      if (++unsteadyCount > rounds * UNSTEADY_LIMIT) throw new Error('the machine never keeps one speed');
    } else {
      samples[name]!.push(watched);
      samples[besides(name)]!.push(mean(before, after));
      show(samples[name]!.length - 1, name, watched);
    }
    before = after;
  }
  return { samples, unsteadyCount };
}

/** The unwatched windows before and after those of a tier. */
function besides(name: string): string {
  return `${OFF} beside ${name}`;
}

let samples: Record<string, Sample[]>;
let unsteadyCount: number;
let straced: Record<string, Sample[]>;
try {
  await delay(SETTLE_MS);
  await measure(workerPid); // Warm-up, not counted.
  ({ samples, unsteadyCount } = await measureBetween());
  straced = await alternate([{ name: STRACE, run: () => withStrace(workerPid) }], straceRounds, show);
} finally {
  client.kill('SIGTERM');
}

const percent = (ratio: number) => `${ratio >= 1 ? '+' : ''}${((ratio - 1) * 100).toFixed(2)} %`;
const costs = tiers.map(({ name }) => {
  const cost = compare(samples, 'serverUsPerRequest', name, besides(name));
  const throughput = compare(samples, 'requestsPerSec', name, besides(name));
  const ownCpu = median(samples[name]!.map((sample) => sample.observerCpuShare!));
  process.stdout.write(
    `${name}: CPU per request ${percent(cost.pairedRatio)} (median of ${samples[name]!.length} paired ratios, 95 % within ${cost.pairedRange.map(percent).join(' to ')}), ` +
      `throughput ${percent(throughput.pairedRatio)}, its own CPU ${(100 * ownCpu).toFixed(1)} % of one\n`,
  );
  return { cost, throughput };
});
const offUs = median(samples[besides(tiers[0]!.name)]!.map((sample) => sample.serverUsPerRequest!));
const offPerSec = median(samples[besides(tiers[0]!.name)]!.map((sample) => sample.requestsPerSec!));
const straceUs = median(straced[STRACE]!.map((sample) => sample.serverUsPerRequest!));
const stracePerSec = median(straced[STRACE]!.map((sample) => sample.requestsPerSec!));
process.stdout.write(
  `${STRACE}: CPU per request ${percent(straceUs / offUs)}, throughput ${percent(stracePerSec / offPerSec)}\n` +
    `${unsteadyCount} rounds were made again: the machine changed its speed meanwhile\n`,
);
const path = writeResults('observer-cost', {
  options: values,
  tiers: costs,
  unsteadyCount,
  strace: { serverUsPerRequest: straceUs, requestsPerSec: stracePerSec },
  samples: { ...samples, ...straced },
});
process.stdout.write(`wrote ${path}\n`);
