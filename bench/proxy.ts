/**
 * `serve proxy` beside nginx's stream module, haproxy in TCP mode and no proxy at all. By turns: CPU a request at 100
 * keep-alive connections, of proxy, server and client together; connections a second of one request each; seconds for a
 * bulk transfer. The proxy has CPU 1, client and server CPU 0. The floor is the barest relay on the same loop: what a relay
 * by io_uring or epoll costs on this kernel with nothing around it.
 *
 *   npm run bench -- proxy [--rounds 6] [--seconds 1] [--connections 100] [--bytes 1000000000] [--proxies ring,epoll]
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { parseTarget } from '../src/base/address.ts';
import { createClock } from '../src/base/clock.ts';
import { startLoad } from '../src/drive/drive.ts';
import { getAffinity, setAffinity } from '../src/kernel/process.ts';
import { runPinned, startPinned } from './lib/pinned.ts';
import { type ProxyPeer, startProxies } from './lib/proxy-peers.ts';
import { writeResults } from './lib/results.ts';
import { alternate, compare, comparisonLine, type Sample } from './lib/rounds.ts';

const CLIENT_CPU = 0;
const PROXY_CPU = 1;
const SERVER_PORT = 20_900;
const FIRST_PROXY_PORT = 20_901;
const WARM_UP_SEC = 1;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '6' },
    seconds: { type: 'string', default: '1' },
    connections: { type: 'string', default: '100' },
    bytes: { type: 'string', default: '1000000000' },
    proxies: { type: 'string', default: 'ring,epoll' },
  },
});
const print = (line: string) => process.stdout.write(`${line}\n`);

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

/** One closed load through a proxy, or on the server itself. Our own tree has all of them in it: they are our children. */
async function load(
  port: number,
  proxy: ProxyPeer | null,
  seconds: number,
  perConnection: number | null,
): Promise<Sample> {
  const before = { all: treeCpuNs(process.pid), proxy: proxy ? treeCpuNs(proxy.pid) : 0 };
  const { counts, startNs, endNs } = await startLoad({
    clock: createClock(),
    target: parseTarget(`http://127.0.0.1:${port}/`),
    arrival: 'closed',
    ratePerSec: null,
    connectionCount: Number(values.connections),
    threadCount: 1,
    durationNs: seconds * 1e9,
    warmupNs: 0,
    timeoutNs: 2e9,
    seed: 1,
    backend: 'auto',
    ...(perConnection !== null && { requestsPerConnection: perConnection }),
  }).done;
  const us = (ns: number) => ns / 1e3 / counts.ok;
  return {
    requestsPerSec: (counts.ok * 1e9) / (endNs - startNs),
    allCpuUs: us(treeCpuNs(process.pid) - before.all),
    proxyCpuUs: proxy ? us(treeCpuNs(proxy.pid) - before.proxy) : 0,
    failedCount: counts.planned - counts.ok,
  };
}

async function bulk(port: number): Promise<Sample> {
  const url = `http://127.0.0.1:${port}/bulk`;
  const { output } = await runPinned(CLIENT_CPU, [
    'curl',
    '-sS',
    '-o',
    '/dev/null',
    '-w',
    '%{time_total}',
    url,
  ]);
  return { bulkSec: Number(output) };
}

const before = getAffinity(0);
setAffinity(0, [CLIENT_CPU]);
const folder = mkdtempSync(join(tmpdir(), 'loopscope-bench-'));
await using cleanup = new AsyncDisposableStack();
cleanup.defer(() => {
  rmSync(folder, { recursive: true, force: true });
  setAffinity(0, before);
});
writeFileSync(join(folder, 'bulk'), '');
truncateSync(join(folder, 'bulk'), Number(values.bytes));
writeFileSync(
  join(folder, 'nginx.conf'),
  `worker_processes 1; daemon off; pid ${folder}/pid; error_log ${folder}/error.log;
  events { worker_connections 4096; }
  http {
    access_log off; keepalive_requests 1000000000; sendfile on;
    client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder};
    uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
    server { listen 127.0.0.1:${SERVER_PORT} backlog=4096; location / { return 200 "ok"; }
      location = /bulk { root ${folder}; } }
  }`,
);
const serverCommand = ['nginx', '-p', folder, '-c', join(folder, 'nginx.conf')];
cleanup.use(await startPinned(CLIENT_CPU, serverCommand, SERVER_PORT));
const ours = values.proxies.split(',');
const names = ['nginx', 'haproxy', ...ours, ...ours.map((name) => `floor-${name}`)];
const proxies = await startProxies(names, PROXY_CPU, FIRST_PROXY_PORT, SERVER_PORT);
for (const proxy of proxies) cleanup.use(proxy);

const ways = [
  { name: 'direct', port: SERVER_PORT, proxy: null },
  ...proxies.map((proxy) => ({ ...proxy, proxy })),
];
for (const { port, proxy } of ways) await load(port, proxy, WARM_UP_SEC, null);

const seconds = Number(values.seconds);
type Way = (typeof ways)[number];
const measurements: { name: string; metric: string; peer: string; run(way: Way): Promise<Sample> }[] = [
  {
    name: 'requests',
    metric: 'allCpuUs',
    peer: 'nginx',
    run: ({ port, proxy }) => load(port, proxy, seconds, null),
  },
  {
    name: 'connections',
    metric: 'requestsPerSec',
    peer: 'haproxy',
    run: ({ port, proxy }) => load(port, proxy, seconds, 1),
  },
  { name: 'bulk', metric: 'bulkSec', peer: 'haproxy', run: ({ port }) => bulk(port) },
];
const results = [];
for (const { name: what, metric, peer, run } of measurements) {
  const variants = ways.map((way) => ({ name: way.name, run: () => run(way) }));
  const samples = await alternate(variants, Number(values.rounds), (round, name, sample) => {
    const figures = Object.entries(sample).map(([key, value]) => `${key} ${value.toPrecision(5)}`);
    print(
      `${what.padEnd(12)} ${String(round + 1).padStart(3)} ${name.padEnd(12)} ${figures.slice(1).join('  ')}`,
    );
  });
  const others = ways.map(({ name }) => name).filter((name) => name !== peer);
  results.push({
    what,
    metric,
    comparisons: others.map((name) => compare(samples, metric, name, peer)),
    samples,
  });
}
for (const { what, comparisons } of results) {
  print(what);
  for (const comparison of comparisons) print(`  ${comparisonLine(comparison)}`);
}
const path = writeResults('proxy', { options: values, results });
print(`wrote ${path}`);
