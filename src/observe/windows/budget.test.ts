// Goal: the default budget follows the median cycle within its bounds. Method: made-up histograms.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CYCLE_BUCKET_COUNT, cycleBucketOf } from '../../record/cycle-buckets.ts';
import { budgetFor, FIRST_BUDGET_NS } from './budget.ts';

function counts(rows: [workNs: number, count: number][]): number[] {
  const all = Array<number>(CYCLE_BUCKET_COUNT).fill(0);
  for (const [workNs, count] of rows) all[cycleBucketOf(workNs)]! += count;
  return all;
}

test('budgets', () => {
  const rows: [string, number[], number, number][] = [
    ['nothing seen yet', counts([]), FIRST_BUDGET_NS, FIRST_BUDGET_NS],
    ['quick cycles: the floor', counts([[20_000, 1000]]), 2e6, 2e6],
    [
      'a few slow ones do not move it',
      counts([
        [20_000, 1000],
        [50e6, 100],
      ]),
      2e6,
      2e6,
    ],
    ['200 µs cycles: 20 times that', counts([[200_000, 1000]]), 4e6, 5e6],
    ['slow cycles: the ceiling', counts([[5e6, 10]]), 10e6, 10e6],
  ];
  for (const [name, histogram, low, high] of rows) {
    const budgetNs = budgetFor(histogram);
    assert.ok(budgetNs >= low && budgetNs <= high, `${name}: ${budgetNs}`);
  }
});
