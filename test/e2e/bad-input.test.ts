// Goal: whatever a user or a server does wrong, the message says so, the exit status is the documented one, and every
// planned request is accounted for. Method: wrong command lines as a table; servers that misbehave one way each.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { ReportObject } from '../../src/report/json/report-object.ts';
import { temporaryFolder } from '../fixtures/guard.ts';
import { type Misbehaviour, startHostileServer } from '../fixtures/hostile-server.ts';
import { errorOf, reportOf, runLoopscope } from '../fixtures/loopscope.ts';
import { startNodeServer } from '../fixtures/node-server.ts';
import { freePort, untilConnected } from '../fixtures/ports.ts';
import { start } from '../fixtures/process.ts';
import { needs } from '../helpers/needs.ts';

const isRoot = process.getuid?.() === 0;
const SHORT = ['--duration', '1s', '--rate', '200', '--connections', '10', '--timeout', '300ms', '--json'];

async function deadPid(): Promise<number> {
  await using process = start('/bin/true', []);
  await process.exited;
  return process.pid;
}

test('wrong command lines: exit 2, and the option is named', async () => {
  using folder = temporaryFolder();
  const notARun = join(folder.path, 'notes.txt');
  writeFileSync(notARun, 'buy milk\n');
  const cases: [args: string[], message: RegExp][] = [
    [['doctor', 'http://127.0.0.1:1/', '--no-such-option'], /no-such-option/],
    [['doctor', '--pid'], /--pid/],
    [['doctor'], /nothing to examine/],
    [['frobnicate'], /frobnicate/],
    [['load', 'http://127.0.0.1:1/', '--rate', 'many'], /--rate.*"many"/],
    [['load', 'http://127.0.0.1:1/', '--duration', '5 parsecs'], /--duration/],
    [['load', 'http://127.0.0.1:1/', '--connections', '0'], /--connections/],
    [['load', 'http://127.0.0.1:1/', '--arrival', 'poisson'], /--rate/],
    [['load', 'gopher://127.0.0.1/'], /gopher/],
    [['load', 'https://127.0.0.1/'], /TLS/],
    [['doctor', '/no/such/file.loopscope'], /\/no\/such\/file/],
    [['report', '/no/such/file.loopscope'], /\/no\/such\/file/],
    [['report', notARun], /notes\.txt/],
    [['serve', 'http', '--fault', 'gremlin:1ms/2'], /gremlin/],
  ];
  for (const [args, message] of cases) {
    const result = await runLoopscope(args);
    assert.equal(result.code, 2, `${args.join(' ')}: exit ${result.code}\n${result.stderr}`);
    assert.match(result.stderr, message);
    assert.doesNotMatch(result.stderr, /\n\s+at /, 'a user error has no stack trace');
  }
});

test('an unreadable file: exit 2', async (t) => {
  if (!needs(t, isRoot, 'root, to become somebody else')) return;
  using folder = temporaryFolder();
  const path = join(folder.path, 'secret.loopscope');
  writeFileSync(path, '{}\n');
  chmodSync(path, 0o000);
  chmodSync(folder.path, 0o755);
  const prefix = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'];
  const result = await runLoopscope(['report', path, '--json'], { prefix });
  assert.equal(result.code, 2, result.stderr);
  assert.match(result.stderr, /secret\.loopscope/);
});

test('no such process: exit 4', async () => {
  const pid = String(await deadPid());
  const result = await runLoopscope(['doctor', '--pid', pid, '--json']);
  assert.equal(result.code, 4, result.stderr);
  assert.equal(errorOf(result).code, 'NO_SUCH_PROCESS');
  assert.match(errorOf(result).message, new RegExp(pid));
});

test('a process without an event loop: exit 4', async () => {
  await using sleeper = start('sleep', ['60']);
  const result = await runLoopscope(['doctor', '--pid', String(sleeper.pid), '--duration', '1s', '--json']);
  assert.equal(result.code, 4, `${result.stdout}\n${result.stderr}`);
  assert.equal(errorOf(result).code, 'NO_LOOP_FOUND');
});

test('nobody listens: exit 4, for TCP and Unix sockets', async () => {
  using folder = temporaryFolder();
  const targets = [`http://127.0.0.1:${await freePort()}/`, `unix:${join(folder.path, 'none.sock')}`];
  for (const target of targets) {
    const result = await runLoopscope(['load', target, ...SHORT]);
    assert.equal(result.code, 4, result.stderr);
    assert.equal(errorOf(result).code, 'TARGET_UNREACHABLE');
    assert.match(result.stderr, /ECONNREFUSED|refused|ENOENT|no such/i);
  }
});

/** planned = ok + wrong + error + timeout + unsent + unfinished, to the request. */
function assertConserved(report: ReportObject, what: string): void {
  const { planned, ok, wrong, error, timeout, unsent, unfinished, unaccounted } = report.load!.counts;
  assert.equal(ok + wrong + error + timeout + unsent + unfinished, planned, what);
  assert.equal(unaccounted, 0, what);
  assert.ok(planned > 0, what);
}

test('servers that misbehave: every request is accounted for, and the reason is given', async () => {
  const cases: [Misbehaviour, 'error' | 'timeout', RegExp][] = [
    ['reset', 'error', /reset/i],
    ['garbage', 'error', /not HTTP/i],
    ['half-reply', 'error', /truncated/i],
    ['close-at-once', 'error', /clos|reset/i],
    ['silence', 'timeout', /timeout|timed out/i],
    ['endless-header', 'timeout', /timeout|timed out/i],
  ];
  for (const [misbehaviour, kind, reason] of cases) {
    await using server = await startHostileServer(misbehaviour);
    const result = await runLoopscope(['load', server.url, ...SHORT]);
    const report = reportOf(result);
    assertConserved(report, misbehaviour);
    const { counts, errors_by_kind } = report.load!;
    assert.equal(counts.ok, 0, misbehaviour);
    assert.ok(counts[kind] > 0, `${misbehaviour}: ${JSON.stringify(counts)}`);
    if (kind === 'error') assert.match(Object.keys(errors_by_kind).join(', '), reason, misbehaviour);
    assert.notEqual(result.code, 0, `${misbehaviour}: a run without one good reply is no success`);
    const printed = result.stdout + result.stderr;
    assert.ok(!printed.includes('\x1b'), 'nothing of the server reaches the terminal raw');
  }
});

test('the watched process ends during the run: exit 4, and the report says when', async (t) => {
  if (!needs(t, isRoot, 'root')) return;
  await using server = await startNodeServer('none');
  const args = [
    'doctor',
    server.url,
    '--pid',
    String(server.pid),
    '--rate',
    '300',
    '--duration',
    '10m',
    '--json',
  ];
  // Ends with its subject, or this throws after a minute.
  const result = await runLoopscope(args, {
    started: async () => {
      await untilConnected(server.url);
      await delay(1000);
      await server.process.stop(0);
    },
  });
  assert.equal(result.code, 4, `${result.stdout.slice(0, 2000)}\n${result.stderr}`);
  assert.match(result.stderr, new RegExp(`process ${server.pid} ended`));
  const report = reportOf(result);
  assertConserved(report, 'after the end');
  assert.ok(report.load!.counts.ok > 0);
});

test('a full disk: exit 1, the report is still printed, and no half file is left', async (t) => {
  if (!needs(t, isRoot, 'root, to mount a tiny tmpfs')) return;
  await using server = await startNodeServer('none');
  using folder = temporaryFolder();
  // 64 KiB, nearly full, in a mount namespace that ends with the command.
  const script = `mount -t tmpfs -o size=64k none ${folder.path} && head -c 61440 /dev/zero > ${folder.path}/ballast
    "$@"; code=$?; echo "left: $(ls -A ${folder.path})" >&2; exit $code`;
  const prefix = ['unshare', '--mount', '/bin/sh', '-c', script, 'sh'];
  const file = join(folder.path, 'run.loopscope');
  const result = await runLoopscope(['load', server.url, ...SHORT, '--out', file], { prefix });
  assert.equal(result.code, 1, result.stderr);
  assert.match(result.stderr, /ENOSPC|no space|disk is full/i);
  assert.match(result.stderr, /^left: ballast$/m);
  assertConserved(reportOf({ ...result, json: firstJson(result.stdout) }), 'with a full disk');
});

test('an output that cannot be: refused before the run', async () => {
  using folder = temporaryFolder();
  mkdirSync(join(folder.path, 'folder'));
  for (const path of [join(folder.path, 'no', 'such', 'run'), join(folder.path, 'folder')]) {
    const before = performance.now();
    const result = await runLoopscope(['load', 'http://127.0.0.1:1/', '--out', path, '--duration', '60s']);
    assert.equal(result.code, 1, result.stderr);
    assert.match(result.stderr, /--out/);
    assert.ok(performance.now() - before < 10_000);
  }
  assert.equal(existsSync(join(folder.path, 'no')), false);
});

test('/dev/full as the run file: exit 1', async () => {
  await using server = await startNodeServer('none');
  const result = await runLoopscope(['load', server.url, ...SHORT, '--out', '/dev/full']);
  assert.equal(result.code, 1, result.stderr);
  assert.match(result.stderr, /ENOSPC|no space|disk is full/i);
});

/** With --json a report may be followed by an error object: the first of the two. */
function firstJson(text: string): unknown {
  const end = text.indexOf('\n}\n');
  return JSON.parse(end < 0 ? text : text.slice(0, end + 2));
}
