// Goal: the first thing a newcomer runs works: exit 0, the planted fault named, a report, nothing left.
// Method: `npm start`'s command in an empty folder; the other experiments once each, shortened. Those that measure are
// asked for their figures: beside other work on the same CPUs they need not come out as the incident had them.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { BatchingResult } from '../../src/lab/batching/result.ts';
import type { HerdResult } from '../../src/lab/herd/result.ts';
import { EXPERIMENTS } from '../../src/lab/registry.ts';
import { temporaryFolder } from '../fixtures/guard.ts';
import { markedProcesses, newMark } from '../fixtures/leftovers.ts';
import { runLoopscope } from '../fixtures/loopscope.ts';
import { untilQuiet } from '../fixtures/quiet.ts';
import { needs } from '../helpers/needs.ts';
import { upToThreeTimes } from '../helpers/tries.ts';

const MEASURING = ['herd', 'batching'];

for (const { name } of EXPERIMENTS.filter((experiment) => !MEASURING.includes(experiment.name))) {
  test(`lab ${name}`, async (t) => {
    if (!needs(t, process.getuid?.() === 0, 'root')) return;
    await upToThreeTimes(t, async () => {
      using folder = temporaryFolder();
      const mark = newMark();
      await untilQuiet(5000);
      const args = ['lab', name, ...(name === 'demo' ? [] : ['--duration', '5s'])];
      const result = await runLoopscope(args, { cwd: folder.path, env: mark.env });
      assert.equal(result.code, 0, result.stdout + result.stderr);
      assert.match(result.stdout, /Correct\.$/m);
      assert.deepEqual(readdirSync(folder.path), [`loopscope-${name}.html`]);
      const html = readFileSync(join(folder.path, `loopscope-${name}.html`), 'utf8');
      assert.match(html, /<\/html>\s*$/);
      assert.deepEqual(markedProcesses(mark.value), []);
    });
  });
}

/** Runs one that measures, with less of everything; its result, and the page it wrote. */
async function measureShortly(name: string, ...more: string[]): Promise<{ result: unknown; html: string }> {
  using folder = temporaryFolder();
  const mark = newMark();
  const page = join(folder.path, 'page.html');
  const args = ['lab', name, '--quick', '--json', '--quiet', '--html', page, ...more];
  const ran = await runLoopscope(args, { cwd: folder.path, env: mark.env, timeoutMs: 150_000 });
  assert.ok(ran.code === 0 || ran.code === 1, ran.stdout + ran.stderr);
  assert.deepEqual(markedProcesses(mark.value), []);
  return { result: ran.json, html: readFileSync(page, 'utf8') };
}

test('lab herd: a shared listener wakes most workers for nothing, and the doctor says so', async (t) => {
  if (!needs(t, process.getuid?.() === 0, 'root')) return;
  await upToThreeTimes(t, async () => {
    const { result, html } = await measureShortly('herd', '--accept', 'shared', 'reuseport');
    const { strategies } = result as HerdResult;
    const [shared, reuseport] = strategies;
    assert.deepEqual([shared!.accept, reuseport!.accept], ['shared', 'reuseport']);
    assert.ok(shared!.rush.answered >= 4000 && reuseport!.rush.failed === 0);
    assert.ok(shared!.trickle.vainShare! > 0.3, `${shared!.trickle.vainShare}`);
    assert.ok(reuseport!.trickle.vainShare! < 0.1, `${reuseport!.trickle.vainShare}`);
    assert.ok(shared!.trickle.wakeUpsPerConnection > 1.5 * reuseport!.trickle.wakeUpsPerConnection);
    assert.equal(shared!.verdict.culprit, 'accept.thundering-herd');
    assert.ok(reuseport!.stop.stranded > 0);
    assert.match(html, /accept\.thundering-herd[\s\S]*<svg[\s\S]*<\/html>\s*$/);
  });
});

test('lab batching: lock-step wakes the agent far less often, for the same requests', async (t) => {
  if (!needs(t, process.getuid?.() === 0, 'root')) return;
  await upToThreeTimes(t, async () => {
    const { result, html } = await measureShortly('batching');
    const { shapes, ladder } = result as BatchingResult;
    const find = (name: string) => shapes.find((shape) => shape.name === name)!;
    const lockStep = find('lock-step');
    const jittered = find('jittered');
    assert.ok(lockStep.failed === 0 && jittered.failed === 0);
    assert.ok(lockStep.eventsPerWakeUp > 4 * jittered.eventsPerWakeUp, `${lockStep.eventsPerWakeUp}`);
    assert.equal(lockStep.verdict?.culprit, 'client.synchronised');
    assert.ok(ladder.length >= 2 && ladder[0]!.ok > 0);
    assert.match(html, /<svg[\s\S]*<\/html>\s*$/);
  });
});
