// Goal: what the live view shows is what the histograms say. Method: a growing histogram, against quantileNs().
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPrng } from '../../base/prng.ts';
import { createHistogram, quantileNs, recordNs } from '../../record/histogram.ts';
import { LatencyView } from './latency-so-far.ts';

test('quantiles of all replies, and of those since the last look', () => {
  const prng = createPrng(5);
  const view = new LatencyView();
  const all = createHistogram();
  assert.equal(view.update(all.counts), null);
  for (let look = 1; look <= 4; look++) {
    const recent = createHistogram();
    for (let i = 0; i < 500 * look; i++) {
      const ns = prng.exponential(1e6 * look);
      recordNs(all, ns);
      recordNs(recent, ns);
    }
    assert.deepEqual(view.update(all.counts), {
      p50Ns: quantileNs(all, null, 0.5)!.valueNs,
      p99Ns: quantileNs(all, null, 0.99)!.valueNs,
      recentP99Ns: quantileNs(recent, null, 0.99)!.valueNs,
    });
  }
  assert.equal(view.update(all.counts)!.recentP99Ns, null, 'no reply came since');
});
