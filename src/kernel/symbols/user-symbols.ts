/** Names for addresses of another process, from its maps, the ELF files behind them, and what a JIT wrote down. */
import { readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { readProcText } from '../proc/read-text.ts';
import { type ElfSymbols, readElfSymbols } from './elf.ts';
import { lastNotAbove } from './kallsyms.ts';

export type UserSymbols = {
  /** "ngx_http_handler+0x1f (nginx)", "libc.so.6+0x1234" without a symbol, or the bare address. */
  symbolize(address: bigint): string;
  /** Reads the maps now, so that names can be found after the process is gone. Cheap; at most once a second. */
  keepMaps(): void;
};

export type MapEntry = { start: bigint; end: bigint; offset: bigint; path: string };

const REFRESH_AFTER_MS = 1000;
const JIT_MAP_LIMIT_BYTES = 64 << 20;
/** By device, inode and size: workers of one program share one table. */
const elfCache = new Map<string, ElfSymbols | null>();

/** For one process; its maps are read at the first question and again, at most once a second, for unknown addresses. */
export function createUserSymbols(pid: number): UserSymbols {
  let maps: MapEntry[] = [];
  let jit: { addresses: BigUint64Array; ends: bigint[]; names: string[] } | null = null;
  let readAtMs = Number.NEGATIVE_INFINITY;
  const refresh = () => {
    if (performance.now() - readAtMs < REFRESH_AFTER_MS) return;
    readAtMs = performance.now();
    const text = readProcText(`/proc/${pid}/maps`);
    if (text) maps = parseMaps(text); // else it is gone: what was read before still holds
  };
  const find = (address: bigint) => maps.find((entry) => address >= entry.start && address < entry.end);
  return {
    keepMaps: refresh,
    symbolize(address) {
      let entry = find(address);
      if (!entry) {
        refresh();
        entry = find(address);
      }
      if (entry?.path.startsWith('/')) return inFile(pid, entry, address);
      jit ??= readJitMap(pid);
      const index = jit ? lastNotAbove(jit.addresses, address) : -1;
      if (jit && index >= 0 && address < jit.ends[index]!) return jit.names[index]!;
      return entry?.path
        ? `${entry.path}+0x${(address - entry.start).toString(16)}`
        : `0x${address.toString(16)}`;
    },
  };
}

/** Lines of /proc/PID/maps that can hold code; the path may contain spaces. */
export function parseMaps(text: string): MapEntry[] {
  const entries: MapEntry[] = [];
  for (const line of text.split('\n')) {
    const match = /^([0-9a-f]+)-([0-9a-f]+) ..x. ([0-9a-f]+) \S+ \d+ *(.*)$/.exec(line);
    if (!match) continue;
    const [, start, end, offset, path] = match;
    entries.push({
      start: BigInt(`0x${start}`),
      end: BigInt(`0x${end}`),
      offset: BigInt(`0x${offset}`),
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
      return `${symbols.names[index]}+0x${distance.toString(16)} (${file})`;
    }
  }
  return `${file}+0x${inFileOffset.toString(16)}`;
}

/** The file as that process sees it: /proc/PID/root reaches into its mount namespace, map_files even to deleted ones. */
function elfOf(pid: number, entry: MapEntry): ElfSymbols | null {
  const range = `${entry.start.toString(16)}-${entry.end.toString(16)}`;
  for (const path of [`/proc/${pid}/root${entry.path}`, `/proc/${pid}/map_files/${range}`]) {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (!stat?.isFile()) continue;
    const key = `${stat.dev}:${stat.ino}:${stat.size}`;
    let symbols = elfCache.get(key);
    if (symbols === undefined) elfCache.set(key, (symbols = readElfSymbols(path)));
    return symbols;
  }
  return null;
}

/** /tmp/perf-PID.map: "start size name" lines, as V8 (--perf-basic-prof) and other JITs write them. */
function readJitMap(pid: number): { addresses: BigUint64Array; ends: bigint[]; names: string[] } | null {
  const path = `/proc/${pid}/root/tmp/perf-${pid}.map`;
  try {
    if (statSync(path).size > JIT_MAP_LIMIT_BYTES) return null;
    const rows = readFileSync(path, 'utf8')
      .split('\n')
      .flatMap((line) => {
        const match = /^([0-9a-f]+) ([0-9a-f]+) (.+)$/.exec(line);
        return match
          ? [{ start: BigInt(`0x${match[1]}`), bytes: BigInt(`0x${match[2]}`), name: match[3]! }]
          : [];
      })
      .sort((a, b) => (a.start < b.start ? -1 : 1));
    return {
      addresses: BigUint64Array.from(rows, (row) => row.start),
      ends: rows.map((row) => row.start + row.bytes),
      names: rows.map((row) => row.name),
    };
  } catch {
    return null;
  }
}
