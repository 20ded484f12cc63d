// Goal: a mistyped name finds the one that was meant, and compilers' copies are known for what they are.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { copiesOf, editDistance, nearNames } from './near-names.ts';

const NAMES = [
  'ngx_event_expire_timers',
  'ngx_event_find_timer',
  'ngx_http_handler',
  'aeProcessEvents',
  'main',
  'x',
];

for (const [wanted, first] of [
  ['ngx_event_expire_timer', 'ngx_event_expire_timers'],
  ['ngx_event_exprie_timers', 'ngx_event_expire_timers'],
  ['NGX_HTTP_HANDLER', 'ngx_http_handler'],
  ['expire_timers', 'ngx_event_expire_timers'],
  ['processEvents', 'aeProcessEvents'],
  ['mian', 'main'],
] as const) {
  test(`${wanted} is taken for ${first}`, () => assert.equal(nearNames(wanted, NAMES)[0], first));
}

test('what is like nothing finds nothing, and never more than five are named', () => {
  assert.deepEqual(nearNames('zzzzzzzzzz', NAMES), []);
  assert.equal(
    nearNames(
      'handler',
      Array.from({ length: 40 }, (_, i) => `handler_${i}`),
    ).length,
    5,
  );
});

test('copies that compilers make: gcc, clang, several suffixes; not other names with dots', () => {
  const names = [
    'f',
    'f.isra.0',
    'f.constprop.3.isra.1',
    'f.part.0',
    'f.cold',
    'f.llvm.123',
    'f.txt',
    'fg.isra.0',
    'f.g.isra.0',
    `f${'.isra'.repeat(2000)}x`,
  ];
  assert.deepEqual(copiesOf('f', names), [
    'f.cold',
    'f.constprop.3.isra.1',
    'f.isra.0',
    'f.llvm.123',
    'f.part.0',
  ]);
});

test('edit distance: symmetric, zero for the same, bounded by the longer one', () => {
  const word = fc.string({ maxLength: 12 });
  fc.assert(
    fc.property(word, word, (a, b) => {
      const distance = editDistance(a, b, 99);
      assert.equal(distance, editDistance(b, a, 99));
      assert.equal(distance === 0, a === b);
      assert.ok(distance <= Math.max(a.length, b.length));
      assert.equal(editDistance(a, b, 2), Math.min(distance, 3));
    }),
  );
  assert.equal(editDistance('abcd', 'abdc', 9), 1);
});
