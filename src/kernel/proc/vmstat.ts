import { readProcText } from './read-text.ts';

/** Of /proc/vmstat: a page count now, and two counters since boot. Null: this kernel does not say. proc_vmstat(5) */
export type VmStat = { dirtyPages: number | null; allocStalls: number | null; majorFaults: number | null };

export function parseVmstat(text: string): VmStat {
  const field = (name: string): number | null => {
    const value = new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1];
    return value === undefined ? null : Number(value);
  };
  // One counter per zone since 4.10: allocstall_normal, allocstall_movable…
  let allocStalls: number | null = null;
  for (const match of text.matchAll(/^allocstall\w* (\d+)$/gm))
    allocStalls = (allocStalls ?? 0) + Number(match[1]);
  return { dirtyPages: field('nr_dirty'), allocStalls, majorFaults: field('pgmajfault') };
}

/** Null when /proc/vmstat is hidden. */
export function readVmstat(): VmStat | null {
  const text = readProcText('/proc/vmstat');
  return text === null ? null : parseVmstat(text);
}
