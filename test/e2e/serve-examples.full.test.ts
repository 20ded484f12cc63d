// Goal: every documented example that serves works. Method: the command lines of docs/reference/cli.md, each listening on a
// port of its own until it is told to end.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { binPath } from '../fixtures/loopscope.ts';
import { freePort } from '../fixtures/ports.ts';
import { start, until } from '../fixtures/process.ts';
import { examples } from '../helpers/cli-examples.ts';
import { needs } from '../helpers/needs.ts';
import { adapt, exampleFolder, serves } from './examples-rig.ts';

const isRoot = process.getuid?.() === 0;
const folder = exampleFolder();
/** Of those that serve, these only say something. */
const ENDS = /--check-config|--hash-password/;
let spareServers = 0;

test('examples about a configuration: each says something, and ends', async () => {
  const stand = { folder: folder.path, httpPort: 0, echoPort: 0 };
  for (const line of examples.filter((example) => ENDS.test(example))) {
    await using ended = start(binPath, adapt(line, stand), { cwd: folder.path, stdin: 'pipe' });
    ended.child.stdin?.end('secret\n');
    const { code } = await ended.exited;
    assert.equal(code, 0, `${line}\n${ended.output()}`);
    assert.match(ended.output(), /listens at|^\$scrypt\$/m);
  }
});

test('examples that serve: each listens, and ends when told to', async (t) => {
  if (!needs(t, isRoot, 'root, for owners and niceness')) return;
  for (const line of examples.filter((example) => serves(example) && !ENDS.test(example))) {
    const stand = { folder: folder.path, httpPort: await freePort(), echoPort: await freePort() };
    const sock = `agent-${spareServers++}.sock`;
    const args = adapt(line, stand).map((word) => word.replace('agent.sock', sock));
    await using server = start(binPath, args, { cwd: folder.path });
    await until(
      `the ready line of: ${line}`,
      () => /listening|"ready"|"listen/.test(server.output()) || null,
      10_000,
    );
    server.child.kill('SIGTERM');
    const { code } = await server.exited;
    assert.equal(code, 0, `${line}\n${server.output()}`);
  }
});

test('the last of them leaves no folder behind', () => folder[Symbol.dispose]());
