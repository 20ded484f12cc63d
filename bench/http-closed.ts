/**
 * Closed loop against nginx beside wrk: throughput and CPU per request of the whole client process. nginx has one
 * worker on CPU 0, the client CPU 1, 100 keep-alive connections; the tools run by turns.
 *
 *   npm run bench -- http-closed [--rounds 10] [--seconds 5] [--connections 100] [--backend auto]
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
    seconds: { type: 'string', default: '5' },
    connections: { type: 'string', default: '100' },
    backend: { type: 'string', default: 'auto' },
  },
});
const { seconds, connections, backend } = values;
const target = `http://127.0.0.1:${PORT}/`;

async function loopscope(): Promise<Sample> {
  const node = [process.execPath, '--disable-warning=ExperimentalWarning'];
  const client = join(import.meta.dirname, 'lib', 'load-client.ts');
  const { output, cpuSec } = await runPinned(CLIENT_CPU, [
    ...node,
    client,
    target,
    connections,
    seconds,
    '0',
    backend,
  ]);
  const result = JSON.parse(output) as Record<string, number>;
  const threadSec = result.threadUserSec! + result.threadSystemSec!;
  return {
    requestsPerSec: result.requestsPerSec!,
    cpuUsPerRequest: (cpuSec * 1e6) / result.okCount!,
    loadThreadUsPerRequest: (threadSec * 1e6) / result.okCount!,
    failedCount: result.failedCount!,
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
