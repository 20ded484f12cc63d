// Goal: whatever a form of report does, the run is safe and the other forms come. Method: a diagnosis that no form can
// render, and what is written and said of it.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import type { Diagnosis } from '../diagnose/finding.ts';
import { readRunFile } from '../record/run-file.ts';
import { sampleDiagnosis } from '../report/testing/sample-diagnosis.ts';
import { sampleRun } from '../report/testing/sample-run.ts';
import type { OutputFlags } from './options.ts';
import { keepingRun, present } from './present.ts';

const folder = mkdtempSync(join(tmpdir(), 'loopscope-present-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const FLAGS = { json: false, quiet: true, color: false } as OutputFlags;
const run = sampleRun();
const sound = sampleDiagnosis(run);
/** The forms that look at the self-checks fail on it. */
const broken = { ...sound, self: null } as unknown as Diagnosis;

/** What is written to both outputs meanwhile. */
function listen(t: TestContext): { out: () => string; err: () => string } {
  const texts = (['stdout', 'stderr'] as const).map((name) => {
    const written: string[] = [];
    t.mock.method(process[name], 'write', (text: string) => written.push(text) > 0);
    return () => written.join('');
  });
  return { out: texts[0]!, err: texts[1]! };
}

const keptPath = (text: string) => /^the run was kept as (\S+):/m.exec(text)?.[1] ?? '';

for (const flags of [FLAGS, { ...FLAGS, json: true }]) {
  test(`a form that throws${flags.json ? ', with --json' : ''}: the run is kept, and said so first`, async (t) => {
    const { err } = listen(t);
    await assert.rejects(present(run, broken, flags), TypeError);
    const path = keptPath(err());
    assert.deepEqual(readRunFile(path), JSON.parse(JSON.stringify(run)));
    rmSync(dirname(path), { recursive: true });
  });
}

test('where --out has it already, or it was read from, that path is said and nothing is written twice', async (t) => {
  const { err } = listen(t);
  const out = join(folder, 'a.loopscope');
  await assert.rejects(present(run, broken, { ...FLAGS, out }), TypeError);
  assert.equal(keptPath(err()), out);
  assert.ok(existsSync(out));
  await assert.rejects(present(run, broken, FLAGS, { readFrom: '/runs/b.loopscope' }), TypeError);
  assert.match(err(), /^the run was kept as \/runs\/b\.loopscope:/m);
});

test('one form that throws takes no other with it', async (t) => {
  const { out, err } = listen(t);
  const folded = join(folder, 'a.folded');
  const csv = join(folder, 'no', 'such', 'a.csv');
  await assert.rejects(present(run, sound, { ...FLAGS, csv, folded }), { code: 'RUN_FILE_WRITE' });
  assert.match(out(), /Self-judgement/);
  assert.match(readFileSync(folded, 'utf8'), /^nginx/);
  assert.equal(err(), '', 'a known failure tells of the run itself');
});

test('a diagnosis that throws loses no run either', async (t) => {
  const { err } = listen(t);
  const thrown = new RangeError('no such rule');
  const diagnose = () => {
    throw thrown;
  };
  await assert.rejects(keepingRun(run, diagnose), thrown);
  const path = keptPath(err());
  assert.ok(existsSync(path));
  rmSync(dirname(path), { recursive: true });
});
