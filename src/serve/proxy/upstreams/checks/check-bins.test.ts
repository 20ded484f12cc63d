// Goal: the dispersion that is told is that of whole bins. Method: counts beside the formula, with a jump of the clock.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BIN_NS, CheckBins } from './check-bins.ts';

test('dispersion and mean are of the bins that were seen whole, of the last minute', () => {
  const bins = new CheckBins();
  const fill = (from: number, counts: readonly number[]) => {
    for (const [i, count] of counts.entries()) {
      bins.look((from + i + 0.1) * BIN_NS, Math.floor(count / 2));
      bins.look((from + i + 0.9) * BIN_NS, Math.ceil(count / 2));
    }
  };
  fill(3, [999, 4, 6, 4, 6, 4, 6, 4, 6, 4, 6, 999]);
  assert.equal(bins.mean, 5, 'the first was entered in its midst, the last is not over');
  assert.ok(Math.abs(bins.dispersion - 10 / 9 / 5) < 1e-12);
  fill(40, [0, 5, 5, 0]);
  assert.equal(bins.mean, 5, 'nor are those on either side of a jump');
  assert.equal(bins.most, 6);
  fill(44, new Array(700).fill(8));
  assert.equal(bins.mean, 8, 'a minute later the old ones are forgotten');
  assert.equal(bins.dispersion, 0);
  assert.equal(new CheckBins().mean, 0);
  assert.ok(Number.isNaN(new CheckBins().dispersion));
});
