/** Loopscope itself as one of the programs compared: its command line, as users have it, on one CPU. */
import { join } from 'node:path';
import { runPinned } from './pinned.ts';
import type { Sample } from './rounds.ts';

export const LOOPSCOPE = join(import.meta.dirname, '..', '..', 'bin', 'loopscope');

/** The part of the JSON report that is read here. */
type LoadReport = {
  answered_per_sec: number;
  counts: { planned: number; ok: number };
  client: { threads: { user_ns: number; system_ns: number }[] };
};

/**
 * One load. CPU per request is of the whole process with its start-up and report; the shares and figures called
 * "thread" are of the load threads alone, during the load.
 */
export async function loopscopeLoad(
  cpu: number | string,
  target: string,
  options: readonly string[],
): Promise<Sample> {
  return loopscopeRun(cpu, ['load', target, ...options]);
}

/** The same of any command that prints the JSON of `load`. */
export async function loopscopeRun(cpu: number | string, words: readonly string[]): Promise<Sample> {
  const command = [LOOPSCOPE, ...words, '--json', '--quiet'];
  // A run on a busy machine may end with a verdict or VOID (status 1 and 3): its figures are there all the same.
  const { output, cpuSec, userSec } = await runPinned(cpu, command, [0, 1, 3]);
  const { load } = JSON.parse(output) as { load: LoadReport };
  const sum = (field: 'user_ns' | 'system_ns') =>
    load.client.threads.reduce((total, thread) => total + thread[field], 0);
  const threadNs = sum('user_ns') + sum('system_ns');
  return {
    requestsPerSec: load.answered_per_sec,
    cpuUsPerRequest: (cpuSec * 1e6) / load.counts.ok,
    threadCpuUsPerRequest: threadNs / 1e3 / load.counts.ok,
    userShare: userSec / cpuSec,
    threadUserShare: sum('user_ns') / threadNs,
    failedCount: load.counts.planned - load.counts.ok,
  };
}
