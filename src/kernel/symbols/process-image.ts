/**
 * What is known of a process's address space: its maps, the ELF files behind them, and what a JIT wrote down. Outlives
 * the process, so that addresses taken before its end can be explained after it.
 */
import { closeSync } from 'node:fs';
import { createEffort, type Effort, isSpent, within } from './effort.ts';
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
  /** Does what reads its files, at their cost. Throws when that is used up. */
  readFiles<T>(work: () => T): T;
  /** Another stall, or another moment of it: each may cost as much as one. */
  beginLook(): void;
  /** What unwinding and naming pay from, for one look. */
  readonly look: Effort;
  readonly watch: WatchEffort;
  /** Reads the maps if they were not read within the last second, so that names can be given once it has ended. */
  keepMaps(): void;
  /**
   * Keeps every file that it has code from open, so that they can be read when it has ended, also those of a container
   * or deleted. `isHeld` tells of a file by device and inode that somebody holds already. Closed by dispose.
   */
  holdFiles(isHeld: (file: string) => boolean): HeldFiles;
  /**
   * Reads the maps anew, at most once a second, for an address it does not know. Null outside of all code. Throws when its
   * files have cost what they may.
   */
  find(address: number): Place | null;
  /** Of code outside of all files; reads the JIT's own list anew, at most once a second. */
  jitNameOf(address: number): string | null;
};

/** Of all processes of a watch together. */
export type WatchEffort = {
  /** Without end while it lasts; set for what its report may take. */
  readonly all: Effort;
  addressesNotNamed: number;
};

export function createWatchEffort(): WatchEffort {
  return { all: createEffort(Number.POSITIVE_INFINITY), addressesNotNamed: 0 };
}

export type HeldFiles = { readonly files: readonly string[]; [Symbol.dispose](): void };

const REFRESH_AFTER_MS = 1000;
/** Half a dozen tables as large as those of Node's binary, or two as large as Chromium's. */
const FILES_UNITS = 1_500_000;
/** Of files with code, that one process keeps open; the largest desktop programs map as many. */
const HELD_LIMIT = 256;
const HOLD_UNITS = 200_000;
/** A list of three hundred thousand functions; read again and again, as it grows. */
const JIT_UNITS = 1_000_000;
/** Text that is read again costs a hundredth of a CPU at most. */
const CHARS_PER_MS = 1000;
/** A stall with 60 samples, each of 30 functions not met before, takes a tenth of it. */
const LOOK_UNITS = 200_000;

export function createProcessImage(
  pid: number,
  readMaps = () => readMapsText(pid),
  watch: WatchEffort = createWatchEffort(),
): ProcessImage {
  const filesEffort = createEffort(FILES_UNITS, watch.all);
  const readFiles = <T>(work: () => T): T => within(filesEffort, work);
  const look = createEffort(LOOK_UNITS, watch.all);
  let text = '';
  let maps: ProcessMaps | null = null;
  let moduleByEntry = new Map<MapEntry, ElfModule | null>();
  let jit: JitMap | null = null;
  let mapsReadAtMs = Number.NEGATIVE_INFINITY;
  let jitReadAfterMs = Number.NEGATIVE_INFINITY;

  const keepMaps = () => {
    // The more there is to read, the more seldom.
    if (performance.now() - mapsReadAtMs < Math.max(REFRESH_AFTER_MS, text.length / CHARS_PER_MS)) return;
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
    readFiles,
    look,
    watch,
    beginLook() {
      look.left = LOOK_UNITS;
    },
    holdFiles(isHeld) {
      keepMaps();
      findEntry(0);
      const fds: number[] = [];
      const files: string[] = [];
      const hold = (entry: MapEntry) => {
        const file = `${entry.device} ${entry.inode}`;
        if (entry.inode === 0 || files.includes(file)) return;
        // Known from now on, whatever becomes of the process.
        if (!moduleByEntry.has(entry)) moduleByEntry.set(entry, moduleOf(pid, entry));
        const fd = isHeld(file) ? null : holdFile(pid, entry);
        if (fd === null) return;
        fds.push(fd);
        files.push(file);
      };
      try {
        within(createEffort(HOLD_UNITS, filesEffort), () => {
          for (const entry of maps!.entries) if (files.length < HELD_LIMIT) hold(entry);
        });
      } catch (error) {
        if (!isSpent(error)) throw error; // the others are looked for when they are asked for
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
        module = readFiles(() => moduleOf(pid, entry));
        moduleByEntry.set(entry, module);
      }
      return { entry, module, linked: module ? linkedIn(module, entry, address) : -1 };
    },
    jitNameOf(address) {
      const name = jit?.nameOf(BigInt(address)) ?? null;
      if (name !== null || performance.now() < jitReadAfterMs) return name;
      try {
        jit = within(createEffort(JIT_UNITS, watch.all), () => readJitMap(pid)) ?? jit;
      } finally {
        jitReadAfterMs = performance.now() + Math.max(REFRESH_AFTER_MS, (jit?.chars ?? 0) / CHARS_PER_MS);
      }
      return jit?.nameOf(BigInt(address)) ?? null;
    },
  };
}

/** The vdso is mapped from its first byte and has one segment, linked at 0 or, by older kernels, far above. */
function linkedIn(module: ElfModule, entry: MapEntry, address: number): number {
  return linkedAddress(module.header.segments, address - entry.start + entry.offset);
}
