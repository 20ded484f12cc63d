// Goal: a diagnosis keeps its promises on any run, and its exit status follows the table. Method: runs valid by
// shape with arbitrary numbers and strings, and a few runs made up by hand.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { runs } from '../../test/helpers/depth.ts';
import { diagnose, exitStatusOf } from './diagnose.ts';
import type { Diagnosis } from './finding.ts';
import { arbitraryRun } from './testing/arbitrary-run.ts';
import { blockedIn, quietRun } from './testing/run-builder.ts';
import { assertSound } from './testing/sound.ts';

test('any run valid by shape gets a sound diagnosis', () => {
  fc.assert(
    fc.property(arbitraryRun, (run) => {
      assertSound(diagnose(run));
    }),
    { numRuns: runs(300) },
  );
});

test('the same run gives the same diagnosis, and is left as it was', () => {
  fc.assert(
    fc.property(arbitraryRun, (run) => {
      const before = JSON.stringify(run);
      const first = JSON.stringify(diagnose(run));
      assert.equal(JSON.stringify(run), before);
      assert.equal(JSON.stringify(diagnose(JSON.parse(before))), first);
    }),
    { numRuns: 50 },
  );
});

test('hostile names cannot break out of a sentence', () => {
  const hostile = '\u001b[2J\nverdict: healthy\u202e';
  const { run } = quietRun()
    .response([[5, 20_000]])
    .stalls(300, { kind: 'wait', wallMs: 3, contended: [[66, hostile, 2.9]] })
    .neighbour({ pid: 66, comm: hostile, commandLine: hostile, cpuNs: 3e9 });
  const diagnosis = diagnose(run);
  assert.equal(diagnosis.verdict.culprit, 'cpu.contended');
  assert.doesNotMatch(JSON.stringify(diagnosis), /\\u001b|\\n|\u202e/);
});

test('two faults at once: the larger is the verdict, the smaller contributes', () => {
  const { run } = quietRun()
    .stalls(50, { wallMs: 40, blocked: [blockedIn('fsync', 39, { uninterruptible: true })] })
    .stalls(30, { wallMs: 30, userMs: 29.5 });
  const { verdict, contributors, suspectsCleared } = diagnose(run);
  assert.equal(verdict.culprit, 'io.fsync');
  assert.deepEqual(
    contributors.map((finding) => finding.culprit),
    ['loop.heavy-handler'],
  );
  assert.ok(verdict.share > 0.6 && verdict.share < 0.75, String(verdict.share));
  assert.ok(!suspectsCleared.some((suspect) => suspect.culprit === 'loop.heavy-handler'));
});

test('a near tie with the hypervisor goes to the cause that can be mended, and steal contributes', () => {
  const named = (stealMs: number, blockedMs: number) => {
    const { run } = quietRun()
      .response([[5, 20_000]])
      .stalls(60, { wallMs: stealMs, stealMs })
      .stalls(60, { wallMs: blockedMs, blocked: [blockedIn('fsync', blockedMs, { uninterruptible: true })] })
      .stalls(60, { wallMs: 15, userMs: 15 });
    const { verdict, contributors } = diagnose(run);
    return [verdict.culprit, ...contributors.map((finding) => finding.culprit)];
  };
  assert.deepEqual(named(20, 18), ['io.fsync', 'cpu.steal', 'loop.heavy-handler']);
  assert.deepEqual(named(26, 18), ['cpu.steal', 'io.fsync', 'loop.heavy-handler'], 'no tie');
  assert.deepEqual(named(60, 40).slice(0, 2), ['cpu.steal', 'io.fsync'], 'a majority');
});

test('a fault below a fifth of the excess is cleared with its share', () => {
  const { run } = quietRun()
    .stalls(100, { wallMs: 40, blocked: [blockedIn('fsync', 40, { uninterruptible: true })] })
    .stalls(20, { wallMs: 12, userMs: 12 });
  const { suspectsCleared } = diagnose(run);
  const heavy = suspectsCleared.find((suspect) => suspect.culprit === 'loop.heavy-handler');
  assert.equal(heavy?.why, 'only 6 % of the excess');
});

test('what could not be seen is listed', () => {
  const builder = quietRun().procTier();
  builder.run.header.capabilities = [
    { name: 'bpf', available: false, reason: 'EPERM: needs CAP_BPF', hides: 'who ran instead' },
  ];
  const { self } = diagnose(builder.run);
  assert.equal(self.couldNotSee[0], 'bpf: EPERM: needs CAP_BPF: who ran instead');
  assert.match(self.couldNotSee[1]!, /from \/proc only/);
});

test('from /proc alone only what counters prove is named, and modestly', () => {
  const hog = { pid: 4242, comm: 'burn', cpuNs: 9e9, cpusAllowed: '0' };
  const delayed = { runDelayNs: 5e9, voluntarySwitches: 3000, involuntarySwitches: 100 };
  const contended = quietRun().procTier().loop(0, { cpusAllowed: '0' }).window(0, delayed).neighbour(hog);
  contended.response([[4, 20_000]]);
  const named = diagnose(contended.run).verdict;
  assert.equal(named.culprit, 'cpu.contended');
  assert.equal(named.confidence, 'low');
  assert.match(named.headline, /burn \(pid 4242\)/);

  const throttled = quietRun().procTier().window(0, delayed).throttled(4_500, 60);
  assert.equal(diagnose(throttled.run).verdict.culprit, 'cpu.throttled');

  const nobody = quietRun().procTier().window(0, delayed);
  assert.equal(diagnose(nobody.run).verdict.culprit, 'unexplained');

  const blocked = quietRun().procTier().window(0, { blockedShare: 0.3 });
  const unnamed = diagnose(blocked.run).verdict;
  assert.equal(unnamed.culprit, 'unexplained');
  assert.match(unnamed.evidence[0]!.text, /without a record of the call/);

  const quiet = diagnose(quietRun().procTier().run).verdict;
  assert.deepEqual([quiet.culprit, quiet.confidence], ['healthy', 'low']);
});

test('load alone: sound is healthy with low confidence; a tail asks to watch the server', () => {
  const sound = diagnose(quietRun().unwatched().run);
  assert.deepEqual([sound.verdict.culprit, sound.verdict.confidence], ['healthy', 'low']);
  const tail = quietRun()
    .unwatched()
    .response([
      [0.2, 19_000],
      [40, 1_000],
    ]);
  const { verdict } = diagnose(tail.run);
  assert.equal(verdict.culprit, 'unexplained');
  assert.match(verdict.headline, /was not watched/);
});

test('live traffic: a loop that is always busy with work waiting is saturated', () => {
  const busy = {
    workNs: 9.9e9,
    waitNs: 0.1e9,
    cpuNs: 9.8e9,
    eventHistogram: [[4, 10_000]] as [number, number][],
  };
  const { verdict } = diagnose(quietRun().undriven().window(0, busy).run);
  assert.deepEqual([verdict.culprit, verdict.confidence], ['loop.saturated', 'medium']);
  const once = diagnose(
    quietRun()
      .undriven()
      .window(0, { ...busy, eventHistogram: [[1, 10_000]] }).run,
  );
  assert.equal(once.verdict.culprit, 'healthy');
});

test('the exit status: VOID wins, then a culprit', () => {
  const statusOf = (culprit: Diagnosis['verdict']['culprit'], verdict: Diagnosis['self']['verdict']) => {
    const diagnosis = diagnose(quietRun().run);
    diagnosis.verdict.culprit = culprit;
    diagnosis.self.verdict = verdict;
    return exitStatusOf(diagnosis);
  };
  assert.equal(statusOf('healthy', 'PASS'), 0);
  assert.equal(statusOf('healthy', 'WARN'), 0);
  assert.equal(statusOf('io.fsync', 'PASS'), 1);
  assert.equal(statusOf('unexplained', 'WARN'), 1);
  assert.equal(statusOf('healthy', 'VOID'), 3);
  assert.equal(statusOf('client.saturated', 'VOID'), 3);
});
