// Goal: the parts of the client's time add up to all of it, whatever was recorded. Method: known threads, and any threads.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ClientCost, ClientThread } from '../../record/load.ts';
import { clientTimeOf } from './client-time.ts';

const THREAD: ClientThread = {
  threadIndex: 0,
  tid: 9,
  userNs: 5e9,
  systemNs: 3e9,
  runDelayNs: 1e9,
  spinNs: 0,
  waitCount: 1,
  eventCount: 1,
};

function client(threads: Partial<ClientThread>[], more: Partial<ClientCost> = {}): { client: ClientCost } {
  return {
    client: {
      wallNs: 10e9,
      threads: threads.map((thread) => ({ ...THREAD, ...thread })),
      throttledNs: null,
      timerOversleepNsP50: 0,
      timerOversleepNsP99: 0,
      gcPauseNs: 0,
      ...more,
    },
  };
}

const total = (shares: Record<string, number>) =>
  Object.values(shares).reduce((sum, share) => sum + share, 0);
const near = (value: number, wanted: number) =>
  assert.ok(Math.abs(value - wanted) < 1e-9, `${value}, not ${wanted}`);

test('CPU time is divided by looks; the collector lies within the codec', () => {
  const doing = { count: 1000, parsing: 450, checking: 90 };
  const { shares, lookCount } = clientTimeOf(client([{ gcNs: 1e9, doing }]))!;
  assert.equal(lookCount, 1000);
  near(shares.kernel, 0.3);
  // It ran for eight of the nine seconds in which it wanted to, and so did its collector.
  near(shares.garbage, 0.1 * (8 / 9));
  near(shares.parsing, 0.35 * (8 / 9));
  near(shares.checking, 0.09 * (8 / 9));
  near(shares.queue, 0.1);
  near(shares.idle, 0.1);
  near(total(shares), 1);
});

test('without looks its own work is one part', () => {
  const few = clientTimeOf(client([{ doing: { count: 5, parsing: 5, checking: 0 } }]))!;
  assert.equal(few.lookCount, null);
  near(few.shares.own, 0.5);
  near(clientTimeOf(client([{}]))!.shares.own, 0.5);
});

test('a quota is a part of the waiting, chosen spinning is nobody’s work', () => {
  const { shares } = clientTimeOf(client([{ spinNs: 4e9 }], { throttledNs: 0.75e9 }))!;
  near(shares.quota, 0.075);
  near(shares.queue, 0.025);
  near(shares.spinning, 0.4);
  near(shares.kernel, 0.15);
});

test('the busiest thread is looked at; without threads there is nothing to tell', () => {
  near(clientTimeOf(client([{ systemNs: 0 }, { systemNs: 4e9 }, { userNs: 0 }]))!.shares.kernel, 0.4);
  assert.equal(clientTimeOf(client([])), null);
});

test('all parts are shares, and their sum is one', () => {
  // A run file holds no larger numbers.
  const ns = fc.oneof(
    fc.double({ min: -(2 ** 63), max: 2 ** 63 }),
    fc.double({ min: 0, max: 1e12, noNaN: true }),
  );
  const looks = fc.nat(1000);
  const thread = fc.record({
    userNs: ns,
    systemNs: ns,
    runDelayNs: ns,
    spinNs: ns,
    gcNs: ns,
    doing: fc.record({ count: looks, parsing: looks, checking: looks }),
  });
  fc.assert(
    fc.property(thread, ns, (each, throttledNs) => {
      const time = clientTimeOf(client([each], { throttledNs }))!;
      for (const share of Object.values(time.shares)) assert.ok(share >= 0 && share <= 1, String(share));
      assert.ok(Math.abs(total(time.shares) - 1) < 1e-6);
    }),
  );
});
