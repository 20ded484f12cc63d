// Goal: a load over fewer connections than asked says so, why, and what to type; and turns nobody's refusals into a storm.
// Method: few descriptors by ulimit, a Redis with few clients, a name with one dead address; what a person reads.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { reportOf, runLoopscope } from '../fixtures/loopscope.ts';
import { startNodeServer } from '../fixtures/node-server.ts';
import { redisServerPath, startRedis } from '../fixtures/redis.ts';
import { needs } from '../helpers/needs.ts';

const withFiles = (limit: number) => ['/bin/sh', '-c', `ulimit -n ${limit}; exec "$@"`, 'sh'];

test('too few descriptors to start: a sentence and what to type, whichever part lacks them', async () => {
  const threads = ['load', 'http://127.0.0.1:1/', '--threads', '8'];
  for (const limit of [16, 20, 30, 36, 44]) {
    const result = await runLoopscope(threads, { prefix: withFiles(limit) });
    assert.equal(result.code, 1, `${limit}: ${result.stdout}${result.stderr}`);
    assert.match(result.stderr, /^loopscope: .*EMFILE.*\n {2}try: .*ulimit -n \d+\n$/, String(limit));
  }
});

test('fewer descriptors than connections: told in the headline, by a check, and with what to type', async () => {
  await using server = await startNodeServer('none');
  const args = ['load', server.url, '-c', '100', '-d', '1s'];
  const { code, stdout } = await runLoopscope(args, { prefix: withFiles(50) });
  assert.equal(code, 0, stdout);
  const held = /100 connections asked, (\d+) held/.exec(stdout)?.[1];
  assert.ok(Number(held) > 5 && Number(held) < 45, stdout);
  const why = 'EMFILE, the client may not have more than 50 files open; type ulimit -n 512';
  assert.ok(stdout.includes(`WARN connections: ${held} of 100 connections could be kept: ${why}`), stdout);
});

test('a server with room for ten: ten are kept, it says why, and is not stormed', async (t) => {
  if (!needs(t, redisServerPath !== null, 'redis-server')) return;
  await using redis = await startRedis({ settings: { maxclients: '10' } });
  const target = `tcp://127.0.0.1:${redis.port}`;
  const args = ['load', target, '--codec', 'resp', '--body', 'PING', '-c', '50', '--rate', '500', '-d', '2s'];
  const { stdout } = await runLoopscope(args);
  // One client of the ten may be the fixture's own.
  assert.match(stdout, /50 connections asked, (9|10) held/);
  assert.match(
    stdout,
    /connections could be kept: the server closes them, saying .-ERR max number of clients/,
  );
  const { load } = reportOf(await runLoopscope([...args, '--json']));
  // 50 at first, ten retries at once, and 100 a second while it lasts.
  assert.ok(load!.connections.opened <= 50 + 10 + 100 * 4, `${load!.connections.opened} opened`);
});

test('localhost by the one address that answers, and no address that does', async () => {
  const server = createServer((_, response) => response.end('ok')).listen(0, '::1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  const args = ['load', `http://localhost:${port}/`, '-c', '4', '-d', '1s', '--json'];
  const { load } = reportOf(await runLoopscope(args));
  assert.deepEqual([load!.counts.error, load!.connections.held], [0, 4]);
  assert.deepEqual(
    load!.addresses.find(({ error }) => error === null),
    { address: `[::1]:${port}`, error: null },
  );
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  const { code, stderr } = await runLoopscope(args);
  assert.equal(code, 4);
  assert.match(stderr, new RegExp(`127\\.0\\.0\\.1:${port}: ECONNREFUSED`));
  assert.match(stderr, new RegExp(`\\[::1\\]:${port}: ECONNREFUSED`));
});
