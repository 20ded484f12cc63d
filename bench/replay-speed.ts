/**
 * A log replayed as fast as replies come, beside a closed loop of `load` on the same nginx: requests a second, and CPU per
 * request of the whole client process with its reader. Both may use all CPUs but share them with nginx's one worker; they
 * run by turns. The log has one client an address, as many as there are connections.
 *
 *   npm run bench -- replay-speed [--rounds 6] [--seconds 8] [--connections 100] [--lines 3000000]
 */
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loopscopeLoad, loopscopeRun } from './lib/loopscope.ts';
import { startNginx } from './lib/pinned.ts';
import { writeResults } from './lib/results.ts';
import { alternate, compare, comparisonLine } from './lib/rounds.ts';

const SERVER_CPU = 0;
const CLIENT_CPUS = '0,1';
const PORT = 18_181;
const BLOCK_LINES = 10_000;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '6' },
    seconds: { type: 'string', default: '8' },
    connections: { type: 'string', default: '100' },
    lines: { type: 'string', default: '3000000' },
  },
});
const { seconds, connections } = values;
const target = `http://127.0.0.1:${PORT}/`;
const print = (line: string) => process.stdout.write(`${line}\n`);

/** A combined log of GETs, the clients by turns. */
function writeLog(path: string): void {
  const fd = openSync(path, 'w');
  const clients = Number(connections);
  for (let done = 0; done < Number(values.lines); done += BLOCK_LINES) {
    let block = '';
    for (let nth = done; nth < done + BLOCK_LINES; nth++) {
      const client = nth % clients;
      const second = String(Math.floor(nth / 50_000) % 60).padStart(2, '0');
      block += `10.0.${client >> 8}.${client & 255} - - [29/Nov/2026:07:00:${second} +0000] "GET / HTTP/1.1" 200 2 "-" "-"\n`;
    }
    writeSync(fd, block);
  }
  closeSync(fd);
}

const folder = mkdtempSync(join(tmpdir(), 'loopscope-bench-'));
try {
  const log = join(folder, 'access.log');
  writeLog(log);
  await using nginx = await startNginx(SERVER_CPU, PORT);
  const limits = ['-c', connections, '-d', `${seconds}s`];
  const replay = ['replay', log, '--target', target, '--speed', 'max', ...limits];
  const variants = [
    { name: 'load', run: () => loopscopeLoad(CLIENT_CPUS, target, limits) },
    { name: 'replay', run: () => loopscopeRun(CLIENT_CPUS, replay) },
    { name: 'replay, no clients', run: () => loopscopeRun(CLIENT_CPUS, [...replay, '--session', 'none']) },
  ];
  const samples = await alternate(variants, Number(values.rounds), (round, name, sample) => {
    const figures = `${sample.requestsPerSec!.toFixed(0).padStart(8)}/s ${sample.cpuUsPerRequest!.toFixed(3)} µs CPU/request`;
    print(`${String(round + 1).padStart(3)} ${name.padEnd(20)} ${figures}`);
  });
  const comparisons = ['replay', 'replay, no clients'].flatMap((name) =>
    ['requestsPerSec', 'cpuUsPerRequest'].map((metric) => compare(samples, metric, name, 'load')),
  );
  for (const comparison of comparisons) print(comparisonLine(comparison));
  print(
    `wrote ${writeResults('replay-speed', { options: values, serverPid: nginx.pid, comparisons, samples })}`,
  );
} finally {
  rmSync(folder, { recursive: true });
}
