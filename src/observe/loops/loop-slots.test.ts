// Goal: places are lent once, and a place that was given back rests until the ring was emptied.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLoopSlots } from './loop-slots.ts';

test('places run out, rest and come back', () => {
  const slots = createLoopSlots(2);
  const [first, second] = [slots.take(10), slots.take(11)];
  assert.deepEqual([first, second], [0, 1]);
  assert.equal(slots.take(12), null);
  slots.release(0);
  assert.equal(slots.take(12), null, 'a record of the last owner may still be in the ring');
  assert.equal(slots.loopOf(0), 10);
  slots.settle();
  assert.equal(slots.take(12), 0);
  assert.equal(slots.loopOf(0), 12);
  assert.equal(slots.usedCount, 2);
});
