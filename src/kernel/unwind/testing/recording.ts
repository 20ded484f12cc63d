/** One recorded stop: what the unwinder is given, slim files of the programs, and gdb's frames. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bytesSource } from '../../symbols/byte-source.ts';
import { createEffort } from '../../symbols/effort.ts';
import { linkedAddress, readElfHeader } from '../../symbols/elf-header.ts';
import type { ElfModule } from '../../symbols/elf-module.ts';
import { NO_SYMBOLS, readSymbols } from '../../symbols/elf-symbols.ts';
import { createWatchEffort, type ProcessImage } from '../../symbols/process-image.ts';
import { parseMaps } from '../../symbols/process-maps.ts';

export type Recording = {
  /** Hexadecimal, DWARF registers 0 to 16. */
  registers: string[];
  /** Base64. */
  stack: string;
  maps: string[];
  /** Slim ELF files in base64, by path. */
  modules: Record<string, string>;
  gdb: [address: string, name: string | null][];
};

export function readRecording(name: string): Recording {
  return JSON.parse(readFileSync(join(import.meta.dirname, `${name}.stop.json`), 'utf8')) as Recording;
}

/** What an image has that costs nothing. */
export const free: () => Pick<ProcessImage, 'readFiles' | 'beginLook' | 'look' | 'watch'> = () => ({
  readFiles: (work) => work(),
  beginLook() {},
  look: createEffort(Number.POSITIVE_INFINITY),
  watch: createWatchEffort(),
});

/** An image whose files are those of the recording. */
export function imageOf({ maps, modules }: Pick<Recording, 'maps' | 'modules'>): ProcessImage {
  const parsed = parseMaps(maps.join('\n'));
  const byPath = new Map(Object.entries(modules).map(([path, text]) => [path, memoryModule(path, text)]));
  return {
    ...free(),
    pid: 0,
    keepMaps() {},
    jitNameOf: () => null,
    holdFiles: () => ({ files: [], [Symbol.dispose]() {} }),
    find(address) {
      const entry = parsed.find(address);
      if (!entry) return null;
      const module = byPath.get(entry.path) ?? null;
      const offset = address - entry.start + entry.offset;
      return { entry, module, linked: module ? linkedAddress(module.header.segments, offset) : -1 };
    },
  };
}

export function memoryModule(name: string, base64: string): ElfModule {
  const source = bytesSource(Buffer.from(base64, 'base64'));
  const header = readElfHeader(source);
  const symbols = readSymbols(source, header);
  return {
    name,
    header,
    read: (use) => use(source),
    symbols: () => symbols ?? NO_SYMBOLS,
    stubs: () => ({ find: () => null, retainedBytes: 0 }),
    retains() {},
  };
}
