/**
 * What `loopscope watch` takes of a CPU in all while nginx answers so many requests a second and is idle for the rest: the
 * CPU of its own process once it has settled, and of its programs as the kernel accounts for them. What the worker uses more
 * than in the windows before and after is told beside it: on a virtual machine that differs by more from window to window.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { median } from './rounds.ts';

const bin = fileURLToPath(new URL('../../bin/loopscope', import.meta.url));
const WINDOW_MS = 15_000;
const LOAD_SETTLE_MS = 2500;
/** A watch that has settled: its code is compiled, its programs are timed as seldom as they will be. */
const WATCH_SETTLE_MS = 20_000;
const PAUSE_MS = 300;

export type AtRateOptions = {
  port: number;
  workerPid: number;
  serverCpu: number;
  clientCpu: number;
  ratePerSec: number;
  rounds: number;
};

export type AtRate = {
  ratePerSec: number;
  /** CPUs; medians over the rounds. */
  ownCpus: number;
  workerCpus: number;
  workerMoreCpus: number;
  /** As the kernel accounts for the programs, sampled by the watch itself. */
  programCpus: number;
  /** Own and programs'. */
  inAllCpus: number;
  achievedPerSec: number;
  rounds: { ownCpus: number; workerMoreCpus: number; programCpus: number }[];
};

/** Null when no rounds are asked for. */
export async function measureAtRate(options: AtRateOptions): Promise<AtRate | null> {
  const { port, workerPid, clientCpu, ratePerSec } = options;
  if (options.rounds === 0) return null;
  const url = `http://127.0.0.1:${port}`;
  const load = onCpu(clientCpu, [bin, 'load', `${url}/`, '--rate', `${ratePerSec}`, '-d', '1h', '-c', '50']);
  const rounds: (AtRate['rounds'][number] & { workerCpus: number; perSec: number })[] = [];
  try {
    await delay(LOAD_SETTLE_MS);
    let before = await window([workerPid], url);
    for (let round = 0; round < options.rounds; round++) {
      const watch = onCpu(clientCpu, [bin, 'watch', String(workerPid), '--armed', 'never', '--json']);
      const output = collect(watch);
      await delay(WATCH_SETTLE_MS);
      const watched = await window([workerPid, watch.pid!], url);
      await end(watch);
      await delay(PAUSE_MS);
      const after = await window([workerPid], url);
      const [worker = 0, own = 0] = watched.cpus;
      const beside = (before.cpus[0]! + after.cpus[0]!) / 2;
      const row = { ownCpus: own, workerMoreCpus: worker - beside, programCpus: programCpusIn(output()) };
      rounds.push({ ...row, workerCpus: beside, perSec: watched.perSec });
      const text = [own, worker - beside, row.programCpus].map((cpus) => `${(cpus * 100).toFixed(2)} %`);
      process.stdout.write(
        `at ${ratePerSec}/s: own ${text[0]}, worker ${text[1]} more, programs ${text[2]}\n`,
      );
      before = after;
    }
  } finally {
    await end(load);
  }
  const middle = (pick: (row: (typeof rounds)[number]) => number) => median(rounds.map(pick));
  return {
    ratePerSec,
    ownCpus: middle((row) => row.ownCpus),
    workerCpus: middle((row) => row.workerCpus),
    workerMoreCpus: middle((row) => row.workerMoreCpus),
    inAllCpus: middle((row) => row.ownCpus + row.programCpus),
    programCpus: middle((row) => row.programCpus),
    achievedPerSec: middle((row) => row.perSec),
    rounds: rounds.map(({ ownCpus, workerMoreCpus, programCpus }) => ({
      ownCpus,
      workerMoreCpus,
      programCpus,
    })),
  };
}

/** CPUs that each of the processes uses in a window, all of its threads; and requests that nginx serves. */
async function window(pids: number[], url: string): Promise<{ cpus: number[]; perSec: number }> {
  const look = async () => ({
    served: await servedCount(url),
    ns: pids.map(cpuNs),
    atNs: performance.now() * 1e6,
  });
  const before = await look();
  await delay(WINDOW_MS);
  const after = await look();
  const spanNs = after.atNs - before.atNs;
  return {
    cpus: after.ns.map((ns, i) => (ns - before.ns[i]!) / spanNs),
    perSec: ((after.served - before.served) * 1e9) / spanNs,
  };
}

async function servedCount(url: string): Promise<number> {
  const text = await (await fetch(`${url}/status`)).text();
  return Number(/^ \d+ \d+ (\d+)/m.exec(text)?.[1]);
}

/** To the ns, unlike the ticks of /proc/PID/stat. A thread that ends in between takes its time with it. */
function cpuNs(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).reduce((sum, tid) => {
    try {
      return sum + Number(readFileSync(`/proc/${pid}/task/${tid}/schedstat`, 'utf8').split(' ')[0]);
    } catch {
      return sum;
    }
  }, 0);
}

function onCpu(cpu: number, command: string[]): ChildProcess {
  return spawn('taskset', ['-c', String(cpu), ...command], { stdio: ['ignore', 'pipe', 'inherit'] });
}

function collect(child: ChildProcess): () => string {
  let text = '';
  child.stdout!.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  return () => text;
}

/** The newest figure of its stream. */
function programCpusIn(stream: string): number {
  const figures = [...stream.matchAll(/"probe_cpus":([\d.e-]+)/g)];
  return Number(figures.at(-1)?.[1] ?? Number.NaN);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGINT');
  child.stdout?.resume();
  await ended;
}
