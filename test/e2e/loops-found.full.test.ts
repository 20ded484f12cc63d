// Goal: the loops of real servers are found, by the call they wait in, and their turns counted. Method: each server gets
// a known number of requests, one after the other over one connection, while `watch --json` looks on: each request is
// one event of one loop, and nothing else happens but the server's own timers.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { temporaryFolder } from '../fixtures/guard.ts';
import { binPath } from '../fixtures/loopscope.ts';
import { nginxPath, startNginx } from '../fixtures/nginx.ts';
import { startNodeServer } from '../fixtures/node-server.ts';
import { freePort, untilListening } from '../fixtures/ports.ts';
import { findProgram, type Started, start } from '../fixtures/process.ts';
import { redisServerPath, startRedis } from '../fixtures/redis.ts';
import { ASYNCIO, HAPROXY, pythonPath } from '../fixtures/small-servers.ts';
import { watchStream, windowSum } from '../fixtures/watch-stream.ts';
import { needs } from '../helpers/needs.ts';

const REQUESTS = 400;
const HTTP = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';

type Expected = {
  /** Loops that are there, and how they wait. */
  loopCount: number | { atLeast: number };
  waitCall: RegExp;
  /** Events for one request: one for most. */
  eventsPerRequest?: number;
  /** Events that have nothing to do with requests: accepting, closing, a helper's wake-ups. */
  slack?: number;
};

/** Sends one request after the other, each when the last is answered. */
function talk(port: number, request: string, answer: RegExp, count: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let left = count;
    let text = '';
    const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => socket.write(request));
    socket.setTimeout(10_000, () => socket.destroy(new Error(`no answer: ${text.slice(-300)}`)));
    socket.on('error', reject);
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      const match = answer.exec(text);
      if (!match) return;
      text = text.slice(match.index + match[0].length);
      if (--left > 0) socket.write(request);
      else {
        socket.destroy();
        resolve();
      }
    });
  });
}

async function expectLoops(
  subject: string,
  port: number,
  expected: Expected,
  request = HTTP,
  answer = /\r\n\r\n(?:5\r\n)?hello\n?(?:\r\n0\r\n\r\n)?|\r\n\r\nok|Content-Length: \d+\r\n[\s\S]*?\r\n\r\n[^H]*/i,
): Promise<void> {
  await using watch = watchStream([subject, '--armed', 'never']);
  await watch.next('a window', ({ type }) => type === 'window');
  await delay(300);
  const eventsBefore = windowSum(watch.objects, 'events');
  await talk(port, request, answer, REQUESTS);
  await delay(400);
  const { code, report } = await watch.stop();
  assert.equal(code, 0, watch.process.output().slice(-2000));
  assert.deepEqual(watch.broken, []);
  const observation = report!.observation as { loops: { wait_call: string | null; cycles: number }[] };
  const calls = observation.loops.map(({ wait_call }) => wait_call);
  const { loopCount } = expected;
  if (typeof loopCount === 'number') assert.equal(calls.length, loopCount, calls.join(', '));
  else assert.ok(calls.length >= loopCount.atLeast, calls.join(', '));
  for (const call of calls) assert.match(call ?? '', expected.waitCall);
  const events = windowSum(watch.objects, 'events') - eventsBefore;
  const wanted = REQUESTS * (expected.eventsPerRequest ?? 1);
  const slack = expected.slack ?? 40;
  assert.ok(events >= wanted && events <= wanted + slack, `${events} events for ${REQUESTS} requests`);
  const cycles = windowSum(watch.objects, 'cycles');
  assert.ok(cycles >= REQUESTS * 0.95, `${cycles} turns for ${REQUESTS} requests`);
}

function canRun(t: TestContext, path: string | null, name: string): boolean {
  return needs(t, process.geteuid?.() === 0, 'root, for BPF') && needs(t, path !== null, name);
}

/** Starts a program that listens on a port, gives it to `during`, and ends it. */
async function serving(
  argv: string[],
  port: number,
  during: (server: Started) => Promise<void>,
): Promise<void> {
  await using server = start(argv[0]!, argv.slice(1));
  await untilListening({ port }, 10_000);
  await during(server);
}

test('nginx, two workers: by the master’s pid', async (t) => {
  if (!canRun(t, nginxPath, 'nginx')) return;
  await using nginx = await startNginx({ workerCount: 2 });
  // An accept wakes both workers, and the one that lost finds nothing.
  await expectLoops(String(nginx.masterPid), nginx.port, { loopCount: 2, waitCall: /^epoll_wait$/ });
});

test('redis-server: one loop, its cron no event', async (t) => {
  if (!canRun(t, redisServerPath, 'redis-server')) return;
  await using redis = await startRedis();
  await expectLoops(
    `:${redis.port}`,
    redis.port,
    { loopCount: 1, waitCall: /^epoll_p?wait$/ },
    'PING\r\n',
    /\+PONG\r\n/,
  );
});

test('haproxy: zero timeouts are no turns of their own', async (t) => {
  const path = findProgram('haproxy');
  if (!canRun(t, path, 'haproxy')) return;
  using folder = temporaryFolder();
  const port = await freePort();
  writeFileSync(join(folder.path, 'haproxy.cfg'), HAPROXY(port));
  await serving([path!, '-db', '-f', join(folder.path, 'haproxy.cfg')], port, async (server) => {
    await expectLoops(String(server.pid), port, { loopCount: 1, waitCall: /^epoll_wait$/ });
  });
});

test('memcached: its worker threads, each with a loop of its own', async (t) => {
  const path = findProgram('memcached');
  if (!canRun(t, path, 'memcached')) return;
  const port = await freePort();
  const argv = [path!, '-u', 'root', '-l', '127.0.0.1', '-p', String(port), '-U', '0', '-t', '4', '-m', '16'];
  await serving(argv, port, async (server) => {
    const expected = { loopCount: { atLeast: 5 }, waitCall: /^epoll_p?wait2?$/ };
    await expectLoops(String(server.pid), port, expected, 'get nothing\r\n', /END\r\n/);
  });
});

test('Python’s asyncio', async (t) => {
  const path = pythonPath();
  if (!canRun(t, path, 'python3')) return;
  const port = await freePort();
  await serving([path!, '-c', ASYNCIO, String(port)], port, async (server) => {
    await expectLoops(
      String(server.pid),
      port,
      { loopCount: 1, waitCall: /^epoll_p?wait$/ },
      'x\n',
      /hello\n/,
    );
  });
});

test('Node as installed here, and the one that runs this: peeks are no turns', async (t) => {
  const installed = findProgram('node');
  if (!canRun(t, installed, 'node')) return;
  for (const nodePath of new Set([installed!, process.execPath])) {
    await using node = await startNodeServer('none', { nodePath });
    const version = spawnSync(nodePath, ['--version']).stdout.toString().trim();
    await expectLoops(String(node.pid), node.port, {
      loopCount: 1,
      waitCall: /^epoll_p?wait$/,
      slack: 80,
    }).catch((error) => assert.fail(`${version}: ${error.message}`));
  }
});

test('our own server on io_uring, and on epoll', async (t) => {
  if (!canRun(t, binPath, 'loopscope')) return;
  for (const [backend, waitCall] of [
    ['epoll', /^epoll_p?wait2?$/],
    ['ring', /^io_uring_enter$/],
  ] as const) {
    const port = await freePort();
    const argv = [
      binPath,
      'serve',
      'http',
      '-l',
      `http://127.0.0.1:${port}`,
      '--backend',
      backend,
      '--reply',
      'hello',
    ];
    await serving(argv, port, async (server) => {
      await expectLoops(String(server.pid), port, { loopCount: 1, waitCall }).catch((error) =>
        assert.fail(`${backend}: ${error.message}`),
      );
    });
  }
});
