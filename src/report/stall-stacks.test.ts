// Goal: drawings of stalled time leave nothing out and tell what was not seen from what was. Method: sample runs, whose
// stalls are known; sums, and a reading back of the folded text and of the page's tree.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Stall } from '../record/observation.ts';
import { foldedReporter } from './folded/folded-reporter.ts';
import { icicleOf } from './html/build-icicle.ts';
import { mainStack, stallStacks } from './model/stall-stacks.ts';
import { terminalReporter } from './terminal/terminal.ts';
import { sampleDiagnosis } from './testing/sample-diagnosis.ts';
import { sampleRun } from './testing/sample-run.ts';

const RUNS = (['contended', 'fsync'] as const).map((scenario) => sampleRun({ seconds: 8, scenario }));
const OPTIONS = { colour: false, columns: null, runFile: null };
const wallNs = (stalls: readonly Stall[]) => stalls.reduce((sum, stall) => sum + stall.wallNs, 0);

function folded(run: (typeof RUNS)[number]): { frames: string[]; us: number }[] {
  return foldedReporter
    .render(run)
    .trimEnd()
    .split('\n')
    .map((line) => {
      const match = /^(.+) (\d+)$/.exec(line);
      assert.ok(match, line);
      return { frames: match[1]!.split(';'), us: Number(match[2]) };
    });
}

test('all stalled time is in the stacks, and in the folded text', () => {
  for (const run of RUNS) {
    const stalls = run.observation!.stalls;
    const sumNs = stallStacks(run.observation!).reduce((sum, { ns }) => sum + ns, 0);
    assert.ok(Math.abs(sumNs - wallNs(stalls)) < 1000 * stalls.length, `${sumNs} of ${wallNs(stalls)}`);
    const lines = folded(run);
    const sumUs = lines.reduce((sum, { us }) => sum + us, 0);
    assert.ok(Math.abs(sumUs - wallNs(stalls) / 1000) <= lines.length + stalls.length, `${sumUs} µs`);
  }
});

test('a block goes from the loop through the program into the kernel; half a stack says so', () => {
  const lines = folded(RUNS[1]!);
  const block = lines.find(({ frames }) => frames.at(-1) === 'jbd2_log_wait_commit_[k]');
  assert.deepEqual(block?.frames.slice(1), [
    'main (app)',
    'Journal::commit() (app)',
    'fsync (libc.so.6)',
    '__x64_sys_fsync_[k]',
    'do_fsync_[k]',
    'ext4_sync_file_[k]',
    'jbd2_log_wait_commit_[k]',
  ]);
  const cut = lines.find(({ frames }) => frames.at(-1) === 'uv__fs_write');
  assert.deepEqual(cut?.frames.slice(1), ['[copy ended]', 'node::fs::WriteBuffer', 'uv__fs_write']);
  const sampled = lines.find(({ frames }) => frames.at(-1) === 'copy_from_user_[k]');
  assert.equal(sampled?.frames[1], 'main (app)');
});

test('time in a run queue has the name of who ran', () => {
  const waiting = folded(RUNS[0]!).find(({ frames }) => frames.includes('[stress-ng-cpu (pid 991) ran]'));
  assert.equal(waiting?.frames[1], '[waiting for a CPU]');
});

test('distances into functions do not split them', () => {
  const run = sampleRun({ seconds: 8, scenario: 'fsync' });
  const [first] = run.observation!.stalls;
  first!.account.blocked[0]!.kernelStack = ['folio_wait_bit+0xd6'];
  first!.account.blocked[0]!.userStack = ['commit+0x1f (app)', 'app+0x1234'];
  const frames = mainStack(first!)!.frames.map(({ name }) => name);
  assert.deepEqual(frames, ['folio_wait_bit', 'commit (app)', 'app+0x1234']);
});

test('a stall without stacks has no main stack, and is drawn as such', () => {
  const run = sampleRun({ seconds: 8, scenario: 'fsync' });
  const stall = run.observation!.stalls[0]!;
  stall.stacks = [{ count: 3, inKernel: false, frames: [] }];
  stall.account.blocked = [];
  assert.equal(mainStack(stall), null);
  const names = stallStacks(run.observation!, [stall]).map(({ frames }) => frames.at(-1)!.name);
  assert.ok(names.includes('[no stack]'), names.join());
});

test('the icicle is a tree whose parents hold their children', () => {
  for (const run of RUNS) {
    const { nodes, names } = icicleOf(run.observation!)!;
    const childrenNs = new Map<number, number>();
    for (let at = 0; at < nodes.length; at += 5) {
      const [parent, name, ns] = nodes.slice(at, at + 3) as [number, number, number];
      assert.ok(parent < at / 5 && name < names.length);
      childrenNs.set(parent, (childrenNs.get(parent) ?? 0) + ns);
    }
    for (const [parent, ns] of childrenNs) {
      if (parent >= 0) assert.ok(ns <= nodes[parent * 5 + 2]! + nodes.length, `node ${parent}`);
    }
    assert.ok(Math.abs(nodes[2]! - wallNs(run.observation!.stalls)) < 1e6);
  }
  assert.equal(icicleOf(sampleRun({ seconds: 8, scenario: 'healthy' }).observation!), null);
});

test('a thousand different stacks, as deep as they may be, stay a page', () => {
  const run = sampleRun({ seconds: 8, scenario: 'fsync' });
  const [first] = run.observation!.stalls;
  first!.account.blocked[0]!.ns = 1e12;
  run.observation!.stalls = Array.from({ length: 1000 }, (_, i) => ({
    ...first!,
    account: {
      ...first!.account,
      blocked: [
        {
          ...first!.account.blocked[0]!,
          userStack: Array.from({ length: 512 }, (_, depth) => `f${i * (depth % 3)}-${'x'.repeat(500)}`),
        },
      ],
    },
  }));
  const icicle = icicleOf(run.observation!)!;
  assert.ok(icicle.nodes.length / 5 <= 4000 && icicle.leftOut > 0);
  assert.ok(icicle.depth <= 98);
  assert.ok(icicle.names.every((name) => name.length <= 160));
});

test('the screen shows where the longest stalls were, once each', () => {
  const run = RUNS[1]!;
  const text = terminalReporter.render(run, sampleDiagnosis(run, { scenario: 'fsync' }), OPTIONS);
  const part = text.slice(text.indexOf('Where the longest stalls were'));
  assert.match(part, /asleep \d+ % of it:\n {4}jbd2_log_wait_commit < ext4_sync_file < do_fsync/);
  assert.equal(text.match(/jbd2_log_wait_commit < /g)?.length, 1);
});
