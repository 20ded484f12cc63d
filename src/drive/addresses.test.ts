// Goal: a name is reached by whichever of its addresses answers, in the order and at the times of RFC 8305. Method: made-up
// resolvers and attempts on a clock that the test moves; and once the real thing on both loopback addresses.
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { Address } from '../base/address.ts';
import { parseTarget } from '../base/address.ts';
import { createPlan } from '../plan/plan.ts';
import { type Attempt, allThatAnswer, firstToAnswer } from './choose-addresses.ts';
import { resolveAddresses } from './resolve.ts';
import { chooseAddresses } from './target.ts';

const tcp = (host: string): Address => ({ kind: 'tcp', host, port: 80 });
const hostsOf = (addresses: readonly Address[]) => addresses.map((each) => each.kind === 'tcp' && each.host);
const never = new AbortController().signal;

test('families take turns, beginning with that of the first; none comes twice', async () => {
  const cases: [hosts: string[], inTurn: string[]][] = [
    [['10.0.0.1'], ['10.0.0.1']],
    [
      ['10.0.0.1', '10.0.0.2', '::2', '::3', '::4'],
      ['10.0.0.1', '::2', '10.0.0.2', '::3', '::4'],
    ],
    [
      ['::2', '::3', '10.0.0.1', '::2'],
      ['::2', '10.0.0.1', '::3'],
    ],
  ];
  for (const [hosts, inTurn] of cases) {
    assert.deepEqual(hostsOf(await resolveAddresses(tcp('name'), async () => hosts)), inTurn);
  }
});

test('localhost is both loopback addresses, whatever a resolver says; literals and paths are themselves', async () => {
  const nobody = () => Promise.reject(new Error('ENOTFOUND'));
  for (const name of ['localhost', 'LOCALHOST.', 'a.localhost']) {
    assert.deepEqual(hostsOf(await resolveAddresses(tcp(name), nobody)), ['127.0.0.1', '::1']);
  }
  assert.deepEqual(hostsOf(await resolveAddresses(tcp('localhost'), async () => ['::1'])), [
    '::1',
    '127.0.0.1',
  ]);
  for (const literal of ['127.0.0.2', '::1', 'fe80::1%eth0']) {
    assert.deepEqual(hostsOf(await resolveAddresses(tcp(literal), nobody)), [literal]);
  }
  const path: Address = { kind: 'unix', path: '/x' };
  assert.deepEqual(await resolveAddresses(path, nobody), [path]);
  const unknown = { code: 'TARGET_UNREACHABLE', message: /the name nobody has no address/ };
  await assert.rejects(resolveAddresses(tcp('nobody'), nobody), unknown);
  await assert.rejects(
    resolveAddresses(tcp('nobody'), async () => []),
    unknown,
  );
});

/** What each host does: answers or fails after so many ms, and never when told nothing. */
type Doing = Record<string, [afterMs: number, error: string | null]>;

function race(t: TestContext, doing: Doing, hosts: readonly string[], signal = never) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const began: string[] = [];
  let nowMs = 0;
  const attempt: Attempt = (address) => {
    const host = address.kind === 'tcp' ? address.host : '';
    began.push(`${host} at ${nowMs}`);
    const [afterMs, error] = doing[host] ?? [1e9, null];
    return new Promise((resolve) => setTimeout(() => resolve(error), afterMs));
  };
  const done = firstToAnswer(hosts.map(tcp), attempt, signal);
  return {
    began,
    async until(endMs: number) {
      for (; nowMs < endMs; ) {
        nowMs += 10;
        t.mock.timers.tick(10);
        for (let i = 0; i < 5; i++) await Promise.resolve();
      }
      return (await done).map(({ address, error }) => [address.kind === 'tcp' && address.host, error]);
    },
  };
}

test('the first that answers is used, and no other is tried', async (t) => {
  const { began, until } = race(t, { '::1': [200, null] }, ['::1', '10.0.0.1']);
  assert.deepEqual(await until(1000), [['::1', null]]);
  assert.deepEqual(began, ['::1 at 0']);
});

test('one that is refused is followed at once, one that is silent after 250 ms', async (t) => {
  const doing: Doing = { '::1': [10, 'ECONNREFUSED'], '::2': [300, null] };
  const { began, until } = race(t, doing, ['::1', '10.0.0.1', '::2', '10.0.0.2']);
  assert.deepEqual(await until(2000), [
    ['::1', 'ECONNREFUSED'],
    ['10.0.0.1', 'no answer'],
    ['::2', null],
    ['10.0.0.2', 'no answer'],
  ]);
  assert.deepEqual(began, ['::1 at 0', '10.0.0.1 at 10', '::2 at 260', '10.0.0.2 at 510']);
});

test('one that answers late is still used', async (t) => {
  const doing: Doing = { '::1': [600, null], '10.0.0.1': [100, 'ECONNREFUSED'] };
  const { until } = race(t, doing, ['::1', '10.0.0.1']);
  assert.deepEqual(await until(1000), [
    ['::1', null],
    ['10.0.0.1', 'ECONNREFUSED'],
  ]);
});

test('when all have failed it is over; and so it is when it is stopped', async (t) => {
  const doing: Doing = { '::1': [20, 'ENETUNREACH'], '10.0.0.1': [400, 'ETIMEDOUT'] };
  const failed = race(t, doing, ['::1', '10.0.0.1']);
  assert.deepEqual(await failed.until(1000), [
    ['::1', 'ENETUNREACH'],
    ['10.0.0.1', 'ETIMEDOUT'],
  ]);
  t.mock.timers.reset();
  const stop = new AbortController();
  const stopped = race(t, {}, ['::1', '10.0.0.1'], stop.signal);
  stop.abort();
  assert.deepEqual(await stopped.until(0), [['::1', 'no answer']]);
});

test('all are tried at once where all are wanted', async () => {
  const attempt: Attempt = async (address) => (address === dead ? 'ECONNREFUSED' : null);
  const dead = tcp('::1');
  const tried = await allThatAnswer([tcp('10.0.0.1'), dead, tcp('10.0.0.2')], attempt, never);
  assert.deepEqual(
    tried.map(({ error }) => error),
    [null, 'ECONNREFUSED', null],
  );
});

test('on real sockets: a name one of whose addresses is dead, and one with none alive', async () => {
  const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  const planOf = (addresses: 'first' | 'all') =>
    createPlan({
      target: parseTarget(`http://two.example:${port}/`),
      arrival: 'closed',
      ratePerSec: null,
      connectionCount: 1,
      threadCount: 1,
      durationNs: 1e9,
      timeoutNs: 1e9,
      seed: 1,
      addresses,
    });
  // Nobody listens at the second: the server is bound to the first alone.
  const resolver = async () => ['127.0.0.9', '127.0.0.1'];
  for (const which of ['first', 'all'] as const) {
    const { used, tried } = await chooseAddresses(planOf(which), never, resolver);
    assert.deepEqual(hostsOf(used), ['127.0.0.1']);
    assert.deepEqual(tried, [
      { address: `127.0.0.9:${port}`, error: 'ECONNREFUSED' },
      { address: `127.0.0.1:${port}`, error: null },
    ]);
  }
  await new Promise((resolve) => server.close(resolve));
  await assert.rejects(chooseAddresses(planOf('first'), never, resolver), {
    code: 'TARGET_UNREACHABLE',
    message: `not one connection to two.example:${port} could be opened: 127.0.0.9:${port}: ECONNREFUSED, 127.0.0.1:${port}: ECONNREFUSED`,
    hint: /is the server listening/,
  });
});
