// Goal: connections go to those that are fit, failing ones stand aside and come back, changes are followed.
// Method: a roster and a pool over private memory, on a fake clock.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPrng } from '../../../../base/prng.ts';
import { ERRNO } from '../../../../kernel/errno.ts';
import { BALANCE_METHODS } from '../balance/registry.ts';
import { poolFixture } from '../testing/pool-fixture.ts';
import { parseUpstream } from '../upstream-spec.ts';
import { NO_UPSTREAM } from '../upstreams.ts';

const NAMES = Array.from({ length: 10 }, (_, i) => `10.0.0.${i + 1}:80`);
const S = 1e9;

/** Connects that one upstream refuses, and all others accept; each is released at once. */
function connects(fixture: ReturnType<typeof poolFixture>, refusing: string, count: number): number {
  const { pool } = fixture;
  let refused = 0;
  for (let i = 0; i < count; i++) {
    const upstream = pool.pick(i, NO_UPSTREAM);
    if (pool.nameOf(upstream) === refusing) {
      refused++;
      pool.failed(upstream, ERRNO.ECONNREFUSED);
    } else {
      pool.succeeded(upstream);
    }
    pool.released(upstream);
  }
  return refused;
}

for (const { name: balance } of BALANCE_METHODS) {
  test(`${balance}: one that refuses is ejected after five failures, and asked again when its time is over`, () => {
    const fixture = poolFixture(NAMES, { balance, slowStartNs: 0 });
    assert.equal(connects(fixture, NAMES[3]!, 1000), 5);
    assert.equal(fixture.pool.ejectedCount, 1);
    fixture.pass(31 * S);
    assert.equal(fixture.pool.ejectedCount, 0);
    assert.equal(connects(fixture, NAMES[3]!, 1000), 1, 'one more failure sends it back');
    fixture.pass(31 * S);
    assert.equal(fixture.pool.ejectedCount, 1, 'for longer this time');
    fixture.pass(30 * S);
    assert.equal(connects(fixture, 'none', 1000), 0);
    assert.equal(fixture.pool.ejectedCount, 0);
  });

  test(`${balance}: after a failure another is picked, never the same, and the one that failed still counts once`, () => {
    const fixture = poolFixture(NAMES.slice(0, 3), { balance });
    for (let i = 0; i < 200; i++) {
      const first = fixture.pool.pick(i, NO_UPSTREAM);
      const second = fixture.pool.pick(i, first);
      assert.notEqual(second, first);
      assert.notEqual(second, NO_UPSTREAM);
      fixture.pool.released(second);
      fixture.pool.released(first);
    }
    assert.equal(fixture.pool.fitCount, 3);
    const alone = poolFixture(NAMES.slice(0, 1), { balance });
    const only = alone.pool.pick(0, NO_UPSTREAM);
    assert.equal(alone.pool.pick(0, only), NO_UPSTREAM);
  });

  test(`${balance}: after any changes the pool has who the roster has`, () => {
    const fixture = poolFixture(NAMES, { balance, slowStartNs: S, rowCount: 64 });
    const prng = createPrng(5);
    const model = new Map<string, boolean>(NAMES.map((name) => [name, true]));
    const held: number[] = [];
    for (let i = 0; i < 3000; i++) {
      const name = `10.0.1.${prng.below(40)}:80`;
      const what = prng.next();
      if (what < 0.5) fixture.roster.add({ name, weight: 1 + prng.below(9) });
      else if (model.has(name) && what < 0.8) fixture.roster.remove(name);
      else if (model.has(name)) fixture.roster.drain(name);
      if (what < 0.5) model.set(name, true);
      else if (model.has(name) && what < 0.8) model.delete(name);
      else if (model.has(name)) model.set(name, false);
      if (prng.next() < 0.3) fixture.pass(prng.below(S));
      if (prng.next() < 0.5) held.push(fixture.pool.pick(i, NO_UPSTREAM));
      if (prng.next() < 0.45 && held.length > 0)
        fixture.pool.released(held.splice(prng.below(held.length), 1)[0]!);
    }
    fixture.pass(10 * S);
    const open = [...model].filter(([, isOpen]) => isOpen).map(([name]) => name);
    assert.equal(fixture.pool.fitCount, open.length);
    for (const upstream of held) fixture.pool.released(upstream);
    const found = fixture.picks(20_000, (i) => Math.imul(i, 0x9e3779b1));
    assert.deepEqual([...found.keys()].sort(), open.sort());
  });
}

test('no more than a tenth is ejected, and of two always one', () => {
  const many = poolFixture(NAMES);
  for (const name of NAMES) connects(many, name, 60);
  assert.equal(many.pool.ejectedCount, 1);
  const two = poolFixture(NAMES.slice(0, 2));
  for (const name of NAMES.slice(0, 2)) connects(two, name, 60);
  assert.equal(two.pool.ejectedCount, 1);
});

test('connections that fail before their first byte eject too, however well they connect', () => {
  const { pool } = poolFixture(NAMES);
  let failures = 0;
  for (let i = 0; i < 1000; i++) {
    const upstream = pool.pick(i, NO_UPSTREAM);
    pool.succeeded(upstream);
    if (pool.nameOf(upstream) === NAMES[0]) {
      pool.failed(upstream, ERRNO.ECONNRESET);
      failures++;
    }
    pool.released(upstream);
  }
  assert.equal(failures, 5);
});

test('failures with good connections between them do not eject', () => {
  const { pool } = poolFixture(NAMES.slice(0, 1));
  for (let i = 0; i < 100; i++) {
    const upstream = pool.pick(i, NO_UPSTREAM);
    if (i % 5 < 4) pool.failed(upstream, ERRNO.ECONNRESET);
    pool.released(upstream);
  }
  assert.equal(pool.ejectionCount, 0);
});

test('least-connections: one that fails and may not be ejected does not win for being empty, nor is it out for good', () => {
  const fixture = poolFixture(NAMES, { balance: 'least-connections', slowStartNs: 10 * S });
  connects(fixture, NAMES[9]!, 100);
  const open = Array.from({ length: 18 }, () => fixture.pool.pick(0, NO_UPSTREAM));
  for (const upstream of open) {
    if (fixture.pool.nameOf(upstream) === NAMES[0]) fixture.pool.released(upstream);
  }
  assert.equal(connects(fixture, NAMES[0]!, 200), 5);
  fixture.pass(10 * S);
  assert.equal(fixture.pool.nameOf(fixture.pool.pick(0, NO_UPSTREAM)), NAMES[0]);
});

test('one that checks find down gets nothing, and when it is back it begins slowly', () => {
  const fixture = poolFixture(NAMES, { balance: 'weighted', slowStartNs: 10 * S });
  fixture.judge(NAMES[0]!, false);
  fixture.pass(0);
  assert.equal(fixture.picks(1000).get(NAMES[0]!), undefined);
  fixture.judge(NAMES[0]!, true);
  fixture.pass(0);
  const shares = [0, 2.5, 2.5, 5.1].map((seconds) => {
    fixture.pass(seconds * S);
    return fixture.picks(9100).get(NAMES[0]!)!;
  });
  assert.ok(shares[0]! > 60 && shares[0]! < 140, `a tenth of about 1000: ${shares}`);
  assert.ok(shares[1]! > shares[0]! && shares[2]! > shares[1]!, `more and more: ${shares}`);
  assert.ok(Math.abs(shares[3]! - 910) < 20, `all of it: ${shares}`);
});

test('too few are fit: all are picked, and it is counted', () => {
  const fixture = poolFixture(NAMES);
  for (const name of NAMES.slice(1)) fixture.judge(name, false);
  fixture.pass(0);
  assert.equal(fixture.picks(1000).size, 10);
  assert.equal(fixture.pool.panicPickCount, 1000);
  fixture.judge(NAMES[1]!, true);
  fixture.pass(0);
  assert.equal(fixture.picks(1000).size, 2);
});

test('what was said of an earlier upstream of a row does not count for the next', () => {
  const fixture = poolFixture(NAMES, { rowCount: 10 });
  fixture.judge(NAMES[0]!, false);
  fixture.roster.remove(NAMES[0]!);
  fixture.roster.add(parseUpstream('10.9.9.9:80'));
  fixture.pass(0);
  assert.equal(fixture.pool.fitCount, 10);
  assert.ok(fixture.picks(1000).has('10.9.9.9:80'));
});

test('an upstream that leaves keeps its number and name until its last connection is over', () => {
  const fixture = poolFixture(NAMES.slice(0, 1));
  const upstream = fixture.pool.pick(0, NO_UPSTREAM);
  const address = fixture.pool.addressOf(upstream);
  fixture.roster.remove(NAMES[0]!);
  for (let i = 0; i < 3000; i++) {
    fixture.roster.add({ name: `10.1.${i >> 8}.${i & 255}:80`, weight: 1 });
    fixture.pass(1000);
    const other = fixture.pool.pick(0, NO_UPSTREAM);
    assert.notEqual(other, upstream);
    fixture.pool.released(other);
    fixture.roster.remove(`10.1.${i >> 8}.${i & 255}:80`);
  }
  assert.equal(fixture.pool.addressOf(upstream), address);
  assert.equal(fixture.pool.nameOf(upstream), NAMES[0]);
  fixture.pool.failed(upstream, ERRNO.ECONNRESET);
  fixture.pool.released(upstream);
});

test('a pool that is hopelessly behind looks at everybody again', () => {
  const fixture = poolFixture(NAMES);
  for (let i = 0; i < 40_000; i++) {
    fixture.roster.add({ name: `10.1.0.${i % 200}:80`, weight: 1 });
    fixture.roster.remove(`10.1.0.${i % 200}:80`);
  }
  fixture.roster.remove(NAMES[0]!);
  fixture.pass(0);
  assert.equal(fixture.pool.upstreamCount, 9);
});

test('nobody is there', () => {
  const fixture = poolFixture([]);
  assert.equal(fixture.pool.pick(0, NO_UPSTREAM), NO_UPSTREAM);
  assert.equal(fixture.pool.turn(0), Number.POSITIVE_INFINITY);
});
