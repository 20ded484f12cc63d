// Goal: quotas hold for their period and begin anew with the next. Method: moments given by hand.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DAY_MS, describeCut, QuotaBook } from './quota.ts';

const NOON = Date.UTC(2026, 10, 29, 12);

test('a day, a month, and for ever', () => {
  const quotas = new QuotaBook((user) =>
    user === 'alice' ? { dayBytes: 100, monthBytes: 150, totalBytes: 1000 } : null,
  );
  quotas.add('alice', 99, NOON);
  quotas.add('bob', 1e9, NOON);
  assert.equal(quotas.cutOf('alice', NOON), null);
  assert.equal(quotas.cutOf('bob', NOON), null);
  quotas.add('alice', 1, NOON);
  assert.deepEqual(quotas.cutOf('alice', NOON), {
    user: 'alice',
    period: 'day',
    limitBytes: 100,
    usedBytes: 100,
    untilMs: Date.UTC(2026, 10, 30),
  });
  assert.equal(quotas.cutOf('alice', NOON + DAY_MS), null);
  quotas.add('alice', 50, NOON + DAY_MS);
  const cut = quotas.cutOf('alice', NOON + DAY_MS)!;
  assert.equal(cut.period, 'month');
  assert.equal(cut.untilMs, Date.UTC(2026, 11, 1));
  assert.equal(quotas.cutOf('alice', Date.UTC(2026, 11, 1)), null);
  quotas.add('alice', 850, Date.UTC(2026, 11, 1));
  assert.equal(quotas.cutOf('alice', Date.UTC(2027, 5, 1))!.untilMs, null);
});

test('what was written down before counts in the periods that it was moved in', () => {
  const quotas = new QuotaBook(() => ({ dayBytes: 10, monthBytes: 100, totalBytes: 1000 }));
  quotas.add('a', 9, NOON - DAY_MS, NOON);
  quotas.add('a', 9, NOON - 60 * DAY_MS, NOON);
  assert.equal(quotas.cutOf('a', NOON), null);
  quotas.add('a', 10, NOON - 3_600_000, NOON);
  assert.equal(quotas.cutOf('a', NOON)!.period, 'day');
});

test('a clock that is set back does not open a day again', () => {
  const quotas = new QuotaBook(() => ({ dayBytes: 10 }));
  const midnight = Date.UTC(2026, 10, 30);
  quotas.add('a', 10, midnight);
  assert.ok(quotas.cutOf('a', midnight - 1000));
});

test('what is told', () => {
  const cut = { user: 'alice', limitBytes: 10, usedBytes: 12, untilMs: Date.UTC(2026, 10, 30) };
  const bytes = (count: number) => `${count} B`;
  assert.equal(
    describeCut({ ...cut, period: 'day' }, bytes),
    'alice has moved 12 B of 10 B a day: cut until 2026-11-30T00:00Z',
  );
  assert.equal(
    describeCut({ ...cut, period: 'total', untilMs: null }, bytes),
    'alice has moved 12 B of 10 B in all: cut for good',
  );
});
