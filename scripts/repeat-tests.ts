/**
 * Runs tests again and again and says which failed how often, those included that were right when asked again: whether
 * they are right on a machine that is busy.
 *
 *     npm run test:repeat -- TIMES [--busy] [--full] [TIER…] [FILE…]
 *
 * Without tiers and files it is what `npm test` runs. With --busy, each CPU has a process beside that never stops
 * computing. Exit 1 when anything failed.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { type Failure, runBatches } from './run-batches.ts';
import { type Batch, batches, batchesOf, TIERS } from './tiers.ts';

const words = process.argv.slice(2);
const times = Number(words.find((word) => /^\d+$/.test(word)) ?? 20);
const isBusy = words.includes('--busy');
const isFull = words.includes('--full');
const files = words.filter((word) => word.endsWith('.ts'));
const tiers = words.filter((word) => TIERS.includes(word));
const unknown = words.filter(
  (word) => !/^\d+$|\.ts$/.test(word) && !TIERS.includes(word) && !['--busy', '--full'].includes(word),
);
if (unknown.length > 0) {
  console.error(
    `unknown: ${unknown.join(' ')}; it takes a number, --busy, --full, files, and ${TIERS.join(', ')}`,
  );
  process.exit(2);
}

/** Ends by itself when we do, however that comes about, and after an hour at the latest. */
const COMPUTE = `
  const parent = process.ppid, end = Date.now() + 3600e3;
  while (process.ppid === parent && Date.now() < end) for (let i = 0; i < 1e6; i++);
`;

function keepBusy(): ChildProcess[] {
  return Array.from({ length: availableParallelism() }, () =>
    spawn(process.execPath, ['--eval', COMPUTE], { stdio: 'ignore' }),
  );
}

function chosen(): Batch[] {
  if (files.length > 0) return batchesOf('named', files, true);
  return batches(tiers.length > 0 ? tiers : TIERS, isFull);
}

const failedByTest = new Map<string, Failure[]>();
let green = 0;
const env = isFull ? { ...process.env, TEST_DEPTH: 'full' } : process.env;
for (let i = 1; i <= times; i++) {
  const neighbours = isBusy ? keepBusy() : [];
  const { failures, wrongAnswers, durationMs } = runBatches(chosen(), { env, isQuiet: true });
  for (const neighbour of neighbours) neighbour.kill('SIGKILL');
  if (failures.length === 0) green++;
  const seconds = (durationMs / 1000).toFixed(0);
  const again = wrongAnswers.length > 0 ? `, ${wrongAnswers.length} wrong at first` : '';
  const outcome = (failures.length === 0 ? 'green' : `${failures.length} failed`) + again;
  console.log(
    `${new Date().toISOString()} run ${i} of ${times}${isBusy ? ', busy' : ''}: ${outcome}, ${seconds} s`,
  );
  for (const failure of [...failures, ...wrongAnswers]) {
    console.log(
      `  ${failure.name} (${failure.file}:${failure.line})\n${failure.error.replace(/^/gm, '    ')}`,
    );
    const key = `${failure.file}: ${failure.name}`;
    failedByTest.set(key, [...(failedByTest.get(key) ?? []), failure]);
  }
}

console.log(`\n${green} of ${times} green${isBusy ? ', beside a busy process on each CPU' : ''}`);
const byCount = [...failedByTest].sort(([, a], [, b]) => b.length - a.length);
for (const [key, failures] of byCount) console.log(`  ${failures.length} of ${times}  ${key}`);
process.exitCode = green === times ? 0 : 1;
