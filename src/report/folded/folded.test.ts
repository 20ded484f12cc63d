// Goal: what flame graph tools read is what was meant, whatever the names are. Method: a table, and reading back.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type CountedStack, foldStacks } from './folded.ts';

const CASES: [string, CountedStack[], string][] = [
  ['nothing', [], ''],
  ['outermost first', [{ frames: ['inner', 'outer', 'main'], count: 2 }], 'main;outer;inner 2\n'],
  [
    'equal stacks are one line, lines are sorted',
    [
      { frames: ['b', 'main'], count: 1 },
      { frames: ['a', 'main'], count: 5 },
      { frames: ['b', 'main'], count: 3 },
    ],
    'main;a 5\nmain;b 4\n',
  ],
  [
    'parts are added before they are rounded',
    [
      { frames: ['a'], count: 0.7 },
      { frames: ['a'], count: 0.7 },
      { frames: ['b'], count: 0.4 },
    ],
    'a 1\n',
  ],
  ['names with blanks stay', [{ frames: ['f(int, char*)'], count: 1 }], 'f(int, char*) 1\n'],
  ['names with separators do not split', [{ frames: ['a;b\nc 9', ' '], count: 1 }], '?;a:b c 9 1\n'],
  ['no frames', [{ frames: [], count: 3 }], '[no frames] 3\n'],
  [
    'no samples',
    [
      { frames: ['a'], count: 0 },
      { frames: ['a'], count: Number.NaN },
    ],
    '',
  ],
];

for (const [name, stacks, text] of CASES) {
  test(`folded: ${name}`, () => assert.equal(foldStacks(stacks), text));
}

test('folded: every line is frames, a blank and a count, and no sample is lost', () => {
  const stack = fc.record({ frames: fc.array(fc.string()), count: fc.integer({ min: 1, max: 1000 }) });
  fc.assert(
    fc.property(fc.array(stack), (stacks) => {
      let total = 0;
      for (const line of foldStacks(stacks).split('\n').slice(0, -1)) {
        const match = /^(.+) (\d+)$/.exec(line);
        assert.ok(match, line);
        total += Number(match[2]);
      }
      assert.equal(
        total,
        stacks.reduce((sum, { count }) => sum + count, 0),
      );
    }),
  );
});
