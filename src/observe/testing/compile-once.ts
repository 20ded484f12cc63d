/** Compiles the small C programs of tests, each once in a process. For tests only. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const made = new Map<string, string | null>();
let folder: string | null = null;

/**
 * Path of the compiled program, or null without a C compiler; what the compiler says is shown. Removed when the process
 * ends. `flags` come before the source: "-shared" and "-fPIC" make a library.
 */
export function compileOnce(source: URL, flags: readonly string[] = []): string | null {
  const key = [source.href, ...flags].join(' ');
  let path = made.get(key);
  if (path === undefined) made.set(key, (path = compile(fileURLToPath(source), flags)));
  return path;
}

function compile(source: string, flags: readonly string[]): string | null {
  folder ??= temporaryFolder();
  // A folder for each, so that the file may have the source's name: reports show it.
  const path = join(mkdtempSync(join(folder, 'of-')), basename(source, '.c'));
  try {
    execFileSync('cc', ['-O2', '-Wall', '-pthread', ...flags, '-o', path, source], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  } catch {
    // No compiler: the caller skips.
  }
  return existsSync(path) ? path : null;
}

function temporaryFolder(): string {
  const path = mkdtempSync(join(tmpdir(), 'loopscope-compiled-'));
  process.once('exit', () => rmSync(path, { recursive: true, force: true }));
  return path;
}
