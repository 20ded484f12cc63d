// Goal: text of others is cut where it should be, in time that grows with its length. Method: a table, then one size
// against eight times as much.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertLinear } from '../../test/helpers/growth.ts';
import { trimEndOf, upTo } from './ends.ts';

test('what stands at the end is cut, and only there', () => {
  assert.equal(trimEndOf('a\0b\0\0\0', '\0'), 'a\0b');
  assert.equal(trimEndOf('\0\0', '\0'), '');
  assert.equal(trimEndOf('', '/'), '');
  assert.equal(trimEndOf('/a/b', '/'), '/a/b');
});

test('what stands before a mark, line ends included', () => {
  assert.equal(upTo('memcpy@@GLIBC_2.14', '@'), 'memcpy');
  assert.equal(upTo('a\nb@@c\nd', '@'), 'a\nb');
  assert.equal(upTo('memcpy', '@'), 'memcpy');
  assert.equal(upTo('@', '@'), '');
});

test('a megabyte of the bytes to be cut, and one more behind them, is read once', () => {
  assertLinear((size) => trimEndOf(`${'\0'.repeat(size)}x`, '\0'));
  assertLinear((size) => upTo(`${'@'.repeat(size)}\n`, '@'));
});
