// Goal: threads that are no loops are looked at ever more seldom, and a number that comes back is a new thread.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createThreadRests } from './find-loops.ts';

test('looked at in the first scans, then every eighth at least; forgotten once gone', () => {
  const rests = createThreadRests();
  const lookedAt: number[] = [];
  const scan = (number: number, isThere = true) => {
    rests.nextScan();
    if (!isThere || rests.rests(7)) return;
    lookedAt.push(number);
    rests.wasNone(7);
  };
  for (let i = 1; i <= 40; i++) scan(i);
  assert.deepEqual(lookedAt.slice(0, 3), [1, 2, 3]);
  const gaps = lookedAt.slice(1).map((at, i) => at - lookedAt[i]!);
  assert.equal(Math.max(...gaps), 8);
  assert.ok(lookedAt.length <= 10, lookedAt.join(' '));
  scan(41, false);
  scan(42, false);
  scan(43);
  assert.equal(lookedAt.at(-1), 43, 'another thread with that number is looked at in its first scan');
});
