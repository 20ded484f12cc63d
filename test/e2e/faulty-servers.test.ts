// Goal: whatever a server does to a load, the first lines of the report say so, and the exit status is the documented one.
// Method: servers that end, come back, stop, talk nonsense, close, never accept or sleep; the report is read as text in a
// pipe, as a person reads it. A busy machine may make the run VOID, and that is then said; never anything else.
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { runLoopscope } from '../fixtures/loopscope.ts';
import { freePort } from '../fixtures/ports.ts';
import { type Started, start, statusField, until } from '../fixtures/process.ts';

const script = fileURLToPath(new URL('../fixtures/faulty-server.mjs', import.meta.url));
const servers: Started[] = [];

async function startFaulty(fault: string, port: number): Promise<Started> {
  const argv = [process.execPath, script, fault, String(port)];
  if (fault === 'few') argv.unshift('prlimit', '--nofile=32');
  const server = start(argv[0]!, argv.slice(1));
  servers.push(server);
  await until(`the server (${fault}) to listen`, () => server.output().includes('listening'));
  return server;
}

afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop(0);
});

type Load = { args: string[]; meanwhile?: (server: Started, port: number) => Promise<void> };

/** The report's lines and the exit status, of a load on a server with a fault. */
async function drive(
  fault: string,
  { args, meanwhile }: Load,
): Promise<{ lines: string[]; code: number | null }> {
  const port = await freePort();
  const server = await startFaulty(fault, port);
  const acting = meanwhile?.(server, port);
  const { stdout, stderr, code } = await runLoopscope(['load', `http://127.0.0.1:${port}/`, ...args]);
  await acting;
  assert.doesNotMatch(stdout + stderr, /^\s+at .*:\d+:\d+/m, 'no stack');
  return { lines: stdout.split('\n'), code };
}

/** As wanted; or 3, when the client could not do its part here and says so. */
function assertStatus(code: number | null, wanted: number, lines: readonly string[]): void {
  const isBusy = code === 3 && lines.some((line) => /^VOID: .*client/.test(line));
  assert.ok(code === wanted || isBusy, `exit ${code}, wanted ${wanted}\n${lines.slice(0, 12).join('\n')}`);
}

describe('what a server did is the first thing said', () => {
  test('it ended', async () => {
    const { lines, code } = await drive('ends', { args: ['--rate', '200', '-c', '10', '-d', '3s'] });
    assert.match(lines[0]!, /^600 requests, \d+ % failed/);
    assert.match(
      lines[1]!,
      /^server\.gone: the server went away at \d\.\d s: \d\d (connections closed|closes on 10 connections), \d+ refused/,
    );
    assert.equal(code, 4);
  });

  test('it ended, and another came', async () => {
    const { lines, code } = await drive('ends', {
      args: ['--rate', '200', '-c', '10', '-d', '4s'],
      async meanwhile(server, port) {
        await server.exited;
        await delay(1000);
        await startFaulty('none', port);
      },
    });
    assert.match(
      lines[1]!,
      /^server\.gone: the server was away from \d\.\d s to \d\.\d s: \d+ (connections closed|closes on 10 .*), \d+ ref/,
    );
    assertStatus(code, 0, lines);
  });

  test('it was stopped for two seconds', async () => {
    const { lines, code } = await drive('stops', {
      args: ['--rate', '200', '-c', '10', '-d', '4s'],
      async meanwhile({ pid }) {
        await until('the server to stop', () => statusField(pid, 'State')?.startsWith('T'), 20_000);
        await delay(2000);
        process.kill(pid, 'SIGCONT');
      },
    });
    assert.match(lines[1]!, /^server\.silent: nothing came from the server for \d.*s, from \d\.\d s on/);
    assertStatus(code, 0, lines);
  });

  const short = ['--rate', '50', '-c', '4', '-d', '1s', '--timeout', '1s'];

  test('it talks nonsense', async () => {
    const { lines, code } = await drive('garbage', { args: short });
    assert.match(lines[0]!, /^50 requests, 100 % failed \(\d+ % error/);
    assert.match(lines.join('\n'), /WARN outcomes: .*\d+ not HTTP \(.@@@ garbage.\)/);
    assertStatus(code, 1, lines);
  });

  test('it closes every connection', async () => {
    const { lines, code } = await drive('closes', { args: short });
    assert.match(lines[0]!, /^50 requests, 100 % failed/);
    assert.match(
      lines.join('\n'),
      /WARN connections: \d of 4 connections could be kept: the server closes them/,
    );
    assert.doesNotMatch(lines.join('\n'), /^server\.gone/m);
    assertStatus(code, 1, lines);
  });

  for (const fault of ['deaf', 'slow']) {
    test(fault === 'deaf' ? 'it never accepts' : 'it takes ten seconds', async () => {
      const { lines, code } = await drive(fault, { args: short });
      assert.match(lines[0]!, /^50 requests, 100 % failed/);
      assert.match(lines[1]!, /^server\.silent: not one reply came: \d+ requests timed out/);
      assertStatus(code, 1, lines);
    });
  }

  test('it has no descriptors left', async () => {
    const { lines, code } = await drive('few', { args: ['--rate', '100', '-c', '40', '-d', '1s'] });
    assert.match(lines[0]!, /^100 requests, /);
    assert.match(
      lines.join('\n'),
      /WARN connections: [12]?\d of 40 connections could be kept: the server closes them/,
    );
    assertStatus(code, 0, lines);
  });

  test('it talks nonsense, and is watched', async () => {
    const port = await freePort();
    const { pid } = await startFaulty('garbage', port);
    const args = ['--pid', String(pid), '--tier', 'proc', '--rate', '50', '-c', '4', '-d', '1s'];
    const { stdout, code } = await runLoopscope(['doctor', `http://127.0.0.1:${port}/`, ...args]);
    const lines = stdout.split('\n');
    const isVoid = code === 3 && /^client\.saturated/.test(lines[0]!);
    assert.ok(isVoid || /^unexplained: 100 % of requests failed.* not HTTP/.test(lines[0]!), stdout);
    assert.match(stdout, /^50 requests, 100 % failed/m);
    assertStatus(code, 1, lines);
  });

  test('it answered the only request', async () => {
    const { lines, code } = await drive('none', {
      args: ['--rate', '1', '-d', '1s', '--fail-if', 'failed>0%'],
    });
    assert.match(lines[0]!, /^1 request, all ok/);
    assertStatus(code, 0, lines);
  });
});
