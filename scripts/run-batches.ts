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
  /** Wrong answers of tests that gave the right one when they were asked again. */
  wrongAnswers: Failure[];
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

/** Files that are asked again: with more than so many, it is not the machine. */
const ASKED_AGAIN_LIMIT = 6;

/**
 * Runs all of them, also after a failure. A file that broke before its first test is a failure as well. What failed in a
 * batch that asks the machine is asked twice more, alone; only what fails three times has failed.
 */
export function runBatches(batches: readonly Batch[], options: RunOptions = {}): Results {
  const folder = mkdtempSync(join(tmpdir(), 'loopscope-test-run-'));
  const results: Results = { failures: [], wrongAnswers: [], files: [], durationMs: 0 };
  const doubted: Failure[] = [];
  const beganMs = performance.now();
  try {
    for (const batch of batches) {
      const { failures, files } = runBatch(batch, join(folder, 'results'), options);
      results.files.push(...files);
      (batch.asksMachine ? doubted : results.failures).push(...failures);
    }
    const byFile = Map.groupBy(doubted, ({ file }) => file);
    if (byFile.size > ASKED_AGAIN_LIMIT || byFile.has('')) results.failures.push(...doubted);
    else {
      for (const [file, failures] of byFile) {
        const { isRight, wrong } = askAgain(file, failures, join(folder, 'results'), options);
        (isRight ? results.wrongAnswers : results.failures).push(...failures, ...wrong);
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  results.durationMs = performance.now() - beganMs;
  return results;
}

/** First the tests that failed, then, in case they need those before them, the whole file. */
function askAgain(
  file: string,
  failed: readonly Failure[],
  resultsPath: string,
  options: RunOptions,
): { isRight: boolean; wrong: Failure[] } {
  const batch: Batch = { title: `asked again: ${file}`, files: [file], concurrency: 1, asksMachine: true };
  const wrong: Failure[] = [];
  for (const names of [failed.map(({ name }) => name), []]) {
    const flags = names.map((name) => `--test-name-pattern=^${RegExp.escape(name)}$`);
    const { failures, files } = runBatch(batch, resultsPath, options, flags);
    if (failures.length === 0 && files.some(({ passed }) => passed > 0)) return { isRight: true, wrong };
    wrong.push(...failures);
  }
  return { isRight: false, wrong };
}

type FileResult = { file: string; durationMs: number; passed: number };

function runBatch(
  batch: Batch,
  resultsPath: string,
  options: RunOptions,
  more: readonly string[] = [],
): { failures: Failure[]; files: FileResult[] } {
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
      ...more,
      ...batch.files,
    ],
    { cwd: root, env, stdio: isQuiet ? ['ignore', 'ignore', 'ignore'] : 'inherit' },
  );
  const lines = readFileSync(resultsPath, 'utf8').split('\n').filter(Boolean);
  const read = lines.map((line) => JSON.parse(line) as ResultLine);
  const failures = read
    .filter((line) => line.type === 'failure')
    .map((line) => ({ ...line, file: relative(root, line.file) }));
  const files = read
    .filter((line) => line.type === 'file')
    .map(({ file, durationMs, passed }) => ({ file: relative(root, file), durationMs, passed }));
  if (status !== 0 && failures.length === 0) {
    const error = `node --test ended with ${signal ?? `status ${status}`} and named no test`;
    failures.push({ type: 'failure', name: batch.title, file: '', line: 0, error });
  }
  return { failures, files };
}
