// Goal: every test is run, once, at the time that its name says. Method: names given by hand, and the repository's own.
import assert from 'node:assert/strict';
import { relative } from 'node:path';
import { test } from 'node:test';
import { root, sourceFiles } from '../test/helpers/source-files.ts';
import { batches, batchesOf, TIERS, wordsOf } from './tiers.ts';

test('the words before the suffix say when: alone, and only with the rest', () => {
  const files = ['a.ktest.ts', 'b.alone.ktest.ts', 'c.full.ktest.ts', 'd.full.alone.ktest.ts'];
  const told = (isFull: boolean) =>
    batchesOf('kernel', files, isFull).map(({ files, concurrency }) => [concurrency, ...files]);
  assert.deepEqual(told(false), [
    [3, 'a.ktest.ts'],
    [1, 'b.alone.ktest.ts'],
  ]);
  assert.deepEqual(told(true), [
    [3, 'a.ktest.ts', 'c.full.ktest.ts'],
    [1, 'b.alone.ktest.ts', 'd.full.alone.ktest.ts'],
  ]);
});

test('all test files have a tier and are run once, the short part is a part of the whole, and no word is misspelt', () => {
  const all = ['src', 'bench', 'scripts', 'test']
    .flatMap((folder) => sourceFiles(folder))
    .map((path) => relative(root, path))
    .filter((path) => /\.k?test\.ts$/.test(path));
  const run = (isFull: boolean) => batches(TIERS, isFull).flatMap(({ files }) => files);
  assert.deepEqual(run(true).sort(), all.sort());
  const short = new Set(run(false));
  assert.deepEqual(
    run(true)
      .filter((file) => !short.has(file))
      .sort(),
    all.filter((file) => wordsOf(file).includes('full')),
  );
  for (const file of all) {
    const known = ['', 'full', 'alone', 'full.alone'];
    assert.ok(
      known.includes(wordsOf(file).join('.')),
      `${file}: before the suffix stand full, alone or both`,
    );
  }
});
