// Goal: on a terminal a run shows how it goes and leaves the screen as a report would want it; elsewhere nothing of the
// kind is written. Method: bin/loopscope on a pseudo-terminal of util-linux's script(1), its bytes read as they came.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { temporaryFolder } from '../fixtures/guard.ts';
import { binPath, runLoopscope } from '../fixtures/loopscope.ts';
import { freePort, untilListening } from '../fixtures/ports.ts';
import { findProgram, type Started, start, until } from '../fixtures/process.ts';
import { needs } from '../helpers/needs.ts';

const ESC = '\x1b';
const folder = temporaryFolder();
let server: Started;
let url = '';

before(async () => {
  const port = await freePort();
  url = `http://127.0.0.1:${port}/`;
  server = start(binPath, ['serve', 'http', '-l', url]);
  await untilListening({ port }, 10_000);
});

after(async () => {
  await server.stop();
  folder[Symbol.dispose]();
});

let count = 0;

/** Runs on a terminal of that size; `interruptAt` types Ctrl-C once that was shown. Returns what the terminal was sent. */
async function onTerminal(args: string[], columns: number, interruptAt?: RegExp): Promise<string> {
  const log = join(folder.path, `terminal-${count++}`);
  const line = [binPath, ...args].map((word) => `'${word}'`).join(' ');
  const command = `stty cols ${columns} rows 24; ${line}`;
  await using script = start('script', ['-qec', command, '-E', 'always', log], {
    stdin: 'pipe',
    env: { TERM: 'xterm-256color', NO_COLOR: '' },
  });
  if (interruptAt !== undefined) {
    await until(`${interruptAt} on the terminal`, () => interruptAt.test(script.output()));
    script.child.stdin!.write('\x03');
  }
  await script.exited;
  return readFileSync(log, 'utf8')
    .replace(/^Script started.*\n/, '')
    .replace(/\n?Script done.*\n?$/, '');
}

const plain = (text: string) => text.replaceAll(new RegExp(`${ESC}\\[[?\\d;]*[A-Za-z]`, 'g'), '');

test('two lines, drawn again and again, and gone before the report', async (t) => {
  if (!needs(t, findProgram('script') !== null, 'script (util-linux)')) return;
  const text = await onTerminal(['load', url, '--rate', '500', '--duration', '1500ms'], 100);
  const draws = text.split(/(?=━|──)/).filter((part) => part.includes('/1.5 s'));
  assert.ok(draws.length >= 4, `${draws.length} draws`);
  assert.match(plain(draws.at(-1)!), /asked +\d+\/s held/);
  // The very last may be drawn when the time is over and replies are still to come.
  assert.ok(draws.some((draw) => /in flight {2}\d\.\d s left/.test(plain(draw))));
  assert.ok(text.includes(`${ESC}[1A`), 'the second line is left upwards');
  const erased = text.lastIndexOf(`${ESC}[2K`);
  assert.ok(erased > 0 && erased < text.indexOf('requests,'), 'cleared before the report');
  assert.doesNotMatch(plain(text.slice(erased)), /━|s left/);
});

test('Ctrl-C: the run ends, its report comes, and nothing is left of the progress', async (t) => {
  if (!needs(t, findProgram('script') !== null, 'script (util-linux)')) return;
  const text = await onTerminal(['load', url, '--rate', '500', '--duration', '30s'], 100, /s left/);
  assert.match(text, /ending the run/);
  const report = text.slice(text.lastIndexOf(`${ESC}[2K`));
  assert.match(plain(report), /Incomplete: the load ended early: interrupted/);
  assert.doesNotMatch(report, /━|s left|\^C/);
});

test('no line is as wide as the terminal, however narrow', async (t) => {
  if (!needs(t, findProgram('script') !== null, 'script (util-linux)')) return;
  for (const columns of [40, 62]) {
    const text = await onTerminal(['load', url, '--rate', '500', '--duration', '700ms'], columns);
    const progress = text.slice(0, text.indexOf('requests,'));
    for (const line of plain(progress).split(/[\r\n]+/))
      assert.ok([...line].length < columns, `${columns}: "${line}"`);
  }
});

test('--quiet and pipes: no control character, nothing of the progress', async (t) => {
  const piped = await runLoopscope(['load', url, '--rate', '500', '--duration', '600ms']);
  assert.equal(piped.stderr, '');
  assert.doesNotMatch(piped.stdout, new RegExp(ESC));
  assert.doesNotMatch(piped.stdout, /[^\n\x20-\x7e]/, 'a pipe gets ASCII');
  if (!needs(t, findProgram('script') !== null, 'script (util-linux)')) return;
  const quiet = await onTerminal(
    ['load', url, '--rate', '500', '--duration', '600ms', '--quiet', '--no-color'],
    100,
  );
  assert.doesNotMatch(quiet, new RegExp(ESC));
  assert.doesNotMatch(quiet, /━|s left/);
});

test('a log gets a line every five seconds', async () => {
  const { stderr } = await runLoopscope(['load', url, '--rate', '200', '--duration', '5600ms']);
  assert.match(stderr, /^5\.\d of 5\.6 s {2}\d+\/s asked +\d+\/s held .*s left\n$/);
});

test('thresholds decide the exit status, and say why', async () => {
  const short = ['--rate', '300', '--duration', '500ms'];
  const fine = await runLoopscope(['load', url, ...short, '--fail-if', 'failed>50%']);
  assert.match(fine.stdout, /^Thresholds\n {2}fine {4}failed>50%: /m);
  const failed = await runLoopscope(['load', url, ...short, '--fail-if', 'failed>=0%', '--json']);
  assert.ok(failed.code === 1 || failed.code === 3, `exit ${failed.code}`);
  const { thresholds } = failed.json as { thresholds: { failed: boolean; outcome: string }[] };
  assert.deepEqual(
    thresholds.map(({ failed, outcome }) => [failed, outcome]),
    [[true, 'crossed']],
  );
});

test('an existing file of somebody else is refused before the run, and stays', async () => {
  const result = await runLoopscope(['load', url, '--csv', binPath, '--duration', '30s']);
  assert.equal(result.code, 1);
  assert.match(result.stderr, /--csv: .*loopscope exists, and is not something that --csv wrote/);
  assert.match(readFileSync(binPath, 'utf8'), /^#!\/bin\/sh/);
});

test('a run whose export cannot be written is kept, and the message says where', async () => {
  const args = ['load', url, '--rate', '300', '--duration', '500ms', '--csv', '/dev/full', '--quiet'];
  const result = await runLoopscope(args, { env: { TMPDIR: folder.path } });
  assert.equal(result.code, 1);
  assert.match(result.stdout, /requests, /, 'the report still comes');
  const kept = /the run was kept as (\S+\.loopscope)/.exec(result.stderr)?.[1] ?? '';
  assert.ok(kept.startsWith(folder.path), result.stderr);
  const again = await runLoopscope(['report', kept, '--csv', join(folder.path, 'again.csv')]);
  assert.equal(again.code, 0, again.stderr);
  assert.match(readFileSync(join(folder.path, 'again.csv'), 'utf8'), /^start_s,/);
});
