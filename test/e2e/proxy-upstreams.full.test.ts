// Goal: with two workers a killed upstream is not noticed by clients, and upstreams change by admin socket and by file while
// the proxy runs. Method: servers that say their port, and clients that come one after the other.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { temporaryFolder } from '../fixtures/guard.ts';
import { runLoopscope } from '../fixtures/loopscope.ts';
import { until } from '../fixtures/process.ts';
import { startServing } from '../fixtures/serve.ts';

const folder = temporaryFolder();
after(() => folder[Symbol.dispose]());

async function startUpstream(): Promise<{ server: Server; name: string }> {
  const server = createServer((socket) => socket.on('error', () => {}).end(name));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  server.unref(); // Where an assertion fails, nobody closes it.
  const name = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { server, name };
}

/** What a client is told before the end; '' when it was turned away. */
function visit(port: number): Promise<string> {
  return new Promise((resolve) => {
    let said = '';
    connect(port, '127.0.0.1')
      .on('data', (bytes) => {
        said += bytes;
      })
      .on('error', () => {})
      .on('close', () => resolve(said));
  });
}

async function visits(port: number, count: number): Promise<string[]> {
  const found: string[] = [];
  for (let i = 0; i < count; i++) found.push(await visit(port));
  return [...new Set(found)].sort();
}

test('a killed upstream, the admin socket, and a file that is read again', async () => {
  const [one, two, three] = [await startUpstream(), await startUpstream(), await startUpstream()];
  const [list, admin] = [join(folder.path, 'upstreams.txt'), join(folder.path, 'admin.sock')];
  writeFileSync(list, `${one.name}\n${two.name} weight=2\n`);
  await using proxy = await startServing(
    ...['proxy', '-l', '127.0.0.1:0', '--workers', '2', '--upstreams', list, '--admin', admin],
    ...['--balance', 'round-robin', '--check', 'tcp', '--check-every', '200ms', '--slow-start', '0s'],
  );
  const port = Number(new URL(proxy.target).port);
  const ask = async (...words: string[]) => {
    const { code, stdout, stderr } = await runLoopscope(['serve', 'upstreams', '--admin', admin, ...words]);
    return { code, said: stdout + stderr };
  };
  const settles = (what: string, wanted: string[]) =>
    until(what, async () => `${await visits(port, 12)}` === `${wanted.sort()}` || null, 10_000);

  await settles('both to be visited', [one.name, two.name]);
  one.server.close();
  const met = await visits(port, 40);
  assert.ok(!met.includes(''), `somebody was turned away: ${met}`);
  await until(
    'word of it',
    async () => (await ask('list')).said.includes(`${one.name} weight=1 down`) || null,
    10_000,
  );
  assert.deepEqual(await visits(port, 12), [two.name]);

  assert.match((await ask('add', three.name)).said, /^ok, 3 upstreams$/m);
  await settles('the new one to be visited', [two.name, three.name]);
  assert.match((await ask('drain', two.name)).said, /^ok/);
  await settles('the drained one to be left', [three.name]);
  const { code, said } = await ask('remove', '127.0.0.1:1');
  assert.equal(code, 2);
  assert.match(said, /there is no upstream "127.0.0.1:1"/);

  writeFileSync(list, `${two.name}\nnonsense\n`);
  process.kill(proxy.pid, 'SIGHUP');
  await until(
    'word of the fault',
    () => /upstreams.txt:2: "nonsense" is not an address/.test(proxy.process.output()) || null,
  );
  assert.deepEqual(await visits(port, 12), [three.name]);
  writeFileSync(list, `${three.name}\n`);
  process.kill(proxy.pid, 'SIGHUP');
  await until('word of the list', () => /1 upstreams listed/.test(proxy.process.output()) || null);
  assert.match((await ask('list')).said, new RegExp(`^${three.name} weight=1 up\nok, 1 upstreams\n$`));

  proxy.process.child.kill('SIGTERM');
  await proxy.process.exited;
  const { checks, cutCount } = proxy.lines().at(-1) as {
    checks: { begun: number; failed: number };
    cutCount: number;
  };
  assert.ok(checks.begun > 0 && checks.failed > 0, JSON.stringify(checks));
  assert.equal(cutCount, 0);
  for (const { server } of [two, three]) server.close();
});
