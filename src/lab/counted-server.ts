/**
 * `loopscope serve` as a child whose own counters can be asked for while it runs: the inside view of an experiment, beside
 * what /proc tells of the same processes.
 */
import { LoopscopeError } from '../base/errors.ts';
import { readStatus } from '../kernel/proc/process-status.ts';
import { readSchedstat } from '../kernel/proc/schedstat.ts';
import type { WorkerStats } from '../serve/stats.ts';
import { late, startServeChild } from './serve-child.ts';

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
  let onStats: (stats: WorkerStats) => void = () => {};
  const server = await startServeChild({
    program,
    args: [...args, '--stats'],
    readyWithinMs: READY_WITHIN_MS,
    stopWithinMs: STOP_WITHIN_MS,
    onLine(said) {
      if ('cycles' in said) onStats(said as WorkerStats);
    },
  });
  const { child, target, workers } = server;
  const pids = workers.length > 0 ? workers : [server.pid];
  const ask = () =>
    new Promise<WorkerStats[]>((resolve, reject) => {
      const found: WorkerStats[] = [];
      onStats = (stats) => {
        if (pids.includes(stats.pid)) found.push(stats);
        if (found.length === pids.length) resolve(found);
      };
      child.kill('SIGUSR1');
      void Promise.race([server.exited, late(COUNTERS_WITHIN_MS)]).then(() =>
        reject(new LoopscopeError('INTERNAL', 'the server did not tell its counters', server.complaint())),
      );
    });
  return {
    pid: server.pid,
    target,
    pids,
    async counters() {
      const stats = await ask();
      return pids.map((pid) => ({ stats: stats.find((row) => row.pid === pid)!, ...usageOf(pid) }));
    },
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

/** Of the main thread, which is the loop: V8's helper threads are left out. */
function usageOf(pid: number): { cpuNs: number; voluntarySwitches: number } {
  return {
    cpuNs: readSchedstat(pid, pid)?.cpuNs ?? 0,
    voluntarySwitches: readStatus(pid, pid)?.voluntarySwitches ?? 0,
  };
}
