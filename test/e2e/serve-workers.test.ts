// Goal: `loopscope serve` as an operator uses it: signals, counters, routes read again, misuse told.
// Method: bin/loopscope as a process; requests by hand.
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../fixtures/guard.ts';
import { binPath, errorOf, runLoopscope } from '../fixtures/loopscope.ts';
import { type Started, start, until } from '../fixtures/process.ts';

type Ready = { pid: number; targets: string[]; workers: number[] };
type Line = { worker?: number; pid?: number; requests?: number; state?: string; requestCount?: number };

const lines = (server: Started) =>
  server
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as Line);

async function serveHttp(...args: string[]): Promise<{ server: Started; ready: Ready; socketPath: string }> {
  const server = start(binPath, ['serve', 'http', '--json', ...args]);
  const ready = (await until('the ready line', () => lines(server)[0], 15_000)) as unknown as Ready;
  return { server, ready, socketPath: ready.targets[0]!.replace('unix+http:', '') };
}

function ask(socketPath: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, path, agent: false }, (reply) => {
      let text = `${reply.statusCode} `;
      reply.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      reply.on('end', () => resolve(text));
    });
    sent.on('error', reject);
    sent.end();
  });
}

test('workers: routes read again at SIGHUP, counters at SIGUSR1 and at the end, exit 0, nothing left', async () => {
  using folder = temporaryFolder();
  const routes = join(folder.path, 'routes.json');
  writeFileSync(routes, '{"/x": "old"}');
  const listen = `unix+http:${join(folder.path, 'http.sock')}`;
  const { server, ready, socketPath } = await serveHttp(
    ...['--listen', listen, '--workers', '2', '--routes', routes, '--stats', '--unix-mode', '600'],
  );
  await using _ = server;
  assert.equal(ready.workers.length, 2);
  assert.equal(await ask(socketPath, '/x'), '200 old');
  assert.match(await ask(socketPath, '/y'), /^404 /);

  writeFileSync(routes, '{"/x": ');
  server.child.kill('SIGHUP');
  await until('news of it', () => server.output().includes('reload failed'));
  assert.equal(await ask(socketPath, '/x'), '200 old', 'a bad file changes nothing');
  writeFileSync(routes, '{"/x": "new"}');
  server.child.kill('SIGHUP');
  await until('the new route', async () => (await ask(socketPath, '/x')) === '200 new', 15_000);

  const before = lines(server).length;
  // A worker that has just come may not answer the first time.
  await until('counters of a new worker', () => {
    server.child.kill('SIGUSR1');
    const counters = lines(server).slice(before);
    return counters.some(({ state, pid }) => state === 'running' && !ready.workers.includes(pid!));
  });

  server.child.kill('SIGTERM');
  assert.deepEqual(await server.exited, { code: 0, signal: null });
  const all = lines(server);
  const summary = all.at(-1)!;
  const ended = all.filter(({ state }) => state === 'ended').slice(-4);
  assert.equal(
    ended.reduce((total, { requests }) => total + requests!, 0),
    summary.requestCount,
  );
  assert.equal(existsSync(socketPath), false);
});

test('one process: SIGUSR1 prints, SIGHUP ends it in good order', async () => {
  const { server, ready } = await serveHttp('--listen', 'http://127.0.0.1:0', '--route', '/a=b');
  await using _ = server;
  const reply = await fetch(new URL('/a', ready.targets[0]!));
  assert.equal(await reply.text(), 'b');
  assert.match(reply.headers.get('date')!, /GMT$/);
  server.child.kill('SIGUSR1');
  await until('counters', () => lines(server).some(({ worker, requests }) => worker === 0 && requests === 1));
  server.child.kill('SIGHUP');
  assert.deepEqual(await server.exited, { code: 0, signal: null });
  assert.equal(lines(server).at(-1)!.requestCount, 1);
});

test('misuse is told, with what to type next', async () => {
  const cases: [args: string[], message: RegExp, hint: RegExp][] = [
    [['http', '--accept', 'shared'], /--accept is about workers/, /--workers/],
    [['http', '--workers', '2', '--accept', 'shared', '--backend', 'ring'], /epoll/, /multishot/],
    [['agent', '--workers', '2', '--accept', 'reuseport'], /Unix path/, /TCP/],
    [['agent', '--route', '/a=b'], /serve http/, /--reply/],
    [['http', '--routes', '/absent.json'], /absent\.json: ENOENT/, /path/],
    [['http', '--cpus', 'all'], /--cpus/, /0-/],
    [['http', '--nice', '99'], /--nice/, /^$/],
    [['ftp'], /"ftp"/, /agent, http, echo/],
  ];
  for (const [args, message, hint] of cases) {
    const result = await runLoopscope(['serve', ...args, '--json']);
    const error = errorOf(result);
    assert.equal(result.code, 2, args.join(' '));
    assert.match(error.message, message);
    assert.match(error.hint, hint);
  }
});
