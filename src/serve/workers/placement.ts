/** Where a server process runs: its CPUs and its niceness. */
import { existsSync, readdirSync } from 'node:fs';
import { availableParallelism, setPriority } from 'node:os';
import { LoopscopeError } from '../../base/errors.ts';
import { errnoName } from '../../kernel/errno.ts';
import { setAffinity } from '../../kernel/process.ts';

export type Placement = {
  /** Worker n runs on the nth of these, round and round; a server without workers on any of them. Empty: anywhere. */
  cpus: number[];
  /** −20 (first) to 19 (last); null leaves it as it is. */
  nice: number | null;
};

const MOST_CPUS = 8192;

/** "0-3,5" → [0, 1, 2, 3, 5]. Throws USAGE. */
export function parseCpuList(text: string, option: string): number[] {
  const cpus: number[] = [];
  for (const part of text.split(',')) {
    const match = /^\s*(\d{1,4})(?:-(\d{1,4}))?\s*$/.exec(part);
    const first = Number(match?.[1]);
    const last = Number(match?.[2] ?? match?.[1]);
    if (!match || last < first || last >= MOST_CPUS) {
      throw new LoopscopeError(
        'USAGE',
        `${option}: "${text}" is not a list of CPUs`,
        `for instance ${option} 0-${Math.max(1, availableParallelism() - 1)}, or 0,2`,
      );
    }
    for (let cpu = first; cpu <= last; cpu++) cpus.push(cpu);
  }
  return cpus;
}

/** Puts all threads of this process there; `worker` is its number from 0, or null. Throws SYSCALL or PERMISSION. */
export function takePlace({ cpus, nice }: Placement, worker: number | null): void {
  const own = worker === null || cpus.length === 0 ? cpus : [cpus[worker % cpus.length]!];
  const placed = new Set<string>();
  // A thread not yet moved may start another in the old place meanwhile: until a look finds nothing new.
  for (let found = true; found; ) {
    found = false;
    for (const tid of readdirSync('/proc/self/task')) {
      if (placed.has(tid)) continue;
      placed.add(tid);
      found = true;
      placeThread(Number(tid), own, nice);
    }
  }
}

function placeThread(tid: number, cpus: number[], nice: number | null): void {
  try {
    if (cpus.length > 0) setAffinity(tid, cpus);
    if (nice !== null) setNice(tid, nice);
  } catch (error) {
    // Node's own threads come and go.
    if (existsSync(`/proc/self/task/${tid}`)) throw error;
  }
}

function setNice(tid: number, nice: number): void {
  try {
    setPriority(tid, nice);
  } catch (error) {
    const { info } = error as { info?: { errno?: number } };
    throw new LoopscopeError(
      'PERMISSION',
      `--nice ${nice}: ${errnoName(Math.abs(info?.errno ?? 0))}`,
      'a lower number than now needs root or CAP_SYS_NICE; see ulimit -e',
    );
  }
}
