// Goal: the command as a user types it: a table, JSON, a page, and clear words where it cannot work or must end early.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { temporaryFolder } from '../../../test/fixtures/guard.ts';
import { bpfObjectsOf } from '../../../test/fixtures/leftovers.ts';
import { runLoopscope } from '../../../test/fixtures/loopscope.ts';
import { until } from '../../../test/fixtures/process.ts';
import { needs } from '../../../test/helpers/needs.ts';
import { knownBinary, startKnown } from '../../observe/trace/testing/known-calls.ts';

const canTrace = process.getuid?.() === 0 && knownBinary() !== null;
const NEEDED = 'root and a C compiler';
const NOBODY = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'];

test('a table as text, an object with --json, a page with --html', async (t) => {
  if (!needs(t, canTrace, NEEDED)) return;
  await using program = await startKnown(['sleep:5000']);
  void program.run().catch(() => {});
  using folder = temporaryFolder();
  const html = join(folder.path, 'page.html');
  const text = await runLoopscope(['trace', 'syscalls', String(program.pid), '-d', '300ms', '--html', html]);
  assert.equal(text.code, 0, text.stderr);
  assert.match(text.stdout, /^System calls of process \d+: 1 process, 1 thread/);
  assert.match(text.stdout, /clock_nanosleep/);
  assert.match(text.stdout, /Nothing was lost\.|LOST: \d+ events skipped/);
  assert.match(readFileSync(html, 'utf8'), /^<!doctype html>[\s\S]*<svg[\s\S]*<\/html>\n$/);
  const json = await runLoopscope(['trace', 'sched', '-p', String(program.pid), '-d', '300ms', '--json']);
  assert.equal(json.code, 0, json.stderr);
  const { trace, threads } = json.json as { trace: string; threads: { wakeups: number }[] };
  assert.equal(trace, 'sched');
  assert.ok(threads[0]!.wakeups > 20, JSON.stringify(threads));
});

test('Ctrl-C reports what was counted until then', async (t) => {
  if (!needs(t, canTrace, NEEDED)) return;
  await using program = await startKnown(['sleep:5000']);
  void program.run().catch(() => {});
  const result = await runLoopscope(['trace', 'syscalls', String(program.pid), '-d', '60s', '--json'], {
    started: async ({ child, pid }) => {
      await until('probes', () => bpfObjectsOf(pid).some((object) => object.startsWith('link')));
      await delay(1000);
      child.kill('SIGINT');
    },
  });
  assert.equal(result.code, 130);
  const { endedEarly, rows } = result.json as { endedEarly: string; rows: { name: string; calls: number }[] };
  assert.match(endedEarly, /interrupted/);
  assert.ok(rows.find(({ name }) => name === 'clock_nanosleep')!.calls > 20);
});

test('a process that ends: its report, and status 4', async (t) => {
  if (!needs(t, canTrace, NEEDED)) return;
  await using program = await startKnown(['sleep:5000']);
  void program.run().catch(() => {});
  const result = await runLoopscope(['trace', 'nothing', '-p', String(program.pid)]);
  assert.equal(result.code, 2);
  assert.match(result.stderr, /no function is called nothing/);
  const ended = runLoopscope(['trace', 'syscalls', String(program.pid), '-d', '60s'], {
    started: () => {
      setTimeout(() => program.child.kill('SIGKILL'), 2500);
    },
  });
  const { code, stderr, stdout } = await ended;
  assert.equal(code, 4, stderr);
  assert.match(stderr, /every traced process has ended/);
  assert.match(stdout, /clock_nanosleep/);
});

test('without root: what is missing, and what to type', async (t) => {
  if (!needs(t, canTrace, NEEDED)) return;
  await using program = await startKnown([]);
  for (const words of [
    ['syscalls', String(program.pid)],
    ['sched', String(program.pid)],
    ['leaf', '-p', String(program.pid)],
  ]) {
    const result = await runLoopscope(['trace', ...words], { prefix: NOBODY, cwd: '/' });
    assert.equal(result.code, 1, result.stderr);
    assert.match(result.stderr, /may not load BPF programs\n {2}try: sudo loopscope trace /);
  }
});
