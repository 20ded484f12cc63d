/** The mappings of a process that can hold code, from /proc/PID/maps. proc_pid_maps(5) */
import { readProcText } from '../proc/read-text.ts';
import { lastNotAbove } from './sorted.ts';

/** `device` and `inode` as in the line, "fe:00" and decimal: they tell whether a path still leads to that file. */
export type MapEntry = {
  start: number;
  end: number;
  offset: number;
  device: string;
  inode: number;
  /** "/usr/sbin/nginx", perhaps with " (deleted)"; "[vdso]"; empty when anonymous. */
  path: string;
};

export type ProcessMaps = {
  /** The mapping an address lies in; null outside of all that can be executed. */
  find(address: number): MapEntry | null;
  readonly entries: readonly MapEntry[];
};

/** Lines of about 100 bytes; the kernel allows 65 530 maps by default (vm.max_map_count). */
const LIMIT_BYTES = 8 << 20;
const LINE = /^([0-9a-f]+)-([0-9a-f]+) ..x. ([0-9a-f]+) (\S+) (\d+) *(.*)$/s;

export function readMapsText(pid: number | 'self'): string | null {
  return readProcText(`/proc/${pid}/maps`, LIMIT_BYTES);
}

/** Lines in any order; what is beyond a double ([vsyscall]) is left out. */
export function parseMaps(text: string): ProcessMaps {
  const entries: MapEntry[] = [];
  for (const line of text.split('\n')) {
    const match = LINE.exec(line);
    if (!match) continue;
    const [, start, end, offset, device, inode, path] = match;
    const entry: MapEntry = {
      start: Number.parseInt(start!, 16),
      end: Number.parseInt(end!, 16),
      offset: Number.parseInt(offset!, 16),
      device: device!,
      inode: Number(inode),
      path: unescapePath(path!),
    };
    if (entry.end <= Number.MAX_SAFE_INTEGER && entry.start < entry.end) entries.push(entry);
  }
  entries.sort((a, b) => a.start - b.start);
  const starts = Float64Array.from(entries, ({ start }) => start);
  return {
    entries,
    find(address) {
      const entry = entries[lastNotAbove(starts, address)];
      return entry && address < entry.end ? entry : null;
    },
  };
}

/** A newline in a file's name is written as \012. */
function unescapePath(path: string): string {
  return path.includes('\\012') ? path.replaceAll('\\012', '\n') : path;
}
