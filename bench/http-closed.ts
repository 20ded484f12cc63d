/**
 * Closed loop against nginx beside wrk, h2load, ab, hey and autocannon: throughput, and CPU per request of the whole client
 * process with its start-up. nginx has one worker on CPU 0, the client CPU 1, 100 keep-alive connections; the tools run
 * by turns, wrk in each round, the others in every fourth. What is not installed is named and left out. In each round, too,
 * a C program that sends and receives and looks at nothing: what is left to gain (lib/bare-client.c).
 *
 *   npm run bench -- http-closed [--rounds 8] [--seconds 10] [--connections 100] [--backend auto] [--peers-every 4]
 *                                [--only wrk,hey] [--autocannon node_modules/autocannon/autocannon.js]
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bareClient, httpPeers, isInstalled, type LoadTask, runPeer } from './lib/http-peers.ts';
import { loopscopeLoad } from './lib/loopscope.ts';
import { startNginx } from './lib/pinned.ts';
import { writeResults } from './lib/results.ts';
import { alternate, compare, comparisonLine, type Variant } from './lib/rounds.ts';

const SERVER_CPU = 0;
const PORT = 18_180;
const US = 'loopscope';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '8' },
    seconds: { type: 'string', default: '10' },
    connections: { type: 'string', default: '100' },
    backend: { type: 'string', default: 'auto' },
    'peers-every': { type: 'string', default: '4' },
    only: { type: 'string' },
    autocannon: {
      type: 'string',
      default: join(import.meta.dirname, '../node_modules/autocannon/autocannon.js'),
    },
  },
});
const { seconds, connections, backend } = values;
const task: LoadTask = { cpu: 1, target: `http://127.0.0.1:${PORT}/`, connections, seconds };
const only = values.only?.split(',');
const print = (line: string) => process.stdout.write(`${line}\n`);

const bare = bareClient();
const wanted = [...httpPeers(values.autocannon), ...(bare ? [bare] : [])].filter(
  ({ name }) => !only || only.includes(name.split(' ')[0]!),
);
const peers = wanted.filter((peer) => isInstalled(peer, task));
const absent = wanted
  .filter((peer) => !peers.includes(peer))
  .map(({ name, source }) => `${name} (${source})`);
for (const text of absent) print(`not installed, left out: ${text}`);

const variants: Variant[] = [
  {
    name: US,
    run: () =>
      loopscopeLoad(task.cpu, task.target, ['-c', connections, '-d', `${seconds}s`, '--backend', backend]),
  },
  ...peers.map((peer) => ({
    name: peer.name,
    every: peer.name === 'wrk' || peer === bare ? 1 : Number(values['peers-every']),
    run: () => runPeer(peer, task),
  })),
];

await using nginx = await startNginx(SERVER_CPU, PORT);
const samples = await alternate(variants, Number(values.rounds), (round, name, sample) => {
  const figures = `${sample.requestsPerSec!.toFixed(0).padStart(8)}/s ${sample.cpuUsPerRequest!.toFixed(3)} µs CPU/request`;
  print(`${String(round + 1).padStart(3)} ${name.padEnd(12)} ${figures}`);
});
const comparisons = peers.map(({ name }) => ({
  peer: name,
  throughput: compare(samples, 'requestsPerSec', US, name),
  cpu: compare(samples, 'cpuUsPerRequest', US, name),
}));
for (const { peer, throughput, cpu } of comparisons) {
  print(`beside ${peer}`);
  for (const comparison of [throughput, cpu]) print(`  ${comparisonLine(comparison)}`);
}
const hasFloor = bare !== null && peers.includes(bare) && peers.some(({ name }) => name === 'wrk');
const floor = hasFloor ? compare(samples, 'cpuUsPerRequest', bare.name, 'wrk') : null;
if (floor) print(`the floor\n  ${comparisonLine(floor)}`);
const path = writeResults('http-closed', {
  options: { ...values, autocannon: undefined },
  serverPid: nginx.pid,
  absent,
  comparisons,
  floor,
  samples,
});
print(`wrote ${path}`);
