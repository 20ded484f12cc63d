// Goal: what a proxy keeps is bounded and as documented: little for those who are silent, 192 KB for a reader that does not
// keep up. Method: its resident memory as the kernel tells it, with ten thousand idle clients
// (or as many as descriptors allow), and with two hundred whose upstream sends without end.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../fixtures/process.ts';
import { type Serving, startServing } from '../fixtures/serve.ts';

const MB = 1 << 20;
/** Each takes two descriptors here, and two of the proxy. */
const IDLE_CLIENTS = Math.min(10_000, Math.floor((descriptorLimit() - 500) / 200) * 100);
const AT_ONCE = 100;
const SLOW_READERS = 200;
const QUEUED_BYTES = 192 << 10;
const RESIDENT_LIMIT_BYTES = 250e6;

function descriptorLimit(): number {
  return Number(/Max open files\s+(\d+)/.exec(readFileSync('/proc/self/limits', 'utf8'))![1]);
}

function residentBytes({ pid }: Serving): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024;
}

async function listening(
  onClient: (socket: Socket) => void,
): Promise<{ server: Server; port: number } & AsyncDisposable> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}).once('close', () => sockets.delete(socket)));
    onClient(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', 4096, resolve));
  const dispose = async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  return { server, port: (server.address() as { port: number }).port, [Symbol.asyncDispose]: dispose };
}

/** Connected through: a byte went to the upstream, and what came back is the last that is read. */
function client(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('?'));
    socket.once('error', reject).once('data', () => {
      socket.pause();
      resolve(socket);
    });
  });
}

test(`${IDLE_CLIENTS} idle clients take less than 250 MB`, async () => {
  await using upstream = await listening((socket) => socket.pipe(socket));
  await using proxy = await startServing(
    'proxy',
    '-l',
    '127.0.0.1:0',
    '-u',
    `127.0.0.1:${upstream.port}`,
    '--backlog',
    '4096',
  );
  const port = Number(new URL(proxy.target).port);
  const clients: Socket[] = [];
  while (clients.length < IDLE_CLIENTS) {
    clients.push(...(await Promise.all(Array.from({ length: AT_ONCE }, () => client(port)))));
  }
  const bytes = residentBytes(proxy);
  for (const socket of clients) socket.on('error', () => {}).destroy();
  assert.ok(bytes < RESIDENT_LIMIT_BYTES, `${(bytes / 1e6).toFixed(0)} MB`);
});

test('two hundred readers that do not keep up take what is documented', async () => {
  const block = Buffer.alloc(MB);
  await using upstream = await listening((socket) => {
    const pour = () => {
      while (socket.write(block));
    };
    socket.on('drain', pour);
    socket.write('!');
    pour();
  });
  await using proxy = await startServing('proxy', '-l', '127.0.0.1:0', '-u', `127.0.0.1:${upstream.port}`);
  const port = Number(new URL(proxy.target).port);
  const before = residentBytes(proxy);
  const clients = await Promise.all(Array.from({ length: SLOW_READERS }, () => client(port)));
  for (const socket of clients) socket.on('error', () => {});
  // All that can be queued is queued once the upstreams are stalled: what came from them no longer grows.
  let last = -1;
  await until(
    'silence',
    async () => {
      proxy.process.child.kill('SIGUSR1');
      await delay(500);
      const { proxy: counts } = proxy.lines().at(-1) as { proxy?: { downBytes: number } };
      const isSilent = counts?.downBytes === last && last > 0;
      last = counts?.downBytes ?? -1;
      return isSilent || null;
    },
    60_000,
  );
  const grown = residentBytes(proxy) - before;
  for (const socket of clients) socket.destroy();
  const bound = SLOW_READERS * QUEUED_BYTES + 48 * MB;
  assert.ok(grown < bound, `${(grown / MB).toFixed(0)} MB more, not ${(bound / MB).toFixed(0)}`);
});
