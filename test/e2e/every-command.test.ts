// Goal: each command does its one thing, in every place where the tests run at all. Method: a server of our own, driven,
// watched, traced, examined, reported and compared, for as short as each can be; what is asked is exact and no question of
// speed. What each command does in full is asked by the tests that carry its name.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { COMMANDS } from '../../src/cli/registry.ts';
import { temporaryFolder } from '../fixtures/guard.ts';
import { reportOf, runLoopscope } from '../fixtures/loopscope.ts';
import { type Serving, startServing } from '../fixtures/serve.ts';
import { needs } from '../helpers/needs.ts';

const isRoot = process.getuid?.() === 0;
const folder = temporaryFolder();
const runFiles = ['a.loopscope', 'b.loopscope'].map((name) => join(folder.path, name));
const touched = new Set<string>();
let server: Serving;

/** Runs a command, which must not fail as a program does: a bad verdict is an answer. */
async function loopscope(name: string, ...more: string[]) {
  touched.add(name);
  const result = await runLoopscope([name, ...more], { cwd: folder.path, timeoutMs: 120_000 });
  const said = `${name} ${more.join(' ')}\nexit ${result.code}\n${result.stderr}\n${result.stdout.slice(-2000)}`;
  assert.ok(result.code !== null && [0, 1, 3].includes(result.code), said);
  assert.doesNotMatch(result.stdout + result.stderr, /\n {4}at |^loopscope: /, said);
  return result;
}

before(async () => {
  touched.add('serve');
  server = await startServing('http', '-l', 'http://127.0.0.1:0/');
});

after(async () => {
  await server[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

test('load: every request is accounted for, and the run is kept', async () => {
  for (const path of runFiles) {
    const args = ['--rate', '200', '-c', '4', '-d', '500ms', '--out', path, '--json'];
    const { counts } = reportOf(await loopscope('load', server.target, ...args)).load!;
    assert.equal(counts.planned, 100);
    assert.equal(counts.ok + counts.wrong + counts.error + counts.timeout + counts.unsent, 100);
    assert.ok(existsSync(path));
  }
});

test('replay: what is in a log, and each request of it', async () => {
  const log = join(folder.path, 'access.log');
  const line = (nth: number) =>
    `10.0.0.${nth % 3} - - [29/Nov/2026:07:00:00 +0000] "GET /${nth} HTTP/1.1" 200 2 "-" "x"\n`;
  writeFileSync(log, Array.from({ length: 60 }, (_, nth) => line(nth)).join(''));
  const { stdout } = await loopscope('replay', log, '--dry-run');
  assert.match(stdout, /60 lines: 60 requests to replay, 0 left out, 0 refused/);
  const args = ['--target', server.target, '--speed', 'max', '-c', '4', '--json'];
  const { counts, replay } = reportOf(await loopscope('replay', log, ...args)).load!;
  assert.deepEqual([counts.planned, counts.ok], [60, 60]);
  assert.equal(replay!.log.requests, 60);
});

test('report: the run as text and as a page', async () => {
  const page = join(folder.path, 'page.html');
  const { stdout } = await loopscope('report', runFiles[0]!, '--html', page);
  assert.match(stdout, /100/);
  assert.match(readFileSync(page, 'utf8'), /^<!doctype html>[\s\S]*<\/html>\s*$/);
});

test('compare: one run a side is no verdict', async () => {
  const { stdout } = await loopscope('compare', ...runFiles);
  assert.match(stdout, /response p50/);
});

test('doctor: a verdict with the loop that it watched', async (t) => {
  if (!needs(t, isRoot, 'root, to watch')) return;
  const args = ['--pid', String(server.pid), '--rate', '200', '-c', '4', '-d', '1s', '--json'];
  const report = reportOf(await loopscope('doctor', server.target, ...args));
  assert.equal(report.observation?.tier, 'bpf');
  assert.notEqual(report.verdict.culprit, '');
  assert.equal(report.load!.counts.planned, 200);
});

test('watch: lines of JSON, the report last', async (t) => {
  if (!needs(t, isRoot, 'root, to watch')) return;
  const { stdout } = await loopscope('watch', String(server.pid), '-d', '1s', '--json');
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.equal(lines.at(-1).schema, 'loopscope-report');
});

test('trace: a table of what was counted', async (t) => {
  if (!needs(t, isRoot, 'root, to trace')) return;
  const { stdout } = await loopscope('trace', 'syscalls', String(server.pid), '-d', '300ms');
  assert.match(stdout, /^System calls of process \d+/);
});

test('lab: the demo tells its story and writes its page', async (t) => {
  if (!needs(t, isRoot, 'root, to watch')) return;
  await loopscope('lab', 'demo', '--duration', '2s');
  assert.match(readFileSync(join(folder.path, 'loopscope-demo.html'), 'utf8'), /<\/html>\s*$/);
});

test('no command was left out', (t) => {
  if (!needs(t, isRoot, 'root, to watch')) return;
  assert.deepEqual([...touched].sort(), COMMANDS.map(({ name }) => name).sort());
});
