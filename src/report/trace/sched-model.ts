/** Rivals grouped for a reader: by process, with the cores they were met on. */
import { addBuckets } from '../../record/bucket-quantiles.ts';
import type { Rival, SchedThread, SchedTrace } from '../../record/trace.ts';

export type RivalGroup = {
  /** pid of the process; 0 is the idle task. */
  pid: number;
  comm: string;
  kernelThread: boolean;
  /** One of the traced processes. */
  traced: boolean;
  ns: number;
  turns: number;
  /** Time by core, most first. */
  cores: { cpu: number; ns: number }[];
  /** Traced threads that waited meanwhile, most first. */
  waiters: { tid: number; ns: number }[];
};

/** Threads of one process are one rival; its name is that of the thread that was there longest. */
export function rivalGroups(trace: SchedTrace): RivalGroup[] {
  const groups = new Map<number, Rival[]>();
  for (const rival of trace.rivals) {
    const list = groups.get(rival.rivalPid);
    if (list) list.push(rival);
    else groups.set(rival.rivalPid, [rival]);
  }
  return [...groups.values()].map(groupOf).sort((a, b) => b.ns - a.ns);
}

function groupOf(rivals: Rival[]): RivalGroup {
  const longest = rivals.reduce((best, rival) => (rival.ns > best.ns ? rival : best));
  return {
    pid: longest.rivalPid,
    comm: longest.comm,
    kernelThread: longest.kernelThread,
    traced: rivals.some((rival) => rival.traced),
    ns: rivals.reduce((sum, rival) => sum + rival.ns, 0),
    turns: rivals.reduce((sum, rival) => sum + rival.turns, 0),
    cores: sums(rivals, ({ cpu }) => cpu).map(([cpu, ns]) => ({ cpu, ns })),
    waiters: sums(rivals, ({ tid }) => tid).map(([tid, ns]) => ({ tid, ns })),
  };
}

function sums(rivals: readonly Rival[], keyOf: (rival: Rival) => number): [number, number][] {
  const totals = new Map<number, number>();
  for (const rival of rivals) totals.set(keyOf(rival), (totals.get(keyOf(rival)) ?? 0) + rival.ns);
  return [...totals].sort((a, b) => b[1] - a[1]);
}

/** All threads' waits in one histogram. */
export function allWaits(threads: readonly SchedThread[]): { buckets: number[]; maxNs: number } {
  return merged(threads, 'waitBuckets', 'waitMaxNs');
}

export function allWakes(threads: readonly SchedThread[]): { buckets: number[]; maxNs: number } {
  return merged(threads, 'wakeBuckets', 'wakeMaxNs');
}

function merged(
  threads: readonly SchedThread[],
  buckets: 'waitBuckets' | 'wakeBuckets',
  max: 'waitMaxNs' | 'wakeMaxNs',
): { buckets: number[]; maxNs: number } {
  const sum: number[] = [];
  for (const thread of threads) addBuckets(sum, thread[buckets]);
  return { buckets: sum, maxNs: Math.max(0, ...threads.map((thread) => thread[max])) };
}
