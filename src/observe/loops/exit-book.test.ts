// Goal: every end of a watched process is noted, once. Method: processes made up.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LoopRecord } from '../../record/observation.ts';
import { createExitBook } from './exit-book.ts';

const record = (pid: number, endNs: number | null) => ({ pid, endNs }) as LoopRecord;

test('a process that was still ending when its thread was gone', () => {
  const gone = new Set<number>();
  const book = createExitBook((pid) => gone.has(pid));
  book.threadEnded(1, 10);
  gone.add(1);
  assert.deepEqual(book.finish([record(1, 10), record(2, null)], [2], 99), [{ pid: 1, atNs: 10 }]);
});

test('a thread that ends in a process that stays is no end of it', () => {
  const book = createExitBook(() => false);
  book.threadEnded(1, 10);
  assert.deepEqual(book.finish([record(1, 10), record(1, null)], [1], 99), []);
});

test('several threads of one process: its end, once, when the last was gone', () => {
  const gone = new Set<number>();
  const book = createExitBook((pid) => gone.has(pid));
  book.threadEnded(1, 10);
  book.threadEnded(1, 20);
  gone.add(1);
  assert.deepEqual(book.finish([record(1, 10), record(1, 20)], [1], 99), [{ pid: 1, atNs: 20 }]);
});

test('a named process without a loop of its own', () => {
  const book = createExitBook((pid) => pid === 7);
  assert.deepEqual(book.finish([], [7, 8], 99), [{ pid: 7, atNs: 99 }]);
});
