// Goal: no two sentences of a report disagree. Method: the text of every planted fault, every look-alike and arbitrary runs;
// whatever makes one statement of a pair must not make the other, and the same figure is the same wherever it stands.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { runs } from '../../test/helpers/depth.ts';
import { diagnose } from '../diagnose/diagnose.ts';
import { arbitraryRun } from '../diagnose/testing/arbitrary-run.ts';
import { LOOK_ALIKES } from '../diagnose/testing/look-alikes.ts';
import { PLANTED } from '../diagnose/testing/planted.ts';
import { blockedIn, quietRun } from '../diagnose/testing/run-builder.ts';
import { HOG, hogOnOneCore, late } from '../diagnose/testing/situations.ts';
import type { Run } from '../record/run.ts';
import { terminalReporter } from './terminal/terminal.ts';
import { assertAgrees } from './testing/assert-agrees.ts';
import { sampleRun } from './testing/sample-run.ts';

const textOf = (run: Run) =>
  terminalReporter.render(run, diagnose(run), { colour: false, columns: null, runFile: null });

test('planted faults and their look-alikes', () => {
  for (const { name, run } of [...PLANTED, ...LOOK_ALIKES]) {
    assert.doesNotThrow(() => assertAgrees(textOf(run().run)), name);
  }
});

test('any run', () => {
  fc.assert(
    fc.property(arbitraryRun, (run) => assertAgrees(textOf(run))),
    { numRuns: runs(200) },
  );
});

test('late replies, and loops that lost a little: the loops are not said to have been on time', () => {
  const { run } = late(quietRun(), 200, 0.03).stalls(4, {
    wallMs: 6,
    blocked: [blockedIn('read', 5.5)],
  });
  const text = textOf(run);
  assertAgrees(text);
  assert.match(
    text,
    /replies took up to .* at p99, but the [\d.]+ % of its time that the worst loop lost does not/,
  );
});

test('requests that failed in several ways: one share, and its parts', () => {
  const { run } = quietRun()
    .unwatched()
    .counts({ planned: 1000, ok: 0, error: 400, unsent: 600 })
    .load({ errorsByKind: { refused: 400 } });
  const text = textOf({ ...run, header: { ...run.header, mode: 'load' } });
  assertAgrees(text);
  assert.match(text, /^1 000 requests, 100 % failed \(60 % unsent, 40 % error\), /);
});

test('a second cause that is nearly as large stands right below the first', () => {
  const { run } = quietRun()
    .stalls(50, { wallMs: 40, blocked: [blockedIn('fsync', 39, { uninterruptible: true })] })
    .stalls(50, { wallMs: 36, userMs: 35.5 });
  const [first, second] = textOf(run).split('\n');
  assert.match(first!, /^io\.fsync: .* 5\d % of the lost time\)$/);
  assert.match(second!, /^and loop\.heavy-handler: .* 4\d % of the lost time\)$/);
});

test('a long command line does not come before the figures, nor crowd them out', () => {
  const { run } = hogOnOneCore();
  const hog = run.observation!.neighbours.find(({ pid }) => pid === HOG)!;
  hog.commandLine = `./burn ${'--flag=value '.repeat(40)}`;
  assert.match(textOf(run), /burn \(pid 4242\) ran for .{0,200}: .?\.\/burn (--flag=value ?){3,4}.{0,15}$/m);
});

test('an interrupted load says how long it was', () => {
  const run = sampleRun({ mode: 'load' });
  const load = run.load!;
  Object.assign(load, { endNs: load.startNs + 3.2e9, stoppedEarly: 'interrupted' });
  load.plan.durationNs = 60e9;
  assert.match(textOf(run), /^http.*, 3\.20 s of 60\.0 s$/m);
});

test('a load of so many requests says how many were asked, and how long they took', () => {
  const run = sampleRun({ mode: 'load' });
  const load = run.load!;
  load.endNs = load.startNs + 3.2e9;
  Object.assign(load.plan, { requestLimit: load.counts.planned, durationNs: 24 * 3600e9 });
  assert.match(textOf(run), /^http.*connections?, [\d ]+ requests asked, 3\.20 s$/m);
  load.plan.requestLimit = load.counts.planned + 1;
  assert.match(textOf(run), /^http.*connections?, [\d ]+ of [\d ]+ requests asked, 3\.20 s$/m);
  assert.doesNotMatch(textOf(run), /86400|ended early/);
});

test('children and old workers that end do not make a run incomplete; the last of a name does', () => {
  const runOf = (exits: number[], gone: number[] = []) => {
    const { run } = quietRun().undriven();
    const observation = run.observation!;
    observation.exits = exits.map((pid) => ({ pid, atNs: 2e9 }));
    for (const loop of observation.loops) if (gone.includes(loop.pid)) loop.endNs = 2e9;
    // A worker that came for the one that went.
    if (gone.length === 1)
      observation.loops.push({ ...observation.loops[1]!, loopIndex: 2, pid: 600, startNs: 2e9 });
    run.header.watchedPids = [100];
    return textOf(run);
  };
  const ordinary = runOf([500, 501, 502, 503, 101], [101]);
  assert.doesNotMatch(ordinary, /Incomplete/);
  assert.match(
    ordinary,
    /^5 processes of the service ended meanwhile, and it went on: pid 500, 501, 502 and 2 more\.$/m,
  );
  assert.match(
    runOf([101, 102], [101, 102]),
    /^Incomplete: process 101 exited 2\.00 s into the run; process 102 exited/m,
  );
  assert.match(runOf([100]), /^Incomplete: process 100 exited/m);
});

test('no sentence of ours is cut, whatever the number of checks that passed', () => {
  const text = textOf(quietRun().run);
  assert.match(text, /^ {2}PASS {2}.{400,}[^.]$/m);
});
