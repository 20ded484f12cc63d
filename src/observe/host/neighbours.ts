/** Who else used the CPUs: differences of each process's CPU time between two scans of /proc. */
import { readlinkSync } from 'node:fs';
import { allPids, descendantsOf } from '../../kernel/proc/children.ts';
import { readCommandLine } from '../../kernel/proc/command-line.ts';
import { type ProcessStat, readStat } from '../../kernel/proc/process-stat.ts';
import { readStatus } from '../../kernel/proc/process-status.ts';
import { readSchedstat } from '../../kernel/proc/schedstat.ts';
import type { NeighbourRecord } from '../../record/observation.ts';

export type NeighboursOptions = {
  /** Loopscope's own processes. Children of theirs that run the same program count as its own too. */
  selfPids: readonly number[];
  /** Pids of the watched loops, asked at the end. */
  watchedPids: () => readonly number[];
};

const NEIGHBOUR_LIMIT = 20;
const LEAST_CPU_NS = 1e6;

/** CPU time used so far, and the start time that tells a process from a later one with the same pid. */
type Usage = {
  startTicks: number;
  /** Of all threads, those that have ended too; to a clock tick (10 ms). */
  tickNs: number;
  /** To the ns; only for processes with one thread, as the file is about one thread. */
  exactNs: number | null;
};

/**
 * Begins to count. `finish` gives the processes that used more than 1 ms since, the 20 greatest, greatest first. One
 * born meanwhile counts from 0. One that has ended is not seen, nor what it used: /proc keeps nothing of it.
 */
export function createNeighbours(options: NeighboursOptions): { finish(): NeighbourRecord[] } {
  const before = new Map<number, Usage>();
  for (const pid of allPids()) {
    const stat = readStat(pid);
    if (stat) before.set(pid, usageOf(stat));
  }
  return { finish: () => finish(before, options) };
}

function finish(before: ReadonlyMap<number, Usage>, options: NeighboursOptions): NeighbourRecord[] {
  const parents = new Map<number, number>();
  const used: { stat: ProcessStat; cpuNs: number }[] = [];
  for (const pid of allPids()) {
    const stat = readStat(pid);
    if (!stat) continue;
    parents.set(pid, stat.parentPid);
    const cpuNs = difference(usageOf(stat), before.get(pid));
    if (cpuNs > LEAST_CPU_NS) used.push({ stat, cpuNs });
  }
  const watched = new Set(options.watchedPids());
  const self = ownPids(options.selfPids, watched, parents);
  return used
    .sort((a, b) => b.cpuNs - a.cpuNs)
    .slice(0, NEIGHBOUR_LIMIT)
    .map(({ stat, cpuNs }) => ({
      pid: stat.pid,
      comm: stat.comm,
      commandLine: readCommandLine(stat.pid) ?? '',
      cpuNs,
      kernelThread: stat.isKernelThread,
      isSelf: self.has(stat.pid),
      isWatched: watched.has(stat.pid),
      cpusAllowed: readStatus(stat.pid)?.cpusAllowed ?? '',
    }));
}

function usageOf(stat: ProcessStat): Usage {
  const exactNs = stat.threadCount === 1 ? (readSchedstat(stat.pid, stat.pid)?.cpuNs ?? null) : null;
  return { startTicks: stat.startTicks, tickNs: stat.utimeNs + stat.stimeNs, exactNs };
}

function difference(now: Usage, first: Usage | undefined): number {
  if (first === undefined || first.startTicks !== now.startTicks) return now.exactNs ?? now.tickNs;
  if (now.exactNs !== null && first.exactNs !== null) return now.exactNs - first.exactNs;
  return now.tickNs - first.tickNs;
}

/**
 * What we started is not all ours: a server or a planted fault is somebody else to the report. Only the same program is.
 */
function ownPids(
  selfPids: readonly number[],
  watched: ReadonlySet<number>,
  parents: ReadonlyMap<number, number>,
): Set<number> {
  const own = new Set(selfPids);
  const program = programOf('self');
  for (const pid of descendantsOf(selfPids, parents)) {
    if (!watched.has(pid) && program !== null && programOf(pid) === program) own.add(pid);
  }
  return own;
}

function programOf(pid: number | 'self'): string | null {
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch {
    return null;
  }
}
