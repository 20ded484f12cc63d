/**
 * `serve http` beside nginx's `return 200` on one core: CPU per request of the server's whole process tree, under the same
 * load. Both have CPU 1, the client CPU 0, 100 keep-alive connections, replies of the same length to the byte; by turns,
 * first at a fixed rate (open loop, Poisson), then as fast as they go (closed loop). Requests are counted by the servers
 * themselves, CPU by the scheduler, thread by thread. Each ratio is of two windows of one round.
 *
 *   npm run bench -- serve-http [--rounds 14] [--seconds 0.5] [--rate 20000] [--connections 100] [--servers ring,epoll]
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { parseTarget } from '../src/base/address.ts';
import { createClock } from '../src/base/clock.ts';
import { startLoad } from '../src/drive/drive.ts';
import { getAffinity, setAffinity } from '../src/kernel/process.ts';
import { type CountedServer, startCountedServer } from '../src/lab/counted-server.ts';
import { LOOPSCOPE } from './lib/loopscope.ts';
import { startNginx } from './lib/pinned.ts';
import { writeResults } from './lib/results.ts';
import { alternate, compare, comparisonLine, type Sample } from './lib/rounds.ts';

const CLIENT_CPU = 0;
const SERVER_CPU = 1;
const PORT = 18_182;
const PEER = 'nginx';
const WARM_UP_NS = 1.5e9;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '14' },
    seconds: { type: 'string', default: '0.5' },
    rate: { type: 'string', default: '20000' },
    connections: { type: 'string', default: '100' },
    servers: { type: 'string', default: 'ring,epoll' },
  },
});
const windowNs = Number(values.seconds) * 1e9;

/** A server under measurement. Both figures only ever grow. */
type Measured = { name: string; target: string; pid: number; requestCount(): Promise<number> };

/** CPU time of a process, its threads and descendants so far, ns: /proc/PID/task/TID/schedstat, field 1. */
function treeCpuNs(pid: number): number {
  let sum = 0;
  for (const tid of readdirSync(`/proc/${pid}/task`)) {
    sum += Number(readFileSync(`/proc/${pid}/task/${tid}/schedstat`, 'utf8').split(' ')[0]);
    const children = readFileSync(`/proc/${pid}/task/${tid}/children`, 'utf8').trim();
    for (const child of children === '' ? [] : children.split(' ')) sum += treeCpuNs(Number(child));
  }
  return sum;
}

/** One load on one server. */
async function measure(server: Measured, ratePerSec: number | null, durationNs: number): Promise<Sample> {
  const before = { count: await server.requestCount(), cpuNs: treeCpuNs(server.pid) };
  const { counts, startNs, endNs } = await startLoad({
    clock: createClock(),
    target: parseTarget(server.target),
    arrival: ratePerSec === null ? 'closed' : 'poisson',
    ratePerSec,
    connectionCount: Number(values.connections),
    threadCount: 1,
    durationNs,
    warmupNs: 0,
    timeoutNs: 2e9,
    seed: 1,
    backend: 'auto',
  }).done;
  const cpuNs = treeCpuNs(server.pid) - before.cpuNs;
  const count = (await server.requestCount()) - before.count;
  return {
    requestsPerSec: (count * 1e9) / (endNs - startNs),
    cpuUsPerRequest: cpuNs / 1e3 / count,
    cpuShare: cpuNs / (endNs - startNs),
    failedCount: counts.planned - counts.ok,
  };
}

/** A whole reply, read from a connection that ends after it. */
async function replyBytes(target: string): Promise<number> {
  const { connect } = await import('node:net');
  const { hostname, port } = new URL(target);
  return await new Promise<number>((resolve, reject) => {
    let count = 0;
    const socket = connect(Number(port), hostname);
    socket.once('connect', () => socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'));
    socket.on('data', (chunk) => {
      count += chunk.length;
      // One small reply comes in one piece.
      socket.destroy();
      resolve(count);
    });
    socket.once('error', reject);
  });
}

/** Ours, told a content type as long as is needed for replies of that many bytes. */
async function startOurs(backend: string, folder: string, bytes: number): Promise<CountedServer> {
  const path = join(folder, `${backend}.json`);
  const start = async (type: string) => {
    writeFileSync(path, JSON.stringify({ '*': { type, body: 'ok' } }));
    const program = ['taskset', '-c', String(SERVER_CPU), LOOPSCOPE];
    return await startCountedServer(program, [
      ...['http', '--listen', 'http://127.0.0.1:0/', '--backend', backend, '--routes', path],
    ]);
  };
  const plain = 'text/plain';
  const padding = '; v=';
  let missing = 0;
  {
    await using trial = await start(plain);
    missing = bytes - (await replyBytes(trial.target));
  }
  if (missing < padding.length) throw new Error(`${missing} bytes cannot be made up by a content type`);
  const server = await start(plain + padding.padEnd(missing, 'x'));
  const got = await replyBytes(server.target);
  if (got === bytes) return server;
  await server[Symbol.asyncDispose]();
  throw new Error(`replies of ${got} bytes, not ${bytes}`);
}

/** nginx's own count, without the question after it: the third number of stub_status' third line. */
function askNginx(port: number): () => Promise<number> {
  let asked = 0;
  return async () => {
    const text = await (await fetch(`http://127.0.0.1:${port}/status`)).text();
    return Number(/^ \d+ \d+ (\d+)/m.exec(text)?.[1]) - ++asked;
  };
}

const before = getAffinity(0);
setAffinity(0, [CLIENT_CPU]);
const folder = mkdtempSync(join(tmpdir(), 'loopscope-bench-'));
await using cleanup = new AsyncDisposableStack();
cleanup.defer(() => {
  rmSync(folder, { recursive: true, force: true });
  setAffinity(0, before);
});
const nginx = cleanup.use(await startNginx(SERVER_CPU, PORT));
const nginxTarget = `http://127.0.0.1:${PORT}/`;
const bytes = await replyBytes(nginxTarget);
const servers: Measured[] = [
  { name: PEER, target: nginxTarget, pid: nginx.pid, requestCount: askNginx(PORT) },
];
for (const name of values.servers.split(',')) {
  const ours = cleanup.use(await startOurs(name, folder, bytes));
  const requestCount = async () => (await ours.counters())[0]!.stats.requests;
  servers.push({ name, target: ours.target, pid: ours.pid, requestCount });
}

const loads = [
  { name: `${values.rate}/s`, ratePerSec: Number(values.rate) },
  { name: 'saturated', ratePerSec: null },
];
const print = (line: string) => process.stdout.write(`${line}\n`);
print(`replies of ${bytes} bytes from all`);
for (const server of servers) await measure(server, null, WARM_UP_NS);
const results = [];
for (const { name: load, ratePerSec } of loads) {
  const variants = servers.map((server) => ({
    name: server.name,
    run: () => measure(server, ratePerSec, windowNs),
  }));
  const samples = await alternate(variants, Number(values.rounds), (round, name, sample) => {
    const figures = `${sample.requestsPerSec!.toFixed(0).padStart(8)}/s ${sample.cpuUsPerRequest!.toFixed(3)} µs CPU/request`;
    print(`${load.padEnd(10)} ${String(round + 1).padStart(3)} ${name.padEnd(6)} ${figures}`);
  });
  const comparisons = servers
    .filter(({ name }) => name !== PEER)
    .map(({ name }) => compare(samples, 'cpuUsPerRequest', name, PEER));
  results.push({ load, comparisons, samples });
}
for (const { load, comparisons } of results) {
  print(load);
  for (const comparison of comparisons) print(`  ${comparisonLine(comparison)}`);
}
const path = writeResults('serve-http', { options: values, replyBytes: bytes, results });
print(`wrote ${path}`);
