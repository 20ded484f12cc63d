// Goal: on a terminal no message is broken within a word, and in a pipe none is broken at all. Method: screens of a few
// widths.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fitted } from './fitted.ts';

const TEXT = '  try: write it elsewhere with: loopscope report /tmp/a-rather-long-name --html FILE';

test('in a pipe: one line', () => {
  assert.equal(fitted({}, TEXT), `${TEXT}\n`);
});

test('on a terminal: broken at spaces, later lines indented, long words whole', () => {
  assert.deepEqual(fitted({ isTTY: true, columns: 40 }, TEXT, ' '.repeat(7)).split('\n'), [
    '  try: write it elsewhere with:',
    '       loopscope report',
    '       /tmp/a-rather-long-name --html',
    '       FILE',
    '',
  ]);
  assert.deepEqual(fitted({ isTTY: true, columns: 12 }, 'no /tmp/a-long-name').split('\n'), [
    'no',
    '  /tmp/a-long-name',
    '',
  ]);
  assert.equal(fitted({ isTTY: true, columns: 80 }, 'short'), 'short\n');
});
