// Goal: load and replay go through a forward proxy as a user asks, and the password stays out of everything that is kept.
// Method: a proxy and a server of the test's own; what the proxy was asked is compared with what the reports say.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { type ForwardProxy, startForwardProxy } from '../fixtures/forward-proxy.ts';
import { temporaryFolder } from '../fixtures/guard.ts';
import { errorOf, reportOf, runLoopscope } from '../fixtures/loopscope.ts';
import { until } from '../fixtures/process.ts';

const SECRET = 'open-sesame';
const CREDENTIALS = `ali:${SECRET}`;
const COUNTED = [
  '-n',
  '40',
  '-d',
  '20s',
  '-c',
  '4',
  '--timeout',
  '10s',
  '--connect-timeout',
  '10s',
  '--json',
];

type Server = { port: number; urls: string[]; [Symbol.asyncDispose](): Promise<void> };

/** Answers, and closes each connection after some requests: they are opened again. */
async function startServer(): Promise<Server> {
  const urls: string[] = [];
  const server = createServer((incoming, outgoing) => {
    urls.push(incoming.url!);
    outgoing.end('hello');
  });
  server.maxRequestsPerSocket = 5;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    urls,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const proxyArgs = ({ port }: ForwardProxy) => ['--proxy', `http://${CREDENTIALS}@127.0.0.1:${port}`];

test('load: asked for each request, then by tunnels; nothing that is kept has the password', async () => {
  await using server = await startServer();
  await using proxy = await startForwardProxy({ credentials: CREDENTIALS });
  using folder = temporaryFolder();
  const target = `http://127.0.0.1:${server.port}/a?b=1`;
  const files = ['a.loopscope', 'a.html', 'a.xml'].map((name) => join(folder.path, name));
  const keep = ['--out', files[0]!, '--html', files[1]!, '--junit', files[2]!];
  const forward = await runLoopscope(['load', target, ...COUNTED, ...proxyArgs(proxy), ...keep], {
    started: async ({ pid }) => {
      await until('a command line without the password', () => {
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        return line.includes('***@') && !line.includes(SECRET);
      });
    },
  });
  const { plan, counts } = reportOf(forward).load!;
  assert.deepEqual([counts.ok, counts.planned], [40, 40], forward.stdout);
  assert.deepEqual(plan.proxy, { url: `http://127.0.0.1:${proxy.port}`, tunnel: false });
  assert.equal(proxy.asked.length, 40);
  for (const { line, host } of proxy.asked) {
    assert.deepEqual([line, host], [`GET ${target}`, `127.0.0.1:${server.port}`]);
  }
  const kept = [forward.stdout, forward.stderr, ...files.map((file) => readFileSync(file, 'latin1'))].join(
    '\n',
  );
  const encoded = Buffer.from(CREDENTIALS).toString('base64');
  for (const secret of [SECRET, encoded]) assert.ok(!kept.includes(secret), `${secret} is kept`);
  assert.match(kept, /http:\/\/\*\*\*@127/);

  const tunnel = await runLoopscope(['load', target, ...COUNTED, ...proxyArgs(proxy), '--proxytunnel']);
  const { load } = reportOf(tunnel);
  assert.equal(load!.counts.ok, 40, tunnel.stdout);
  const connects = proxy.asked.slice(40);
  // The last may have been asked for when the run ended.
  assert.ok(connects.length >= load!.connections.tunnels!.opened);
  assert.equal(load!.connections.tunnels!.opened, load!.connections.opened);
  assert.ok(connects.length > 4, 'the server closed some, and tunnels were asked for again');
  for (const { line } of connects) assert.equal(line, `CONNECT 127.0.0.1:${server.port}`);
  assert.deepEqual(new Set(server.urls), new Set(['/a?b=1']));
});

test('replay: the proxy is asked for the target, whatever host the log has', async () => {
  await using server = await startServer();
  await using proxy = await startForwardProxy({ credentials: CREDENTIALS, host: '::1' });
  using folder = temporaryFolder();
  const log = join(folder.path, 'access.log');
  const stamp = '[29/Nov/2026:07:04:55 +0000]';
  const lines = ['/1', 'http://shop.example/2', '/3'].map(
    (path) => `127.0.0.1 - - ${stamp} "GET ${path} HTTP/1.1" 200 5 "-" "-"\n`,
  );
  writeFileSync(log, lines.join(''));
  const target = `http://127.0.0.1:${server.port}`;
  const result = await runLoopscope(
    [
      'replay',
      log,
      '--target',
      target,
      '--json',
      '--timeout',
      '10s',
      '--connect-timeout',
      '10s',
      '--proxy',
      `http://ali@[::1]:${proxy.port}`,
    ],
    { env: { LOOPSCOPE_PROXY_PASSWORD: SECRET } },
  );
  assert.equal(reportOf(result).load!.counts.ok, 3, result.stdout);
  assert.deepEqual(proxy.asked.map(({ line }) => line).sort(), [
    `GET ${target}/1`,
    `GET ${target}/2`,
    `GET ${target}/3`,
  ]);
});

test('a proxy that refuses is named with its word; exit 4', async () => {
  await using proxy = await startForwardProxy({
    answer: 'HTTP/1.1 403 Not That Port\r\n\r\nask somebody else',
  });
  const args = ['load', 'tcp://10.0.0.1:7', '--connect-timeout', '10s', '--timeout', '10s', '--json'];
  const result = await runLoopscope([...args, '--proxy', `http://127.0.0.1:${proxy.port}`]);
  assert.equal(result.code, 4);
  const { code, message } = errorOf(result);
  assert.equal(code, 'PROXY_UNUSABLE');
  assert.match(
    message,
    /answered 403 to CONNECT 10\.0\.0\.1:7: “HTTP\/1\.1 403 Not That Port ask somebody else”/,
  );
});
