// Goal: a wrong answer that a machine gave once fails nothing and is told, one that it gives three times fails, and what does
// not ask the machine is not asked again. Method: test files made for it, which count how often they ran.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { runBatches } from './run-batches.ts';

const folder = mkdtempSync(join(tmpdir(), 'loopscope-batches-'));
after(() => rmSync(folder, { recursive: true }));

/** A file of two tests, the second of which is right from its `rightFrom`-th time on. */
function fileThat(name: string, rightFrom: number): string {
  const path = join(folder, `${name}.test.mjs`);
  writeFileSync(
    path,
    `import { appendFileSync, readFileSync } from 'node:fs';
    import { test } from 'node:test';
    test('steady', () => appendFileSync('${path}.steady', 'x'));
    test('moody (at times)', () => {
      appendFileSync('${path}.moody', 'x');
      if (readFileSync('${path}.moody').length < ${rightFrom}) throw new Error('not yet');
    });`,
  );
  return path;
}

const timesOf = (path: string) =>
  ['steady', 'moody'].map((name) => readFileSync(`${path}.${name}`, 'utf8').length);

function run(files: string[], asksMachine: boolean) {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const batch = { title: 'made', files, concurrency: 1, asksMachine };
  const { failures, wrongAnswers } = runBatches([batch], { env, isQuiet: true });
  return [failures, wrongAnswers].map((told) => told.map(({ name }) => name));
}

test('right the second time, of that test alone; the wrong answer is kept', () => {
  const path = fileThat('second', 2);
  assert.deepEqual(run([path], true), [[], ['moody (at times)']]);
  assert.deepEqual(timesOf(path), [1, 2]);
});

test('right the third time, of the whole file', () => {
  const path = fileThat('third', 3);
  assert.deepEqual(run([path], true), [[], Array(2).fill('moody (at times)')]);
  assert.deepEqual(timesOf(path), [2, 3]);
});

test('wrong three times, and never a fourth', () => {
  const path = fileThat('never', 9);
  assert.deepEqual(run([path], true)[0], Array(3).fill('moody (at times)'));
  assert.deepEqual(timesOf(path), [2, 3]);
});

test('what always gives the same answer is asked once', () => {
  const path = fileThat('unit', 2);
  assert.deepEqual(run([path], false), [['moody (at times)'], []]);
});

test('many wrong files are not the machine', () => {
  const paths = Array.from({ length: 7 }, (_, i) => fileThat(`many-${i}`, 2));
  assert.deepEqual(run(paths, true), [Array(7).fill('moody (at times)'), []]);
});
