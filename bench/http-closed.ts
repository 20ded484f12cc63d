/**
 * Closed loop against nginx beside wrk: throughput, and CPU per request of the whole client process with its start-up. nginx has one
 * worker on CPU 0, the client CPU 1, 100 keep-alive connections; the tools run by turns.
 *
 *   npm run bench -- http-closed [--rounds 10] [--seconds 10] [--connections 100] [--backend auto]
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runPinned, startNginx } from './lib/pinned.ts';
import { writeResults } from './lib/results.ts';
import { alternate, compare, type Sample } from './lib/rounds.ts';

const SERVER_CPU = 0;
const CLIENT_CPU = 1;
const PORT = 18_180;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '10' },
    seconds: { type: 'string', default: '10' },
    connections: { type: 'string', default: '100' },
    backend: { type: 'string', default: 'auto' },
  },
});
const { seconds, connections, backend } = values;

/** The part of the JSON report that is read here. */
type LoadReport = {
  answered_per_sec: number;
  counts: { planned: number; ok: number };
  client: { threads: { user_ns: number; system_ns: number }[] };
};

const target = `http://127.0.0.1:${PORT}/`;

/** A run on a busy machine may end with a verdict or VOID (status 1 and 3): its figures are there all the same. */
async function loopscope(): Promise<Sample> {
  const command = [join(import.meta.dirname, '..', 'bin', 'loopscope'), 'load', target, '--json', '--quiet'];
  const options = ['-c', connections, '-d', `${seconds}s`, '--backend', backend];
  const { output, cpuSec } = await runPinned(CLIENT_CPU, [...command, ...options], [0, 1, 3]);
  const { load } = JSON.parse(output) as { load: LoadReport };
  const threadNs = load.client.threads.reduce((sum, thread) => sum + thread.user_ns + thread.system_ns, 0);
  return {
    requestsPerSec: load.answered_per_sec,
    cpuUsPerRequest: (cpuSec * 1e6) / load.counts.ok,
    loadThreadUsPerRequest: threadNs / 1e3 / load.counts.ok,
    failedCount: load.counts.planned - load.counts.ok,
  };
}

async function wrk(): Promise<Sample> {
  const { output, cpuSec } = await runPinned(CLIENT_CPU, [
    'wrk',
    '-t1',
    `-c${connections}`,
    `-d${seconds}`,
    target,
  ]);
  const count = Number(/(\d+) requests in/.exec(output)?.[1]);
  return {
    requestsPerSec: Number(/Requests\/sec:\s+([\d.]+)/.exec(output)?.[1]),
    cpuUsPerRequest: (cpuSec * 1e6) / count,
  };
}

await using nginx = await startNginx(SERVER_CPU, PORT);
const samples = await alternate(
  [
    { name: 'loopscope', run: loopscope },
    { name: 'wrk', run: wrk },
  ],
  Number(values.rounds),
  (round, name, { requestsPerSec, cpuUsPerRequest }) => {
    const figures = `${requestsPerSec!.toFixed(0).padStart(8)}/s ${cpuUsPerRequest!.toFixed(3)} µs CPU/request`;
    process.stdout.write(`${String(round + 1).padStart(3)} ${name.padEnd(10)} ${figures}\n`);
  },
);
const throughput = compare(samples, 'requestsPerSec', 'loopscope', 'wrk');
const cpu = compare(samples, 'cpuUsPerRequest', 'loopscope', 'wrk');
for (const { metric, medians, ratio, pairedRatio } of [throughput, cpu]) {
  const parts = Object.entries(medians).map(([name, value]) => `${name} ${value.toPrecision(6)}`);
  process.stdout.write(
    `${metric}: ${parts.join(', ')}; ratio ${ratio.toFixed(3)}, paired ${pairedRatio.toFixed(3)}\n`,
  );
}
const path = writeResults('http-closed', { options: values, serverPid: nginx.pid, throughput, cpu, samples });
process.stdout.write(`wrote ${path}\n`);
