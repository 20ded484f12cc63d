/**
 * ELF files as processes have them mapped, each read once however many processes run it. Known by device, inode, size
 * and time of change, so that a program replaced on disk is another one than that still running.
 */
import { closeSync, openSync, readSync, type Stats } from 'node:fs';
import { basename } from 'node:path';
import { type ByteSource, bytesSource, withFile } from './byte-source.ts';
import { readDebugLink, readDebugSymbols } from './debug-file.ts';
import { rethrowSpent } from './effort.ts';
import { type ElfHeader, readElfHeader, SHT_SYMTAB } from './elf-header.ts';
import { type ElfSymbols, NO_SYMBOLS, readSymbols } from './elf-symbols.ts';
import { openOrdinary, statOrdinary } from './ordinary-file.ts';
import { type PltSymbols, readPltSymbols } from './plt-symbols.ts';
import { type MapEntry, parseMaps, readMapsText } from './process-maps.ts';

export type ElfModule = {
  /** File name without folder, "[vdso]". */
  readonly name: string;
  readonly header: ElfHeader;
  /** Null when the file cannot be reached any more, or `use` throws. */
  read<T>(use: (source: ByteSource) => T): T | null;
  /** Read at the first call. */
  symbols(): ElfSymbols;
  /** Entries of its procedure linkage table. */
  stubs(): PltSymbols;
  /** To be told of tables that are kept for this module, and how to let go of them: the oldest ones are. */
  retains(bytes: number, release: () => void): void;
};

const MODULE_LIMIT = 256;
const RETAINED_LIMIT_BYTES = 256 << 20;
const VDSO_LIMIT_BYTES = 64 << 10;

type Known = { module: ElfModule | null; bytes: number; paths: Set<string>; releases: (() => void)[] };

/** Oldest first. Null: no ELF file, not to be tried again. */
const modules = new Map<string, Known>();

/** The file behind a mapping, or the vdso. Null when it is none, or cannot be reached. */
export function moduleOf(pid: number, entry: MapEntry): ElfModule | null {
  if (entry.path === '[vdso]') return vdsoOf(pid, entry);
  if (!entry.path.startsWith('/')) return null;
  const range = `${entry.start.toString(16)}-${entry.end.toString(16)}`;
  // The link in map_files leads to the very file, also when it was deleted, but needs a capability to follow.
  for (const path of [`/proc/${pid}/map_files/${range}`, `/proc/${pid}/root${entry.path}`]) {
    const file = identify(path);
    // By its name there may be another file by now.
    if (file && (entry.inode === 0 || file.inode === entry.inode))
      return fileModule(path, file.key, entry, pid);
  }
  // The process has ended: the path may mean the same to us, or another file (a container's, or a newer one).
  const file = identify(entry.path);
  return file?.inode === entry.inode && file.device === entry.device
    ? fileModule(entry.path, file.key, entry, pid)
    : null;
}

/** Opens the file behind a mapping, for its module to read from as long as it is open. Null when it is no ELF file. */
export function holdFile(pid: number, entry: MapEntry): number | null {
  const range = `${entry.start.toString(16)}-${entry.end.toString(16)}`;
  for (const path of [`/proc/${pid}/map_files/${range}`, `/proc/${pid}/root${entry.path}`]) {
    const file = openOrdinary(path);
    if (!file) continue;
    const known = modules.get(keyOf(file.stat));
    if (known?.module) {
      known.paths.add(`/proc/self/fd/${file.fd}`);
      return file.fd;
    }
    closeSync(file.fd);
  }
  return null;
}

/** The name to show for a mapping. */
export function fileNameOf(entry: MapEntry): string {
  return basename(entry.path.replace(/ \(deleted\)$/, ''));
}

function fileModule(path: string, key: string, entry: MapEntry, pid: number): ElfModule | null {
  const known = modules.get(key);
  const rootPath = `/proc/${pid}/root${entry.path}`;
  if (known) {
    if (known.paths.size < 8) known.paths.add(path).add(rootPath);
    return known.module;
  }
  const paths = new Set([entry.path, path, rootPath]);
  const read = <T>(use: (source: ByteSource) => T): T | null => {
    let found: T | null = null;
    let isReached = false;
    const isWanted = (stat: Stats) => (isReached = keyOf(stat) === key);
    for (const candidate of paths) {
      found = withFile(candidate, use, { isWanted });
      if (isReached) break;
    }
    return found;
  };
  const header = read(readElfHeader);
  // Gone at this very moment: not the same as no ELF file.
  if (!header && !identify(path)) return null;
  const roots = [`/proc/${pid}/root`, '/'];
  const module =
    header && createModule({ key, name: fileNameOf(entry), header, read, path: entry.path, roots, paths });
  return keep(key, module, paths);
}

function vdsoOf(pid: number, entry: MapEntry): ElfModule | null {
  const bytes = readMemory(pid, entry.start, entry.end - entry.start) ?? ownVdso();
  if (!bytes) return null;
  const key = `vdso:${Buffer.from(bytes.subarray(0, 4096)).toString('latin1')}`;
  const known = modules.get(key);
  if (known) return known.module;
  const source = bytesSource(bytes);
  const read = <T>(use: (source: ByteSource) => T): T | null => {
    try {
      return use(source);
    } catch (error) {
      rethrowSpent(error);
      return null;
    }
  };
  const header = read(readElfHeader);
  const paths = new Set<string>();
  const module = header && createModule({ key, name: '[vdso]', header, read, path: '', roots: [], paths });
  return keep(key, module, paths);
}

/** The same image in every 64-bit process of a kernel. vdso(7) */
function ownVdso(): Uint8Array | null {
  const maps = parseMaps(readMapsText('self') ?? '');
  const entry = maps.entries.find(({ path }) => path === '[vdso]');
  return entry ? readMemory('self', entry.start, entry.end - entry.start) : null;
}

type Found = {
  key: string;
  name: string;
  header: ElfHeader;
  read: ElfModule['read'];
  /** As its own process names it, below these roots. */
  path: string;
  roots: string[];
  /** Where `read` looks for it. */
  paths: Set<string>;
};

function createModule({ key, name, header, read, path, roots, paths }: Found): ElfModule {
  let symbols: ElfSymbols | null = null;
  let stubs: PltSymbols | null = null;
  const retains = (bytes: number, release: () => void) => {
    // Let go of before, and in use again.
    if (modules.get(key)?.module !== module) keep(key, module, paths);
    const kept = modules.get(key)!;
    kept.bytes += bytes;
    kept.releases.push(release);
    evict(key);
  };
  const module: ElfModule = {
    name,
    header,
    read,
    retains,
    stubs() {
      if (stubs) return stubs;
      stubs = read((source) => readPltSymbols(source, header)) ?? { find: () => null, retainedBytes: 0 };
      const kept = stubs;
      retains(kept.retainedBytes, () => (stubs = null));
      return kept;
    },
    symbols() {
      if (symbols) return symbols;
      const own = read((source) => ({
        table: readSymbols(source, header),
        link: readDebugLink(source, header),
      }));
      // Not reached just now, as a process that ended leaves it: another process may lead to it later.
      if (!own) return NO_SYMBOLS;
      symbols = own.table;
      if (!header.sections.some(({ type }) => type === SHT_SYMTAB)) {
        symbols = readDebugSymbols(path, header.buildId, own.link, roots) ?? symbols;
      }
      const kept = symbols;
      retains(kept.retainedBytes, () => (symbols = null));
      return kept;
    },
  };
  return module;
}

function keep(key: string, module: ElfModule | null, paths: Set<string>): ElfModule | null {
  modules.set(key, { module, bytes: 0, paths, releases: [] });
  evict(key);
  return module;
}

/** Lets go of the oldest modules; what is in use is read again. */
function evict(keptKey: string): void {
  let total = 0;
  for (const { bytes } of modules.values()) total += bytes;
  for (const [key, { bytes, releases }] of modules) {
    if (modules.size <= MODULE_LIMIT && total <= RETAINED_LIMIT_BYTES) return;
    if (key === keptKey) continue;
    modules.delete(key);
    for (const release of releases) release();
    total -= bytes;
  }
}

/** Null when there is no such ordinary file, or we may not look. */
function identify(path: string): { key: string; device: string; inode: number } | null {
  const stat = statOrdinary(path);
  return stat && { key: keyOf(stat), device: deviceName(stat.dev), inode: stat.ino };
}

function keyOf({ dev, ino, size, mtimeMs }: Stats): string {
  return `${dev}:${ino}:${size}:${mtimeMs}`;
}

/** As maps writes it: major and minor in hexadecimal. makedev(3) */
function deviceName(device: number): string {
  const major = (device >>> 8) & 0xfff;
  const minor = (device & 0xff) | ((device >>> 12) & 0xfff00);
  return [major, minor].map((part) => part.toString(16).padStart(2, '0')).join(':');
}

/** Memory of another process; null when it is gone, hidden or not mapped. proc_pid_mem(5) */
function readMemory(pid: number | 'self', start: number, length: number): Uint8Array | null {
  let fd: number;
  try {
    fd = openSync(`/proc/${pid}/mem`, 'r');
  } catch {
    return null;
  }
  try {
    const bytes = new Uint8Array(Math.min(length, VDSO_LIMIT_BYTES));
    const count = readSync(fd, bytes, 0, bytes.length, start);
    return count > 0 ? bytes.subarray(0, count) : null;
  } catch {
    return null;
  } finally {
    closeSync(fd);
  }
}
