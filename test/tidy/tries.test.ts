// Goal: one wrong answer of a machine that others use fails no test, three do, and none is lost. Method: answers by hand.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { upToThreeTimes } from '../helpers/tries.ts';

/** Gives these answers in turn, and fails when "right" is not among the first three. */
async function ask(...answers: string[]) {
  const printed: string[] = [];
  const t = { diagnostic: (text: string) => void printed.push(text) };
  const given = async () => {
    const answer = answers.shift()!;
    if (answer === 'broken') throw new TypeError(answer);
    assert.equal(answer, 'right');
    return answer;
  };
  const outcome = await upToThreeTimes(t, given, 0).catch((error: Error) => error);
  return { outcome, printed, left: answers.length };
}

test('right at once, or after wrong ones that are printed', async () => {
  assert.deepEqual(await ask('right', 'wrong'), { outcome: 'right', printed: [], left: 1 });
  const { outcome, printed } = await ask('wrong', 'false', 'right');
  assert.equal(outcome, 'right');
  assert.equal(printed.length, 2);
  assert.match(printed[0]!, /^wrong answer 1 of 3[\s\S]*wrong/);
});

test('three wrong ones fail, and all are told; what is no wrong answer fails at once', async () => {
  const { outcome, left } = await ask('wrong', 'false', 'bad', 'right');
  assert.ok(outcome instanceof assert.AssertionError);
  for (const answer of ['wrong', 'false', 'bad']) assert.match(outcome.message, new RegExp(`'${answer}'`));
  assert.equal(left, 1);
  const broken = await ask('broken', 'right');
  assert.ok(broken.outcome instanceof TypeError && broken.left === 1);
});
