// Goal: what is typed is divided as meant, and the output says what was found. Method: files in a temporary folder.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import fc from 'fast-check';
import { runs } from '../../../test/helpers/depth.ts';
import { compareRuns, isWorse } from '../../diagnose/compare/compare-runs.ts';
import { arbitraryRun } from '../../diagnose/testing/arbitrary-run.ts';
import { quietRun } from '../../diagnose/testing/run-builder.ts';
import { assertFinite, assertReadable } from '../../report/testing/assert-readable.ts';
import { comparisonText, refuseShared, sidesOf } from './compare.ts';

const folder = mkdtempSync(join(tmpdir(), 'loopscope-compare-'));
after(() => rmSync(folder, { recursive: true }));
const inFolder = (name: string) => join(folder, name);
for (const name of ['b2.loopscope', 'b1.loopscope', 'notes.txt', 'odd,name'])
  writeFileSync(inFolder(name), '');

describe('the two sides', () => {
  test('two files', () => {
    assert.deepEqual(sidesOf(['x', 'y'], ['compare', 'x', 'y']), [['x'], ['y']]);
  });

  test('commas, but not those of a file’s own name', () => {
    assert.deepEqual(sidesOf(['x,y', 'z'], ['compare', 'x,y', 'z']), [['x', 'y'], ['z']]);
    const odd = inFolder('odd,name');
    assert.deepEqual(sidesOf([odd, 'z'], ['compare', odd, 'z']), [[odd], ['z']]);
  });

  test('a folder stands for the run files in it', () => {
    assert.deepEqual(sidesOf(['x', folder], ['compare', 'x', folder])[1], [
      inFolder('b1.loopscope'),
      inFolder('b2.loopscope'),
    ]);
  });

  test('a double dash between lists', () => {
    assert.deepEqual(sidesOf(['a', 'b', 'c'], ['compare', '--json', 'a', 'b', '--', 'c']), [
      ['a', 'b'],
      ['c'],
    ]);
  });

  test('what cannot be divided is refused', () => {
    for (const [operands, argv] of [
      [['a'], ['compare', 'a']],
      [
        ['a', 'b', 'c'],
        ['compare', 'a', 'b', 'c'],
      ],
      [['a'], ['compare', 'a', '--']],
      [['a'], ['compare', '--', 'a']],
    ] as const) {
      assert.throws(() => sidesOf(operands, argv), { code: 'USAGE' });
    }
    const empty = mkdtempSync(join(folder, 'empty-'));
    assert.throws(() => sidesOf(['a', empty], ['compare', 'a', empty]), { code: 'FILE_UNREADABLE' });
  });
});

test('a run that is compared with itself among others is refused', () => {
  refuseShared(['a'], ['a']);
  refuseShared(['a', 'b'], ['c']);
  assert.throws(() => refuseShared(['a', 'b'], ['./b']), {
    code: 'USAGE',
    message: /\.\/b is on both sides/,
  });
});

test('the text has the figures, the verdict, what differs, and what it failed for', () => {
  const one = quietRun().run;
  const other = quietRun().run;
  other.load!.plan.connectionCount = 99;
  const comparison = compareRuns([one, one], [other, other]);
  const text = comparisonText(comparison, isWorse(comparison, 0.05), { colour: false, columns: null });
  assert.match(text, /B against A {2}2 runs against 2/);
  assert.match(text, /response p99 +300 us +300 us +\+0 % .* same/);
  assert.match(text, /connections: 50 in A, 99 in B/);
  assert.match(text, /passed: /);
  const single = compareRuns([one], [other]);
  assert.match(
    comparisonText(single, null, { colour: false, columns: null }),
    /no verdict: with one run a side/,
  );
});

test('any runs on either side are compared, and the text can be read', () => {
  const side = fc.array(arbitraryRun, { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(side, side, fc.constantFrom(60, 80, null), (a, b, columns) => {
      const comparison = compareRuns(a, b, { minChange: 0.05 });
      assertFinite(comparison);
      const judged = a.length > 1 && b.length > 1 ? isWorse(comparison, 0.05) : null;
      assertReadable(comparisonText(comparison, judged, { columns, colour: true }), columns, 'compare');
    }),
    { numRuns: runs(60) },
  );
});
