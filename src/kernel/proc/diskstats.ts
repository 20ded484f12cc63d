import { readdirSync } from 'node:fs';
import { readProcText } from './read-text.ts';

/** Sums over whole disks since boot. */
export type DiskStat = {
  readBytes: number;
  writeBytes: number;
  /** Time with at least one request in flight, added up over the disks. */
  busyNs: number;
};

/** The unit of /proc/diskstats, whatever the disk's own. Documentation/admin-guide/iostats.rst */
const BYTES_PER_SECTOR = 512;

/** Null when none of the disks has a line. */
export function parseDiskstats(text: string, disks: ReadonlySet<string>): DiskStat | null {
  const sum = { readBytes: 0, writeBytes: 0, busyNs: 0 };
  let found = false;
  for (const line of text.split('\n')) {
    const fields = line.trim().split(/ +/);
    if (fields.length < 13 || !disks.has(fields[2]!)) continue;
    found = true;
    sum.readBytes += Number(fields[5]) * BYTES_PER_SECTOR;
    sum.writeBytes += Number(fields[9]) * BYTES_PER_SECTOR;
    sum.busyNs += Number(fields[12]) * 1e6;
  }
  return found ? sum : null;
}

/**
 * Names of the disks to add up: those that lie on no other device. Partitions are not in /sys/block; device mapper, md
 * and bcache have slaves; loop lies on a file; ram and zram are memory; nvmeXcYnZ is one path of nvmeXnZ.
 */
export function wholeDisks(sysBlock = '/sys/block'): Set<string> {
  const disks = new Set<string>();
  for (const name of list(sysBlock)) {
    if (/^(loop|ram|zram|dm-|md)\d/.test(name) || /^nvme\d+c\d+n\d+$/.test(name)) continue;
    if (list(`${sysBlock}/${name}/slaves`).length > 0) continue;
    // sysfs writes "!" for the "/" in a name.
    disks.add(name.replaceAll('!', '/'));
  }
  return disks;
}

/** Null when /proc/diskstats is hidden, or there is no disk. */
export function readDiskstats(disks: ReadonlySet<string> = wholeDisks()): DiskStat | null {
  const text = readProcText('/proc/diskstats');
  return text === null ? null : parseDiskstats(text, disks);
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
