import { NS_PER_TICK } from './process-stat.ts';
import { readProcText } from './read-text.ts';

/** /proc/stat per CPU, ns since boot; shaped like record's CpuTimes. Guest time is part of user time. proc_stat(5) */
export type CpuTimes = {
  cpu: number;
  userNs: number;
  niceNs: number;
  systemNs: number;
  idleNs: number;
  iowaitNs: number;
  irqNs: number;
  softirqNs: number;
  stealNs: number;
};

export type CpuStat = { cpus: CpuTimes[]; contextSwitches: number; procsRunning: number };

/** Only CPUs that are online have a line. Null when there is none. */
export function parseCpuStat(text: string): CpuStat | null {
  const cpus: CpuTimes[] = [];
  let contextSwitches = Number.NaN;
  let procsRunning = Number.NaN;
  for (const line of text.split('\n')) {
    if (line.startsWith('cpu')) {
      const fields = line.split(' ');
      if (fields.length < 9 || fields[0] === 'cpu') continue;
      const ns = (index: number): number => Number(fields[index]) * NS_PER_TICK;
      cpus.push({
        cpu: Number(fields[0]!.slice(3)),
        userNs: ns(1),
        niceNs: ns(2),
        systemNs: ns(3),
        idleNs: ns(4),
        iowaitNs: ns(5),
        irqNs: ns(6),
        softirqNs: ns(7),
        stealNs: ns(8),
      });
    } else if (line.startsWith('ctxt ')) contextSwitches = Number(line.slice(5));
    else if (line.startsWith('procs_running ')) procsRunning = Number(line.slice(14));
  }
  if (cpus.length === 0 || Number.isNaN(contextSwitches) || Number.isNaN(procsRunning)) return null;
  return { cpus, contextSwitches, procsRunning };
}

/** Null when /proc/stat is hidden. */
export function readCpuStat(): CpuStat | null {
  const text = readProcText('/proc/stat');
  return text === null ? null : parseCpuStat(text);
}
