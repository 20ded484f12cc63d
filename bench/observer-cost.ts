/**
 * What watching costs the watched: CPU per request of a saturated nginx worker, observer on against off. nginx has one
 * worker on CPU 0, wrk 100 keep-alive connections on CPU 1, from beginning to end; the variants are measured by turns in
 * many short windows of that one load, because the machine drifts by more in seconds than the observer costs. Tying and
 * untying the probes lies between windows.
 * Each watched window lies between two unwatched ones and is compared with their mean. When those two differ by more
 * than the machine's ordinary noise, its speed changed meanwhile (a neighbour of the virtual machine came or went):
 * they are no yardstick, whatever was measured between them, and the round is made again.
 * For scale the same with what people use otherwise, fewer times: `strace -c -f`, `perf trace -s`, and a bpftrace script
 * that counts what T0 counts. Then, at a rate that leaves nginx idle most of the time, what `loopscope watch` takes of a
 * CPU in all: its own process and its programs.
 *
 *   npm run bench -- observer-cost [--rounds 1000] [--seconds 0.05] [--tiers T0,T1,kernel,control] [--tool-rounds 3]
 *                                  [--rate 5000] [--rate-rounds 5] [--minutes 10]
 *
 * After so many minutes the rounds end, however many there were: on some machines most have to be made again.
 * What the tiers are: lib/observer-variants.ts.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type ObserverVariant, observerVariant, VARIANT_NAMES } from './lib/observer-variants.ts';
import { otherTools } from './lib/other-tools.ts';
import { startNginx } from './lib/pinned.ts';
import { writeResults } from './lib/results.ts';
import { compare, median, type Sample } from './lib/rounds.ts';
import { measureAtRate } from './lib/watch-at-rate.ts';

const SERVER_CPU = 0;
const CLIENT_CPU = 1;
const PORT = 18_181;
const OFF = 'off';

const SETTLE_MS = 20;
const BEGIN_MS = 500;
const CHECK_MS = 2000;
/** The answer to one of the looks may be late by more than 1 % of that, on a busy machine. */
const CHECKS_MOST = 5;
/** How far the unwatched windows before and after may be apart. */
const STEADY_LIMIT = 0.05;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '1000' },
    minutes: { type: 'string', default: '10' },
    seconds: { type: 'string', default: '0.05' },
    tiers: { type: 'string', default: VARIANT_NAMES.join() },
    'tool-rounds': { type: 'string', default: '3' },
    rate: { type: 'string', default: '5000' },
    'rate-rounds': { type: 'string', default: '5' },
  },
});
const names = values.tiers.split(',');
const rounds = Number(values.rounds);
const toolRounds = Number(values['tool-rounds']);
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

/** write(2) and its like, so far: proc_pid_io(5). nginx answers each request with one. */
function writeCount(pid: number): number {
  return Number(/^syscw: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, 'latin1'))?.[1]);
}

/** One window of the load that is under way. */
async function measure(workerPid: number): Promise<Sample> {
  const look = () => ({
    count: writeCount(workerPid),
    workerNs: cpuNs(workerPid),
    atNs: performance.now() * 1e6,
  });
  const before = look();
  await delay(windowMs);
  const after = look();
  const count = after.count - before.count;
  return {
    requestsPerSec: (count * 1e9) / (after.atNs - before.atNs),
    serverUsPerRequest: (after.workerNs - before.workerNs) / 1e3 / count,
  };
}

/** Throws unless requests can be counted by writes: within 1 %, as the two are not read at the same moment. */
async function checkCount(workerPid: number): Promise<void> {
  const look = async () => ({ served: await servedCount(), writes: writeCount(workerPid) });
  let ratio = 0;
  for (let i = 0; i < CHECKS_MOST && !(Math.abs(ratio - 1) < 0.01); i++) {
    const before = await look();
    await delay(CHECK_MS);
    const after = await look();
    ratio = (after.writes - before.writes) / (after.served - before.served);
  }
  if (!(Math.abs(ratio - 1) < 0.01)) throw new Error(`${ratio} writes a request: it should be one`);
}

await using nginx = await startNginx(SERVER_CPU, PORT);
const workerPid = Number(readFileSync(`/proc/${nginx.pid}/task/${nginx.pid}/children`, 'utf8').trim());
/** Ended when all is measured, or when we are. */
const untilWeEnd = ['--pdeathsig', 'TERM', 'taskset', '-c', `${CLIENT_CPU}`];
const wrk = ['wrk', '-t1', '-c100', '-d3600', `http://127.0.0.1:${PORT}/`];
const client = spawn('setpriv', [...untilWeEnd, ...wrk], { stdio: 'ignore' });
const show = (round: number, name: string, sample: Sample) => {
  const { requestsPerSec, serverUsPerRequest } = sample;
  const figures = `${requestsPerSec!.toFixed(0).padStart(8)}/s ${serverUsPerRequest!.toFixed(3)} µs CPU/request`;
  process.stdout.write(`${String(round + 1).padStart(3)} ${name.padEnd(10)} ${figures}\n`);
};
const variants = names.map((name) => observerVariant(name, workerPid));

async function withObserver(variant: ObserverVariant): Promise<Sample> {
  using tied = variant.tie();
  await delay(SETTLE_MS);
  const before = tied.cycles();
  const sample = await measure(workerPid);
  const after = tied.cycles();
  if (before === null || after === null) return sample;
  // Client or server may have been without a CPU for all of such a window.
  if (after === before && sample.requestsPerSec! > 1000)
    throw new Error(`${variant.name} saw no cycle, at ${sample.requestsPerSec} requests/s`);
  return { ...sample, cyclesPerSec: ((after - before) * 1e3) / windowMs };
}

/** As an observation that has begun: interrupts that are too many to be timed are given up within its first moments. */
async function begin(variant: ObserverVariant): Promise<void> {
  using _tied = variant.tie();
  await delay(BEGIN_MS);
}

async function withoutObserver(): Promise<Sample> {
  await delay(SETTLE_MS);
  return await measure(workerPid);
}

const mean = (a: Sample, b: Sample): Sample =>
  Object.fromEntries(Object.keys(a).map((key) => [key, (a[key]! + b[key]!) / 2]));

/** Watched windows between unwatched ones, by turns; what lay between two unlike ones is counted and left out. */
async function measureBetween(): Promise<{ samples: Record<string, Sample[]>; unsteadyCount: number }> {
  const samples: Record<string, Sample[]> = {};
  for (const name of names) {
    samples[name] = [];
    samples[besides(name)] = [];
  }
  let unsteadyCount = 0;
  let before = await withoutObserver();
  const endMs = performance.now() + Number(values.minutes) * 60_000;
  const isOver = () => performance.now() > endMs || names.every((name) => samples[name]!.length >= rounds);
  for (let turn = 0; !isOver(); turn++) {
    const variant = variants[turn % variants.length]!;
    const { name } = variant;
    const watched = await withObserver(variant);
    const after = await withoutObserver();
    const change = after.serverUsPerRequest! / before.serverUsPerRequest! - 1;
    if (!(Math.abs(change) <= STEADY_LIMIT) || !(watched.requestsPerSec! > 0)) {
      unsteadyCount++;
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

type ToolCost = { tool: string; costRatio: number; throughputRatio: number; rounds: number };

/** Each between unwatched windows, too; the tools are busy themselves, so that others being so is no reason to retry. */
async function measureTools(): Promise<{ costs: ToolCost[]; samples: Record<string, Sample[]> }> {
  const toolSamples: Record<string, Sample[]> = {};
  const costs: ToolCost[] = [];
  for (const tool of toolRounds > 0 ? otherTools(workerPid) : []) {
    const ratios: { cost: number; throughput: number }[] = [];
    let before = await withoutObserver();
    for (let round = 0; round < toolRounds; round++) {
      const end = await tool.begin();
      let watched: Sample;
      try {
        await delay(SETTLE_MS);
        watched = await measure(workerPid);
      } finally {
        await end();
      }
      const after = await withoutObserver();
      const beside = mean(before, after);
      ratios.push({
        cost: watched.serverUsPerRequest! / beside.serverUsPerRequest!,
        throughput: watched.requestsPerSec! / beside.requestsPerSec!,
      });
      toolSamples[tool.name] = [...(toolSamples[tool.name] ?? []), watched];
      show(round, tool.name, watched);
      before = after;
    }
    costs.push({
      tool: tool.name,
      costRatio: median(ratios.map(({ cost }) => cost)),
      throughputRatio: median(ratios.map(({ throughput }) => throughput)),
      rounds: ratios.length,
    });
  }
  return { costs, samples: toolSamples };
}

let samples: Record<string, Sample[]>;
let unsteadyCount: number;
let tools: Awaited<ReturnType<typeof measureTools>>;
try {
  await delay(SETTLE_MS);
  await checkCount(workerPid); // And a warm-up.
  for (const variant of variants) await begin(variant);
  ({ samples, unsteadyCount } = await measureBetween());
  tools = await measureTools();
} finally {
  client.kill('SIGTERM');
  for (const variant of variants) variant[Symbol.dispose]();
}
const atRate = await measureAtRate({
  port: PORT,
  workerPid,
  serverCpu: SERVER_CPU,
  clientCpu: CLIENT_CPU,
  ratePerSec: Number(values.rate),
  rounds: Number(values['rate-rounds']),
});

const percent = (ratio: number) => `${ratio >= 1 ? '+' : ''}${((ratio - 1) * 100).toFixed(2)} %`;
const costs = Object.fromEntries(
  names.map((name) => {
    const cost = compare(samples, 'serverUsPerRequest', name, besides(name));
    const throughput = compare(samples, 'requestsPerSec', name, besides(name));
    const cyclesPerSec = median(samples[name]!.map((sample) => sample.cyclesPerSec ?? Number.NaN));
    const atCycles = Number.isNaN(cyclesPerSec) ? '' : `, at ${cyclesPerSec.toFixed(0)} cycles/s`;
    process.stdout.write(
      `${name}: CPU per request ${percent(cost.pairedRatio)} (median of ${samples[name]!.length} paired ratios, 95 % within ${cost.pairedRange.map(percent).join(' to ')}), ` +
        `throughput ${percent(throughput.pairedRatio)}${atCycles}\n`,
    );
    return [name, { cost, throughput, cyclesPerSec }];
  }),
);
for (const { tool, costRatio, throughputRatio } of tools.costs)
  process.stdout.write(
    `${tool}: CPU per request ${percent(costRatio)}, throughput ${percent(throughputRatio)}\n`,
  );
process.stdout.write(`${unsteadyCount} rounds were made again: the machine changed its speed meanwhile\n`);
if (atRate) {
  const share = (cpus: number) => `${(cpus * 100).toFixed(2)} %`;
  process.stdout.write(
    `watch at ${atRate.achievedPerSec.toFixed(0)} requests/s: ${share(atRate.inAllCpus)} of a CPU in all ` +
      `(its process ${share(atRate.ownCpus)}, the worker ${share(atRate.workerMoreCpus)} more; ` +
      `the kernel counts ${share(atRate.programCpus)} for its programs)\n`,
  );
}
const path = writeResults('observer-cost', {
  options: values,
  tiers: costs,
  unsteadyCount,
  tools: tools.costs,
  atRate,
  samples: { ...samples, ...tools.samples },
});
process.stdout.write(`wrote ${path}\n`);
