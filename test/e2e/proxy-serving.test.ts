// Goal: `loopscope serve proxy` as an operator uses it: upstreams that are gone, silence, counters, misuse told.
// Method: bin/loopscope as a process, between sockets of the test.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../fixtures/guard.ts';
import { runLoopscope } from '../fixtures/loopscope.ts';
import { freePort } from '../fixtures/ports.ts';
import { until } from '../fixtures/process.ts';
import { type Serving, startServing } from '../fixtures/serve.ts';

type Counts = { proxy?: { unreached: number; upBytes: number; downBytes: number }; requests?: number };

/** Answers "hello" to whatever it is sent, and goes on. */
async function greeter(where: { port: number } | { path: string }): Promise<AsyncDisposable> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('data', () => socket.write('hello'));
  });
  await new Promise<void>((resolve) => server.listen(where, resolve));
  return {
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** What comes back for "hi", or the code of the error. */
function ask(where: { port: number } | { path: string }): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(where as { port: number }, () => socket.write('hi'));
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
    socket.once('close', () => resolve('closed'));
    socket.once('data', (bytes) => {
      resolve(bytes.toString());
      socket.destroy();
    });
  });
}

const portOf = ({ target }: Serving) => Number(new URL(target).port);

/** The counters that SIGUSR1 asks for. */
async function countsOf(serving: Serving): Promise<Counts> {
  const before = serving.lines().length;
  serving.process.child.kill('SIGUSR1');
  return await until('its counters', () => serving.lines()[before] as Counts | undefined);
}

test('over Unix sockets on both sides; an upstream that is gone is passed over, and counted', async () => {
  using folder = temporaryFolder();
  const [front, back] = [join(folder.path, 'front.sock'), join(folder.path, 'back.sock')];
  await using _upstream = await greeter({ path: back });
  const gone = await freePort();
  await using proxy = await startServing(
    ...['proxy', '-l', `unix:${front}`, '-u', `127.0.0.1:${gone}`, '-u', `unix:${back}`],
  );
  for (let i = 0; i < 4; i++) assert.equal(await ask({ path: front }), 'hello');
  const { proxy: counts, requests } = await until('the connections', async () => {
    const said = await countsOf(proxy);
    return said.requests === 4 && said;
  });
  assert.equal(requests, 4);
  assert.ok(counts!.unreached >= 1, `${counts!.unreached} unreached`);
  assert.deepEqual([counts!.upBytes, counts!.downBytes], [8, 20]);
  proxy.process.child.kill('SIGTERM');
  assert.equal((await proxy.process.exited).code, 0);
  assert.equal(existsSync(front), false, 'its socket file is gone');
});

test('with no upstream to be had a client is reset, and the proxy goes on', async () => {
  const gone = await freePort();
  await using proxy = await startServing('proxy', '-l', '127.0.0.1:0', '-u', `127.0.0.1:${gone}`);
  assert.equal(await ask({ port: portOf(proxy) }), 'ECONNRESET');
  await using _upstream = await greeter({ port: gone });
  await until('the upstream', async () => (await ask({ port: portOf(proxy) })) === 'hello');
});

test('a connection on which nothing comes is reset after its time', async () => {
  const port = await freePort();
  await using _upstream = await greeter({ port });
  await using proxy = await startServing(
    ...['proxy', '-l', '127.0.0.1:0', '-u', `127.0.0.1:${port}`, '--idle-timeout', '300ms'],
  );
  const socket = connect(portOf(proxy), '127.0.0.1');
  const code = await new Promise((resolve) =>
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code)),
  );
  assert.equal(code, 'ECONNRESET');
  proxy.process.child.kill('SIGINT');
  await proxy.process.exited;
  assert.equal((proxy.lines().at(-1) as { timedOutCount: number }).timedOutCount, 1);
});

test('misuse says what to type', async () => {
  const rows: [args: string[], words: RegExp][] = [
    [[], /needs somewhere to go[\s\S]*--upstream 127\.0\.0\.1:80/],
    [['-u', 'nginx'], /--upstream: nginx is no address[\s\S]*127\.0\.0\.1:8080/],
  ];
  for (const [args, words] of rows) {
    const { code: status, stderr } = await runLoopscope(['serve', 'proxy', ...args]);
    assert.equal(status, 2, args.join(' '));
    assert.match(stderr, words);
  }
});
