/** The files with code that a process has mapped. */
import { realpathSync } from 'node:fs';
import { LoopscopeError } from '../../../base/errors.ts';
import { type ElfModule, moduleOf } from '../../../kernel/symbols/elf-module.ts';
import { type MapEntry, parseMaps, readMapsText } from '../../../kernel/symbols/process-maps.ts';

/** An ELF file with code that a process has mapped. */
export type MappedFile = {
  /** Device and inode: the same file in every process. */
  key: string;
  /** As the process names it. */
  path: string;
  /** As we reach it, also when it was deleted or lies in a container. */
  reachablePath: string;
  module: ElfModule;
};

/** Files with code that a process has mapped, its program first. Empty when it is gone. */
export function mappedFiles(pid: number): MappedFile[] {
  const files = new Map<string, MappedFile>();
  const program = exeOf(pid);
  for (const entry of parseMaps(readMapsText(pid) ?? '').entries) {
    if (!entry.path.startsWith('/')) continue;
    const key = `${entry.device}:${entry.inode}`;
    if (files.has(key)) continue;
    const module = moduleOf(pid, entry);
    if (module) files.set(key, { key, path: entry.path, reachablePath: reachablePath(pid, entry), module });
  }
  const isProgram = (file: MappedFile) => file.path === program;
  return [...files.values()].sort((a, b) => Number(isProgram(b)) - Number(isProgram(a)));
}

function exeOf(pid: number): string | null {
  try {
    // Through the process's own root: what maps calls it. The first mapping would do too, save for static-pie loaders.
    return realpathSync(`/proc/${pid}/exe`);
  } catch {
    return null;
  }
}

function reachablePath(pid: number, { start, end }: MapEntry): string {
  return `/proc/${pid}/map_files/${start.toString(16)}-${end.toString(16)}`;
}

/** The file at a path, as if we had it mapped. Throws FILE_UNREADABLE. */
export function fileAt(path: string): MappedFile {
  let real: string;
  try {
    real = realpathSync(path);
  } catch {
    throw new LoopscopeError(
      'FILE_UNREADABLE',
      `--binary: ${path} is not there`,
      'give the path of a program or library',
    );
  }
  const entry: MapEntry = { start: 0, end: 0, offset: 0, device: '', inode: 0, path: real };
  const module = moduleOf(process.pid, entry);
  if (!module) {
    throw new LoopscopeError(
      'FILE_UNREADABLE',
      `--binary: ${path} is no 64-bit ELF file that can be read`,
      'give the path of a program or library; of a script, that of its interpreter',
    );
  }
  return { key: real, path: real, reachablePath: real, module };
}
