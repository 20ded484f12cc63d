/** Runs batches of test files with node --test, and gathers what failed and how long each file took. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import type { ResultLine } from './results-reporter.ts';
import { type Batch, root } from './tiers.ts';

export type Failure = Extract<ResultLine, { type: 'failure' }>;
export type Results = {
  failures: Failure[];
  files: { file: string; durationMs: number }[];
  durationMs: number;
};

export type RunOptions = {
  /** Passed on to node --test. */
  flags?: readonly string[];
  env?: NodeJS.ProcessEnv;
  /** Nothing is printed but what is asked for. */
  isQuiet?: boolean;
};

const TIMEOUT_MS = 900_000;

/** Runs all of them, also after a failure. A file that broke before its first test is a failure as well. */
export function runBatches(batches: readonly Batch[], options: RunOptions = {}): Results {
  const folder = mkdtempSync(join(tmpdir(), 'loopscope-test-run-'));
  const results: Results = { failures: [], files: [], durationMs: 0 };
  const beganMs = performance.now();
  try {
    for (const batch of batches) runBatch(batch, join(folder, 'results'), options, results);
  } finally {
    rmSync(folder, { recursive: true });
  }
  results.durationMs = performance.now() - beganMs;
  return results;
}

function runBatch(batch: Batch, resultsPath: string, options: RunOptions, results: Results): void {
  const { flags = [], isQuiet = false } = options;
  // Types are stripped and code compiled once, not anew in each of hundreds of processes.
  const env = { ...(options.env ?? process.env), NODE_COMPILE_CACHE: join(dirname(resultsPath), 'cache') };
  if (!isQuiet) console.log(`\n== ${batch.title}: ${batch.files.length} files`);
  const reporters = [
    [isQuiet ? 'dot' : 'spec', 'stdout'],
    [join(root, 'scripts/results-reporter.ts'), resultsPath],
  ].flatMap(([name, to]) => [`--test-reporter=${name}`, `--test-reporter-destination=${to}`]);
  const { status, signal } = spawnSync(
    process.execPath,
    [
      '--disable-warning=ExperimentalWarning',
      '--test',
      `--test-concurrency=${batch.concurrency}`,
      `--test-timeout=${TIMEOUT_MS}`,
      // One seed for all properties; only unit tests have any, and it costs each process a moment.
      ...(batch.title.startsWith('unit') ? [`--import=${join(root, 'test/helpers/seed.ts')}`] : []),
      ...reporters,
      ...flags,
      ...batch.files,
    ],
    { cwd: root, env, stdio: isQuiet ? ['ignore', 'ignore', 'ignore'] : 'inherit' },
  );
  const lines = readFileSync(resultsPath, 'utf8').split('\n').filter(Boolean);
  const read = lines.map((line) => JSON.parse(line) as ResultLine);
  const failures = read.filter((line) => line.type === 'failure');
  results.failures.push(...failures.map((one) => ({ ...one, file: relative(root, one.file) })));
  results.files.push(
    ...read
      .filter((line) => line.type === 'file')
      .map(({ file, durationMs }) => ({ file: relative(root, file), durationMs })),
  );
  if (status !== 0 && failures.length === 0) {
    const error = `node --test ended with ${signal ?? `status ${status}`} and named no test`;
    results.failures.push({ type: 'failure', name: batch.title, file: '', line: 0, error });
  }
}
