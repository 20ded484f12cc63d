/** Names for addresses of another process, from its maps, the ELF files behind them, and what a JIT wrote down. */
import { statSync } from 'node:fs';
import { basename } from 'node:path';
import { readProcText } from '../proc/read-text.ts';
import { type ElfSymbols, readElfSymbols } from './elf.ts';
import { type JitMap, readJitMap } from './jit-map.ts';
import { lastNotAbove } from './kallsyms.ts';

export type UserSymbols = {
  /** "ngx_http_handler+0x1f (nginx)", "libc.so.6+0x1234" without a symbol, or the bare address. */
  symbolize(address: bigint): string;
  /** Reads the maps if they were not read within the last second, so that names can be given once it has ended. */
  keepMaps(): void;
};

/** `device` and `inode` as in the line, "fe:00" and decimal: they tell whether a path still leads to that file. */
export type MapEntry = {
  start: bigint;
  end: bigint;
  offset: bigint;
  device: string;
  inode: number;
  path: string;
};

const REFRESH_AFTER_MS = 1000;
/** Lines of about 100 bytes; the kernel allows 65 530 maps by default (vm.max_map_count). */
const MAPS_LIMIT_BYTES = 8 << 20;
const CACHE_LIMIT = 256;
/** By device, inode, size and time of change: workers of one program share one table. Oldest first. */
const elfCache = new Map<string, ElfSymbols | null>();

/** For one process; its maps are read at the first question and again, at most once a second, for unknown addresses. */
export function createUserSymbols(pid: number): UserSymbols {
  let text = '';
  let maps: MapEntry[] | null = null;
  let jit: JitMap | null = null;
  let mapsReadAtMs = Number.NEGATIVE_INFINITY;
  let jitReadAtMs = Number.NEGATIVE_INFINITY;
  const keepMaps = () => {
    if (performance.now() - mapsReadAtMs < REFRESH_AFTER_MS) return;
    const now = readProcText(`/proc/${pid}/maps`, MAPS_LIMIT_BYTES);
    // Gone: what was known of it still names what is asked later.
    if (now && now !== text) {
      text = now;
      maps = null;
    }
    // Counted from the end, so that a slow read is not repeated at once.
    mapsReadAtMs = performance.now();
  };
  const refresh = () => {
    keepMaps();
    maps ??= parseMaps(text);
    if (performance.now() - jitReadAtMs < REFRESH_AFTER_MS) return;
    jit = readJitMap(pid) ?? jit;
    jitReadAtMs = performance.now();
  };
  const find = (address: bigint) => {
    maps ??= parseMaps(text);
    return maps.find((entry) => address >= entry.start && address < entry.end);
  };
  return {
    keepMaps,
    symbolize(address) {
      let entry = find(address);
      if (entry?.path.startsWith('/')) return inFile(pid, entry, address);
      let name = jit?.nameOf(address) ?? null;
      if (name === null && !entry?.path) {
        refresh();
        entry = find(address);
        if (entry?.path.startsWith('/')) return inFile(pid, entry, address);
        name = jit?.nameOf(address) ?? null;
      }
      if (name !== null) return name;
      if (!entry?.path) return `0x${address.toString(16)}`;
      return `${entry.path}+0x${(address - entry.start).toString(16)}`;
    },
  };
}

/** Lines of /proc/PID/maps that can hold code; the path may contain spaces. */
export function parseMaps(text: string): MapEntry[] {
  const entries: MapEntry[] = [];
  for (const line of text.split('\n')) {
    const match = /^([0-9a-f]+)-([0-9a-f]+) ..x. ([0-9a-f]+) (\S+) (\d+) *(.*)$/.exec(line);
    if (!match) continue;
    const [, start, end, offset, device, inode, path] = match;
    entries.push({
      start: BigInt(`0x${start}`),
      end: BigInt(`0x${end}`),
      offset: BigInt(`0x${offset}`),
      device: device!,
      inode: Number(inode),
      path: path!,
    });
  }
  return entries;
}

function inFile(pid: number, entry: MapEntry, address: bigint): string {
  const file = basename(entry.path.replace(/ \(deleted\)$/, ''));
  const inFileOffset = address - entry.start + entry.offset;
  const symbols = elfOf(pid, entry);
  const segment = symbols?.segments.find(
    (candidate) => inFileOffset >= candidate.offset && inFileOffset < candidate.offset + candidate.fileBytes,
  );
  if (symbols && segment) {
    const linked = inFileOffset - segment.offset + segment.address;
    const index = lastNotAbove(symbols.addresses, linked);
    const distance = index >= 0 ? linked - symbols.addresses[index]! : 0n;
    // Stripped files keep only exported functions: what lies beyond the end of one is not part of it.
    if (index >= 0 && distance < (symbols.sizes[index]! || 1n)) {
      return `${symbols.nameOf(index)}+0x${distance.toString(16)} (${file})`;
    }
  }
  return `${file}+0x${inFileOffset.toString(16)}`;
}

/** The file as that process sees it: /proc/PID/root reaches into its mount namespace, map_files even to deleted ones. */
function elfOf(pid: number, entry: MapEntry): ElfSymbols | null {
  const range = `${entry.start.toString(16)}-${entry.end.toString(16)}`;
  for (const path of [`/proc/${pid}/root${entry.path}`, `/proc/${pid}/map_files/${range}`]) {
    const file = identify(path);
    if (file) return cachedSymbols(path, file.key);
  }
  // The process has ended: the path may mean the same to us, or another file (a container's, or a newer one).
  const file = identify(entry.path);
  return file?.inode === entry.inode && file.device === entry.device
    ? cachedSymbols(entry.path, file.key)
    : null;
}

function cachedSymbols(path: string, key: string): ElfSymbols | null {
  let symbols = elfCache.get(key);
  if (symbols !== undefined) return symbols;
  symbols = readElfSymbols(path);
  for (const oldest of elfCache.keys()) {
    if (elfCache.size < CACHE_LIMIT) break;
    elfCache.delete(oldest);
  }
  elfCache.set(key, symbols);
  return symbols;
}

/** Null when there is no such regular file, or we may not look. */
function identify(path: string): { key: string; device: string; inode: number } | null {
  try {
    const stat = statSync(path);
    if (!stat.isFile()) return null;
    const { dev, ino, size, mtimeMs } = stat;
    return { key: `${dev}:${ino}:${size}:${mtimeMs}`, device: deviceName(dev), inode: ino };
  } catch {
    return null;
  }
}

/** As maps writes it: major and minor in hexadecimal. makedev(3) */
function deviceName(device: number): string {
  const major = (device >>> 8) & 0xfff;
  const minor = (device & 0xff) | ((device >>> 12) & 0xfff00);
  return [major, minor].map((part) => part.toString(16).padStart(2, '0')).join(':');
}
