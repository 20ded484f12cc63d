/**
 * What is known of a process's address space: its maps, the ELF files behind them, and what a JIT wrote down. Outlives
 * the process, so that addresses taken before its end can be explained after it.
 */
import { closeSync } from 'node:fs';
import { linkedAddress } from './elf-header.ts';
import { type ElfModule, holdFile, moduleOf } from './elf-module.ts';
import { type JitMap, readJitMap } from './jit-map.ts';
import { type MapEntry, type ProcessMaps, parseMaps, readMapsText } from './process-maps.ts';

export type Place = {
  entry: MapEntry;
  /** Null when anonymous (a JIT's), or when the file cannot be read. */
  module: ElfModule | null;
  /** The address within the module as it was linked; −1 when the file does not explain it. */
  linked: number;
};

export type ProcessImage = {
  readonly pid: number;
  /** Reads the maps if they were not read within the last second, so that names can be given once it has ended. */
  keepMaps(): void;
  /**
   * Keeps every file that it has code from open, so that they can be read when it has ended, also those of a container
   * or deleted. `isHeld` tells of a file by device and inode that somebody holds already. Closed by dispose.
   */
  holdFiles(isHeld: (file: string) => boolean): HeldFiles;
  /** Reads the maps anew, at most once a second, for an address it does not know. Null outside of all code. */
  find(address: number): Place | null;
  /** Of code outside of all files; reads the JIT's own list anew, at most once a second. */
  jitNameOf(address: number): string | null;
};

export type HeldFiles = { readonly files: readonly string[]; [Symbol.dispose](): void };

const REFRESH_AFTER_MS = 1000;

export function createProcessImage(pid: number, readMaps = () => readMapsText(pid)): ProcessImage {
  let text = '';
  let maps: ProcessMaps | null = null;
  let moduleByEntry = new Map<MapEntry, ElfModule | null>();
  let jit: JitMap | null = null;
  let mapsReadAtMs = Number.NEGATIVE_INFINITY;
  let jitReadAtMs = Number.NEGATIVE_INFINITY;

  const keepMaps = () => {
    if (performance.now() - mapsReadAtMs < REFRESH_AFTER_MS) return;
    const now = readMaps();
    // Gone: what was known of it still names what is asked later.
    if (now && now !== text) {
      text = now;
      maps = null;
    }
    // Counted from the end, so that a slow read is not repeated at once.
    mapsReadAtMs = performance.now();
  };
  const findEntry = (address: number) => {
    if (!maps) {
      maps = parseMaps(text);
      moduleByEntry = new Map();
    }
    return maps.find(address);
  };
  return {
    pid,
    keepMaps,
    holdFiles(isHeld) {
      keepMaps();
      findEntry(0);
      const fds: number[] = [];
      const files: string[] = [];
      for (const entry of maps!.entries) {
        // Known from now on, whatever becomes of the process.
        if (!moduleByEntry.has(entry)) moduleByEntry.set(entry, moduleOf(pid, entry));
        const file = `${entry.device} ${entry.inode}`;
        if (entry.inode === 0 || files.includes(file) || isHeld(file)) continue;
        const fd = holdFile(pid, entry);
        if (fd === null) continue;
        fds.push(fd);
        files.push(file);
      }
      return {
        files,
        [Symbol.dispose]() {
          for (const fd of fds.splice(0)) closeSync(fd);
        },
      };
    },
    find(address) {
      let entry = findEntry(address);
      if (!entry) {
        keepMaps();
        entry = findEntry(address);
        if (!entry) return null;
      }
      let module = moduleByEntry.get(entry);
      if (module === undefined) {
        module = moduleOf(pid, entry);
        moduleByEntry.set(entry, module);
      }
      return { entry, module, linked: module ? linkedIn(module, entry, address) : -1 };
    },
    jitNameOf(address) {
      const name = jit?.nameOf(BigInt(address)) ?? null;
      if (name !== null || performance.now() - jitReadAtMs < REFRESH_AFTER_MS) return name;
      jit = readJitMap(pid) ?? jit;
      jitReadAtMs = performance.now();
      return jit?.nameOf(BigInt(address)) ?? null;
    },
  };
}

/** The vdso is mapped from its first byte and has one segment, linked at 0 or, by older kernels, far above. */
function linkedIn(module: ElfModule, entry: MapEntry, address: number): number {
  return linkedAddress(module.header.segments, address - entry.start + entry.offset);
}
