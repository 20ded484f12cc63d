// Goal: a name is asked for once at a time, its answer kept for as long as it should be, and look-ups are bounded. Method: a
// look-up that ends when the test says so, a clock and timers by hand.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Resolver } from './resolver.ts';

function rig(limit = 2) {
  const pending: { name: string; end: (addresses: string[]) => void; fail: () => void }[] = [];
  const timers: (() => void)[] = [];
  const state = { nowNs: 0 };
  const resolver = new Resolver({
    lookup: (name) =>
      new Promise((resolve, reject) => {
        pending.push({ name, end: resolve, fail: () => reject(new Error('no')) });
      }),
    nowNs: () => state.nowNs,
    limit,
    timeoutNs: 5e9,
    keepNs: 10e9,
    setTimer: (call) => {
      timers.push(call);
      return { clear() {} };
    },
  });
  return { resolver, pending, timers, state };
}

test('resolver: one look-up for all who ask, then none for a while', async () => {
  const { resolver, pending, state } = rig();
  const asked = [resolver.resolve('a'), resolver.resolve('a')];
  assert.equal(pending.length, 1);
  pending[0]!.end(['1.2.3.4']);
  for (const answer of await Promise.all(asked)) assert.deepEqual(answer, { addresses: ['1.2.3.4'] });
  state.nowNs = 9.9e9;
  assert.deepEqual((resolver.resolve('a') as { addresses: string[] }).addresses, ['1.2.3.4']);
  state.nowNs = 10e9;
  assert.ok(resolver.resolve('a') instanceof Promise);
});

test('resolver: that a name has no address is kept for a second', async () => {
  const { resolver, pending, state } = rig();
  const asked = resolver.resolve('a');
  pending[0]!.fail();
  assert.deepEqual(await asked, { addresses: [] });
  state.nowNs = 0.9e9;
  assert.ok(!(resolver.resolve('a') instanceof Promise));
  state.nowNs = 1e9;
  assert.ok(resolver.resolve('a') instanceof Promise);
});

test('resolver: beyond the limit it is busy, also with look-ups that nobody waits for any more', async () => {
  const { resolver, pending, timers } = rig(2);
  const [a] = [resolver.resolve('a'), resolver.resolve('b')];
  assert.equal(resolver.resolve('c'), 'busy');
  for (const timer of timers) timer();
  assert.deepEqual(await a, { addresses: [] });
  assert.equal(resolver.resolve('c'), 'busy');
  pending[0]!.end(['1.2.3.4']);
  for (let i = 0; i < 10; i++) await null;
  assert.ok(resolver.resolve('c') instanceof Promise);
});
