// Goal: each reply is in one cell of the matrix and in one of the sizes, over all threads. Method: any replies, counted
// plainly beside.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareReplies, createReplyMemory, ReplyComparison } from './reply-comparison.ts';

test('by hand', () => {
  const memories = [createReplyMemory(), createReplyMemory()];
  const [one, other] = memories.map((memory) => new ReplyComparison(memory));
  one!.reply(200, 200, 100, 100);
  one!.reply(200, 502, 100, 559);
  other!.reply(200, 200, 100, 90);
  other!.reply(0, 200, -1, 90);
  other!.reply(404, 404, 10, -1);
  assert.deepEqual(compareReplies(memories), {
    statusMatrix: [
      [0, 200, 1],
      [200, 200, 2],
      [200, 502, 1],
      [404, 404, 1],
    ],
    sizes: { equal: 1, larger: 1, smaller: 1, unknown: 2, moreBytes: 459, fewerBytes: 10 },
  });
});

test('none is lost, whatever the statuses and sizes', () => {
  const status = fc.oneof(fc.integer({ min: -1, max: 1001 }), fc.constant(2 ** 40));
  const bytes = fc.integer({ min: -1, max: 3 });
  fc.assert(
    fc.property(fc.array(fc.tuple(status, status, bytes, bytes), { maxLength: 20 }), (replies) => {
      const memory = createReplyMemory();
      const comparison = new ReplyComparison(memory);
      for (const [logged, came, was, is] of replies) comparison.reply(logged, came, was, is);
      const { statusMatrix, sizes } = compareReplies([memory]);
      assert.equal(
        statusMatrix.reduce((sum, [, , count]) => sum + count, 0),
        replies.length,
      );
      assert.equal(sizes.equal + sizes.larger + sizes.smaller + sizes.unknown, replies.length);
      assert.ok(
        statusMatrix.every(([logged, came]) => logged >= 0 && logged < 1000 && came >= 0 && came < 1000),
      );
    }),
    { numRuns: 20 },
  );
});
