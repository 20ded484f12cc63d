// Goal: what comes before and after every command (misspelt words, outputs that fail, no words at all) is told in our way,
// with the status the reference names. Method: the program itself, with command lines that need no server.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { wholeOr } from '../../test/helpers/depth.ts';
import { writeRunFile } from '../record/run-file.ts';
import { sampleRun } from '../report/testing/sample-run.ts';

const folder = mkdtempSync(join(tmpdir(), 'loopscope-main-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const runFile = join(folder, 'a run.loopscope');
writeRunFile(runFile, sampleRun());

function loopscope(words: readonly string[], stdout: number | 'pipe' = 'pipe') {
  const main = join(import.meta.dirname, 'main.ts');
  return spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...words], {
    stdio: ['ignore', stdout, 'pipe'],
    encoding: 'utf8',
  });
}

const refused: [words: string[], says: RegExp][] = [
  [
    ['load', 'http://127.0.0.1/', '--durration', '1s'],
    /unknown option '--durration'\n {2}try: did you mean --duration\?/,
  ],
  [['laod', 'http://127.0.0.1/'], /unknown command 'laod'\n {2}try: did you mean load\?/],
  [['xyzzy'], /unknown command 'xyzzy'\n {2}try: see 'loopscope --help'/],
  [['load', 'http://127.0.0.1/', '--rate', 'fast'], /\n {2}try: --rate 2000, 50k or 30\/m/],
  [['load', 'http://me:secret@127.0.0.1/'], /^loopscope: a name and password in a target are not sent/],
  [['load', 'http://127.0.0.1/', '--find-limit', 'p99>20ms'], /try: --find-limit 'p99<20ms'/],
  [['doctor', runFile, '--rate', '5'], /--rate: .* is a run file.*\n {2}try: leave out --rate/],
  [['trace', 'syscals', 'nginx'], /try: did you mean trace syscalls nginx\?/],
  [['lab', 'dmo'], /try: did you mean demo\?/],
  [['lab', 'demo', '--quick'], /lab demo does not take --quick\n {2}try: it takes --duration/],
];

// A process each takes its time: in the short run one stands for a command that is wrong, an option, and a secret.
for (const [words, says] of wholeOr(refused, [refused[0]!, refused[1]!, refused[4]!])) {
  test(`refused: ${words.map((word) => word.replace(folder, '…')).join(' ')}`, () => {
    const { status, stderr, stdout } = loopscope(words);
    assert.match(stderr, says);
    assert.doesNotMatch(stderr, /\n {4}at |secret/);
    assert.deepEqual([status, stdout], [2, '']);
  });
}

test('no words at all: the help, with where to begin', () => {
  const { status, stdout } = loopscope([]);
  assert.match(stdout, /^Usage: loopscope[\s\S]*First time here\? Try: loopscope lab demo/);
  assert.equal(status, 2);
});

test('an output that is full is told without a trace of ours', () => {
  const full = openSync('/dev/full', 'w');
  const { status, stderr } = loopscope(['report', runFile], full);
  closeSync(full);
  assert.match(stderr, /^loopscope: standard output could not be written: ENOSPC.*\n {2}try: free space/);
  assert.doesNotMatch(stderr, /\n {4}at /);
  assert.equal(status, 1);
});

test('a run is repeated by pasting its command', () => {
  const run = sampleRun();
  run.header.command = ['load', 'unix:/tmp/a b.sock', '--body', "it's", '--rate', '2000'];
  writeRunFile(runFile, run);
  const { stdout } = loopscope(['report', runFile]);
  assert.match(stdout, /loopscope load 'unix:\/tmp\/a b\.sock' --body 'it'\\''s' --rate 2000/);
});
