// Goal: a run that goes wrong is told to the person who waits for it: a headline, no trace of ours, the documented status.
// Method: bin/loopscope without --json, against servers that are too slow, never accept, fail, or go away.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { temporaryFolder } from '../fixtures/guard.ts';
import { type LoopscopeResult, runLoopscope } from '../fixtures/loopscope.ts';
import { freePort, untilListening } from '../fixtures/ports.ts';
import { start, until } from '../fixtures/process.ts';
import { assertTold } from '../fixtures/readable.ts';

const folder = temporaryFolder();
after(() => folder[Symbol.dispose]());

/** A node that answers each request with `body`; `http` and `port` are there. */
async function nodeServer(body: string) {
  const port = await freePort();
  const code = `const http = require('http'), port = ${port};\n${body}`;
  const server = start(process.execPath, ['-e', code]);
  await untilListening({ port });
  return { server, url: `http://127.0.0.1:${port}/` };
}

const SLOW = `http.createServer((q, r) => {
  const end = Date.now() + 5;
  while (Date.now() < end);
  r.end('ok');
}).listen(port, '127.0.0.1');`;

test('a rate above what the server can do: the commonest run of all, and every form of it', async () => {
  const { server, url } = await nodeServer(SLOW);
  await using _ = server;
  const file = (name: string) => join(folder.path, name);
  const files = ['out', 'html', 'hdr', 'csv'].flatMap((form) => [`--${form}`, file(`overload.${form}`)]);
  const result = await runLoopscope(['load', url, '--rate', '1000', '-c', '10', '-d', '2s', ...files]);
  assertTold(result);
  assert.match(result.stdout, /^[\d ]+ requests?, \d+ % failed \(.*unsent/);
  assert.equal(result.code, 3, result.stdout);
  assert.match(readFileSync(file('overload.html'), 'utf8'), /<\/html>\s*$/);
  const again = await runLoopscope(['report', file('overload.out')]);
  assertTold(again);
  assert.equal(again.stdout.split('\n')[0], result.stdout.split('\n')[0]);
});

const CASES: [name: string, server: string, args: string[]][] = [
  ['every request fails', `http.createServer((q, r) => q.socket.destroy()).listen(port, '127.0.0.1');`, []],
  [
    'the target goes away',
    `let n = 0;
http.createServer((q, r) => ++n === 50 ? process.exit() : r.end('ok')).listen(port, '127.0.0.1');`,
    [],
  ],
  [
    'nobody accepts',
    `require('net').createServer({ pauseOnConnect: true }, () => {}).listen(port, '127.0.0.1');`,
    ['--timeout', '500ms'],
  ],
];

for (const [name, body, args] of CASES) {
  test(`${name}: told`, async () => {
    const { server, url } = await nodeServer(body);
    await using _ = server;
    assertTold(await runLoopscope(['load', url, '--rate', '100', '-c', '4', '-d', '2s', ...args]));
  });
}

test('watched through /proc alone: told', async () => {
  const { server, url } = await nodeServer(SLOW);
  await using _ = server;
  const pid = String(server.pid);
  const args = ['doctor', url, '--pid', pid, '--tier', 'proc', '--rate', '50', '-d', '2s'];
  assertTold(await runLoopscope(args));
});

test('ended by Ctrl-C: told of the part that was', async () => {
  const mark = join(folder.path, 'asked');
  const { server, url } = await nodeServer(
    `http.createServer((q, r) => {
      require('fs').writeFileSync(${JSON.stringify(mark)}, '');
      r.end('ok');
    }).listen(port, '127.0.0.1');`,
  );
  await using _ = server;
  const result: LoopscopeResult = await runLoopscope(['load', url, '--rate', '50', '-d', '60s'], {
    started: async (process) => {
      await until('the first request', () => existsSync(mark));
      await delay(1000);
      process.child.kill('SIGINT');
    },
  });
  assertTold(result);
  assert.match(result.stdout, /, \d\.\d\d s of 60\.0 s$/m);
  assert.equal(result.code, 130);
});
