/** Results as files: what was measured, on what, from which commit. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';

/** BENCH_RESULTS puts them elsewhere: a trial run does not replace what was measured with care. */
const folder = process.env.BENCH_RESULTS ?? join(import.meta.dirname, '..', 'results');

export type Machine = {
  cpuModel: string;
  cpuCount: number;
  memTotalBytes: number;
  kernel: string;
  node: string;
};

export function machine(): Machine {
  return {
    cpuModel: cpus()[0]?.model ?? 'unknown',
    cpuCount: cpus().length,
    memTotalBytes: totalmem(),
    kernel: release(),
    node: process.version,
  };
}

/** Writes NAME.json and returns its path. */
export function writeResults(name: string, results: object): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${name}.json`);
  const all = {
    name,
    finishedAt: new Date().toISOString(),
    machine: machine(),
    commit: commit(),
    ...results,
  };
  writeFileSync(path, `${JSON.stringify(all, null, 2)}\n`);
  return path;
}

function commit(): { hash: string; changed: boolean } | null {
  const git = (...args: string[]) =>
    execFileSync('git', args, {
      cwd: import.meta.dirname,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  try {
    return {
      hash: git('rev-parse', 'HEAD').trim(),
      changed: git('status', '--porcelain', 'src').trim() !== '',
    };
  } catch {
    return null;
  }
}
