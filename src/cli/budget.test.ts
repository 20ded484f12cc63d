// Goal: --budget takes a time for cycles, a share for the observer, or both.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LoopscopeError } from '../base/errors.ts';
import { budgetChoices, parseBudget } from './options.ts';

test('a time, a share, and one after the other', () => {
  assert.deepEqual(parseBudget('20ms'), { cycleNs: 20e6 });
  assert.deepEqual(parseBudget('1%'), { cpuShare: 0.01 });
  assert.deepEqual(parseBudget('0.5 %', parseBudget('5ms')), { cycleNs: 5e6, cpuShare: 0.005 });
  assert.deepEqual(budgetChoices({ budget: parseBudget('1%', parseBudget('5ms')) }), {
    budgetNs: 5e6,
    cpuBudgetShare: 0.01,
  });
  assert.deepEqual(budgetChoices({}), {});
  for (const wrong of ['0%', '0.1%', 'x', '5 parsecs', '-1%']) {
    assert.throws(
      () => parseBudget(wrong),
      (error) => error instanceof LoopscopeError && error.code === 'USAGE',
      wrong,
    );
  }
});
