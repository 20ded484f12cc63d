// Goal: the first thing a newcomer runs works: exit 0, the planted fault named, a report, nothing left.
// Method: `npm start`'s command in an empty folder; the other experiments once each, shortened.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { EXPERIMENTS } from '../../src/lab/registry.ts';
import { temporaryFolder } from '../fixtures/guard.ts';
import { markedProcesses, newMark } from '../fixtures/leftovers.ts';
import { runLoopscope } from '../fixtures/loopscope.ts';
import { untilQuiet } from '../fixtures/quiet.ts';
import { needs } from '../helpers/needs.ts';

for (const { name } of EXPERIMENTS) {
  test(`lab ${name}`, async (t) => {
    if (!needs(t, process.getuid?.() === 0, 'root')) return;
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
}
