/**
 * How far a replay is behind its log at the end: ours, on one absolute schedule, and the barest Node program that sleeps
 * between records, as GoReplay does, over the same log. Both run side by side, on all CPUs, against one nginx; the rate is
 * so low that neither has much to do. Final lag is the median lateness of the last requests' sends.
 *
 *   npm run bench -- replay-drift [--seconds 60] [--rate 200]
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { createPrng } from '../src/base/prng.ts';
import { LOOPSCOPE } from './lib/loopscope.ts';
import { startNginx } from './lib/pinned.ts';
import { writeResults } from './lib/results.ts';

const SERVER_CPU = 0;
const PORT = 18_183;
const SEED = 1;
const BEGIN_SEC = 1_795_935_895;

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '60' }, rate: { type: 'string', default: '200' } },
});
const seconds = Number(values.seconds);
const run = promisify(execFile);

/** Poisson, stamped to the microsecond; returns the time from its first to its last request. */
function writeLog(path: string): { count: number; spanSec: number } {
  const prng = createPrng(SEED);
  const lines: string[] = [];
  let at = 0;
  let last = 0;
  for (; at < seconds; at += prng.exponential(1 / Number(values.rate))) {
    lines.push(
      JSON.stringify({ time: (BEGIN_SEC + at).toFixed(6), method: 'GET', path: `/${lines.length}` }),
    );
    last = at;
  }
  writeFileSync(path, `${lines.join('\n')}\n`);
  return { count: lines.length, spanSec: last };
}

type Drift = { count: number; totalSec: number; finalLagMs: number };

async function ours(log: string): Promise<Drift> {
  const words = ['replay', log, '--fields', 'time=time,method=method,path=path', '--json', '--quiet'];
  const limits = ['--target', `http://127.0.0.1:${PORT}`, '-c', '50'];
  // A busy machine may leave the run with a verdict, or VOID: its figures are there all the same.
  const { stdout } = await run(LOOPSCOPE, [...words, ...limits]).catch(
    (error) => error as { stdout: string },
  );
  const { load } = JSON.parse(stdout);
  const { lag } = load.replay.fidelity;
  return { count: load.counts.ok, totalSec: lag.schedule_ns / 1e9, finalLagMs: lag.final_ns / 1e6 };
}

async function sleeping(log: string): Promise<Drift> {
  const client = join(import.meta.dirname, 'lib', 'sleeping-replayer.ts');
  const { stdout } = await run(process.execPath, [
    '--disable-warning=ExperimentalWarning',
    client,
    log,
    String(PORT),
  ]);
  return JSON.parse(stdout) as Drift;
}

const folder = mkdtempSync(join(tmpdir(), 'loopscope-bench-'));
try {
  const log = join(folder, 'log');
  const { count, spanSec } = writeLog(log);
  await using nginx = await startNginx(SERVER_CPU, PORT);
  const [replay, sleeper] = await Promise.all([ours(log), sleeping(log)]);
  process.stdout.write(`log: ${count} requests in ${spanSec.toFixed(3)} s\n`);
  for (const [name, drift] of Object.entries({
    'loopscope replay': replay,
    'sleep between records': sleeper,
  })) {
    const { totalSec, finalLagMs } = drift;
    process.stdout.write(
      `${name.padEnd(22)} ${drift.count} sent in ${totalSec.toFixed(3)} s, final lag ${finalLagMs.toFixed(3)} ms (${((finalLagMs / spanSec) * 1e-1).toFixed(4)} %)\n`,
    );
  }
  const name = seconds === 60 ? 'replay-drift' : `replay-drift-${values.seconds}s`;
  process.stdout.write(
    `wrote ${writeResults(name, { options: values, serverPid: nginx.pid, count, spanSec, replay, sleeper })}\n`,
  );
} finally {
  rmSync(folder, { recursive: true });
}
