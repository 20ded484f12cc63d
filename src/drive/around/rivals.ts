/** Who else used the CPUs that the client may run on. */
import { allPids } from '../../kernel/proc/children.ts';
import { type ProcessStat, readStat } from '../../kernel/proc/process-stat.ts';
import { getAffinity } from '../../kernel/process.ts';
import type { RivalRecord } from '../../record/load.ts';

type Usage = { startTicks: number; cpuNs: number };

const RIVALS_LIMIT = 10;
/** Of one CPU: with less nobody is kept waiting. */
const LEAST_SHARE = 0.05;

/** CPU time of all processes so far: two or three ms for a few hundred. It is counted in ticks of 10 ms. */
export function beginRivals(): (wallNs: number) => RivalRecord[] {
  const before = new Map<number, Usage>();
  for (const pid of allPids()) {
    const stat = readStat(pid);
    if (stat) before.set(pid, usageOf(stat));
  }
  return (wallNs) => {
    const own = new Set(cpusOf(process.pid));
    const found: RivalRecord[] = [];
    for (const pid of allPids()) {
      const stat = pid === process.pid ? null : readStat(pid);
      if (!stat) continue;
      const cpuNs = difference(usageOf(stat), before.get(pid));
      if (cpuNs < LEAST_SHARE * wallNs || !cpusOf(pid).some((cpu) => own.has(cpu))) continue;
      found.push({ pid, comm: stat.comm, cpuNs });
    }
    return found.sort((a, b) => b.cpuNs - a.cpuNs).slice(0, RIVALS_LIMIT);
  };
}

function usageOf(stat: ProcessStat): Usage {
  return { startTicks: stat.startTicks, cpuNs: stat.utimeNs + stat.stimeNs };
}

/** One born meanwhile counts from 0; one that ended is not seen. */
function difference(now: Usage, first: Usage | undefined): number {
  return first === undefined || first.startTicks !== now.startTicks ? now.cpuNs : now.cpuNs - first.cpuNs;
}

function cpusOf(pid: number): number[] {
  try {
    return getAffinity(pid);
  } catch {
    return []; // it has ended
  }
}
