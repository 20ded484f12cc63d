// Goal: comparisons pair what was measured together. Method: variants whose samples are known numbers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alternate, compare, median, type Variant } from './rounds.ts';

function counting(name: string, every?: number): { variant: Variant; ran: string[] } {
  const ran: string[] = [];
  const run = async () => {
    ran.push(name);
    return { value: ran.length };
  };
  return { variant: { name, run, ...(every !== undefined && { every }) }, ran };
}

test('the order turns round each time', async () => {
  const order: string[] = [];
  const variants = ['a', 'b'].map((name) => ({ name, run: async () => ({ at: order.push(name) }) }));
  await alternate(variants, 3);
  assert.deepEqual(order, ['a', 'b', 'b', 'a', 'a', 'b']);
});

test('a variant of every third round takes part in the first, fourth and seventh', async () => {
  const always = counting('always');
  const rarely = counting('rarely', 3);
  const samples = await alternate([always.variant, rarely.variant], 7);
  assert.equal(samples.always!.length, 7);
  assert.deepEqual(
    samples.rarely!.map(({ round }) => round),
    [0, 3, 6],
  );
});

test('only rounds in which both took part are compared', () => {
  const samples = {
    ours: [10, 20, 30, 40].map((value, round) => ({ round, value })),
    theirs: [
      { round: 0, value: 10 },
      { round: 3, value: 10 },
    ],
  };
  const { medians, ratio, pairedRatio } = compare(samples, 'value', 'ours', 'theirs');
  assert.deepEqual(medians, { ours: 25, theirs: 10 });
  assert.equal(ratio, 2.5);
  assert.equal(pairedRatio, 2.5);
  assert.equal(compare(samples, 'value', 'theirs', 'ours').smallerCount, 1);
});

test('median of none is NaN, of two their mean', () => {
  assert.ok(Number.isNaN(median([])));
  assert.equal(median([3, 1]), 2);
});
