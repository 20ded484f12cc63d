// Goal: quotas mean what is typed. Method: a table of texts; whose quota holds.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { quotasOf } from '../../serve/proxy/accounts/quota.ts';
import { accountsOf, parseQuotas } from './proxy-accounts.ts';

test('a user, a size, a time; several for one user', () => {
  const quotas = parseQuotas(['alice=10GB/day', 'alice=1.5KB/total', 'a=b=5B/month', '*=1MB/day']);
  assert.deepEqual(Object.fromEntries(quotas), {
    alice: { dayBytes: 10 * 2 ** 30, totalBytes: 1536 },
    'a=b': { monthBytes: 5 },
    '*': { dayBytes: 2 ** 20 },
  });
});

test('what is none is told', () => {
  for (const wrong of ['alice', 'alice=10GB', 'alice=10GB/week', '=1B/day', 'alice=ten/day', 'alice=1/day']) {
    assert.throws(() => parseQuotas([wrong]), { code: 'USAGE' }, wrong);
  }
  assert.throws(() => accountsOf({ quota: ['a=1B/day'] }), { code: 'USAGE', hint: /--accounts/ });
});

test('by name first, then as configured, then as for everybody', () => {
  const named = parseQuotas(['alice=1B/day', '*=3B/day']);
  const quotaOf = quotasOf(named, {
    users: [
      { name: 'alice', quota: { dayBytes: 2 } },
      { name: 'bob', quota: { dayBytes: 2 } },
      { name: 'carol' },
    ],
  });
  assert.deepEqual(
    ['alice', 'bob', 'carol', ''].map((user) => quotaOf(user)?.dayBytes),
    [1, 2, 3, 3],
  );
  assert.equal(quotasOf(new Map())('alice'), null);
});
