/**
 * `loopscope serve` as a child whose own counters can be asked for while it runs: the inside view of an experiment, beside
 * what /proc tells of the same processes.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { LoopscopeError } from '../base/errors.ts';
import { readStatus } from '../kernel/proc/process-status.ts';
import { readSchedstat } from '../kernel/proc/schedstat.ts';
import type { WorkerStats } from '../serve/stats.ts';

export type CountedServer = {
  readonly pid: number;
  /** As the load commands take it. */
  readonly target: string;
  /** Processes that serve: the workers, or the server itself. */
  readonly pids: number[];
  /** What each has counted by now, in the order of `pids`. */
  counters(): Promise<ServerCounters[]>;
  [Symbol.asyncDispose](): Promise<void>;
};

/** Cumulative, of one process. */
export type ServerCounters = {
  stats: WorkerStats;
  cpuNs: number;
  /** Times it slept: every wake-up, also those after which the kernel put it back to sleep. */
  voluntarySwitches: number;
};

const READY_WITHIN_MS = 60_000;
const COUNTERS_WITHIN_MS = 5000;
const STOP_WITHIN_MS = 8000;

/** Starts `serve` with these arguments. Returns when it listens; throws what it said when it ends before that. */
export async function startCountedServer(
  program: readonly string[],
  args: readonly string[],
): Promise<CountedServer> {
  const argv = [...program, 'serve', ...args, '--json', '--stats', '--die-with-parent'];
  const child = spawn(argv[0]!, argv.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-4000);
  });
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', (error) => {
      complaint += error.message;
      resolve();
    });
  });
  let onReady: (said: Said) => void = () => {};
  let onStats: (stats: WorkerStats) => void = () => {};
  createInterface({ input: child.stdout }).on('line', (line) => {
    const said = JSON.parse(line) as Said & Partial<WorkerStats>;
    if (said.cycles !== undefined) onStats(said as unknown as WorkerStats);
    else onReady(said);
  });
  const stop = async () => {
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
    await exited;
    clearTimeout(timer);
  };
  const ready = new Promise<Said>((resolve) => {
    onReady = resolve;
  });
  const said = await Promise.race([ready, exited, late(READY_WITHIN_MS)]);
  if (!said?.targets) {
    await stop();
    const why = said?.error?.message ?? (complaint.trim() || 'it said nothing');
    throw new LoopscopeError('INTERNAL', `the server did not start: ${why}`, said?.error?.hint);
  }
  const pids = said.workers && said.workers.length > 0 ? said.workers : [said.pid!];
  const ask = () =>
    new Promise<WorkerStats[]>((resolve, reject) => {
      const found: WorkerStats[] = [];
      onStats = (stats) => {
        if (pids.includes(stats.pid)) found.push(stats);
        if (found.length === pids.length) resolve(found);
      };
      child.kill('SIGUSR1');
      void Promise.race([exited, late(COUNTERS_WITHIN_MS)]).then(() =>
        reject(new LoopscopeError('INTERNAL', 'the server did not tell its counters', complaint.trim())),
      );
    });
  return {
    pid: said.pid!,
    target: said.targets[0]!,
    pids,
    async counters() {
      const stats = await ask();
      return pids.map((pid) => ({ stats: stats.find((row) => row.pid === pid)!, ...usageOf(pid) }));
    },
    [Symbol.asyncDispose]: stop,
  };
}

/** Of the main thread, which is the loop: V8's helper threads are left out. */
function usageOf(pid: number): { cpuNs: number; voluntarySwitches: number } {
  return {
    cpuNs: readSchedstat(pid, pid)?.cpuNs ?? 0,
    voluntarySwitches: readStatus(pid, pid)?.voluntarySwitches ?? 0,
  };
}

function late(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}

/** The first line of a server told --json: that it is ready, or why it will not be. */
type Said = {
  pid?: number;
  targets?: string[];
  workers?: number[];
  error?: { message: string; hint: string };
};
