// Goal: slots are handed out once, and an old owner can be told from a new one. Method: a table and a few cases.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONNECTING, ConnectionTable, FREE, OPEN } from './connection-table.ts';

test('slots are distinct until released, and none is left when all are taken', () => {
  const table = new ConnectionTable(3);
  const taken = [table.take(10, OPEN), table.take(11, OPEN), table.take(12, CONNECTING)];
  assert.deepEqual(taken, [0, 1, 2]);
  assert.equal(table.isFull, true);
  assert.equal(table.take(13, OPEN), -1);
  table.release(1);
  assert.equal(table.takenCount, 2);
  assert.equal(table.state[1], FREE);
  assert.equal(table.fd[1], -1);
  assert.equal(table.take(14, OPEN), 1);
});

test('each use of a slot has its own generation, which fits 24 bits', () => {
  const table = new ConnectionTable(1);
  const seen = new Set<number>();
  for (let i = 0; i < 1000; i++) {
    table.take(1, OPEN);
    seen.add(table.generation[0]!);
    table.release(0);
  }
  assert.equal(seen.size, 1000);
  table.generation[0] = 0xffffff;
  table.take(1, OPEN);
  table.release(0);
  assert.equal(table.generation[0], 0);
});

test('what one connection left behind is not the next one’s', () => {
  const table = new ConnectionTable(1);
  table.take(1, OPEN);
  table.sendErrno[0] = 32;
  table.peerEnded[0] = 1;
  table.release(0);
  table.take(2, OPEN);
  assert.equal(table.sendErrno[0], 0);
  assert.equal(table.peerEnded[0], 0);
});
