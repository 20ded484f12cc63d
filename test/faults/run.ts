/**
 * The fault suite: loads against a hostile server, each from a seed, and the books checked to the request.
 *
 *     node test/faults/run.ts [--seed N] [--from N] [--count N] [--at-once N] [--verbose]
 *
 * Exit status 1, with the seed and the command that repeats it, at the first case in which something does not hold; 3
 * when a case does not come to an end. On success the last line is a summary in JSON.
 */
import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { caseOf, describeCase, type FaultCase } from './cases.ts';
import { runCase } from './run-case.ts';
import { ServerProcess } from './server-process.ts';
import { Summary } from './summary.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    from: { type: 'string', default: '0' },
    count: { type: 'string', default: '48' },
    'at-once': { type: 'string', default: '6' },
    verbose: { type: 'boolean', default: false },
  },
});
/** A run takes a fraction of a second; on a machine busy with other things, a few. */
const WATCHDOG_MS = 25_000;

const folder = mkdtempSync(join(tmpdir(), 'loopscope-faults-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const from = Number(values.seed ?? values.from);
const count = values.seed === undefined ? Number(values.count) : 1;
const cases = Array.from({ length: count }, (_, n) => caseOf(from + n, folder));
const summary = new Summary();

function fail(each: FaultCase, problem: string, status: number): never {
  console.error(
    `seed ${each.seed}: ${problem}\n  ${describeCase(each)}\n` +
      `  repeat with: node --disable-warning=ExperimentalWarning test/faults/run.ts --seed ${each.seed}`,
  );
  process.exit(status);
}

async function watched(each: FaultCase, server: ServerProcess, isCounted = true): Promise<void> {
  const watchdog = setTimeout(() => fail(each, `no end after ${WATCHDOG_MS} ms`, 3), WATCHDOG_MS);
  try {
    const record = await runCase(each, server);
    if (!isCounted) return;
    summary.add(each, record);
    if (values.verbose)
      console.log(`seed ${each.seed}: ${describeCase(each)}\n  ${JSON.stringify(record?.counts)}`);
  } catch (error) {
    fail(each, String((error as Error).stack ?? error), 1);
  } finally {
    clearTimeout(watchdog);
  }
}

function openDescriptors(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [`${fd} ${readlinkSync(`/proc/self/fd/${fd}`)}`];
    } catch {
      return []; // The folder's own.
    }
  });
}

/** Those of one batch end together; then as much is open as before. */
async function runBatch(batch: FaultCase[], server: ServerProcess): Promise<void> {
  const before = openDescriptors();
  await Promise.all(batch.map((each) => watched(each, server)));
  // Pipes of processes that have just ended are closed a moment later.
  for (let n = 0; n < 100 && openDescriptors().length > before.length; n++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const left = openDescriptors().filter((each) => !before.includes(each));
  const seeds = batch.map(({ seed }) => seed).join(', ');
  if (left.length > 0) fail(batch[0]!, `left open by one of seeds ${seeds}: ${left.join(', ')}`, 1);
}

await using server = new ServerProcess();
// The first thread makes Node open what it keeps for good.
await watched(caseOf(0, folder), server, false);
const limited = cases.filter(({ openFileRoom }) => openFileRoom !== null);
const others = cases.filter(({ openFileRoom }) => openFileRoom === null);
const atOnce = Math.max(1, Number(values['at-once']));
for (let at = 0; at < others.length; at += atOnce) await runBatch(others.slice(at, at + atOnce), server);
for (const each of limited) await runBatch([each], server);
console.log(JSON.stringify(summary));
