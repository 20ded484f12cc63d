// Goal: the accounts of a proxy are what its upstream received and sent, to the byte, through workers too, and are all
// there when one of them was killed. Method: exchanges of random size; an upstream that counts.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readAccounts } from '../../src/serve/proxy/accounts/read-accounts.ts';
import { temporaryFolder } from '../fixtures/guard.ts';
import { until } from '../fixtures/process.ts';
import { compare, exchange, startProxy, startUpstream } from './accounts-rig.ts';

const folder = temporaryFolder();
after(() => folder[Symbol.dispose]());

test('to the byte, with a worker that is killed when it has nothing under way', async () => {
  const file = join(folder.path, 'accounts.db');
  using upstream = await startUpstream(16);
  await using proxy = await startProxy({ file, upstream, args: ['--workers', '2'] });
  const traffic = { connectionCount: 100, concurrency: 8, seed: 3, mostBytes: 50_000, pauseMs: 0 };
  assert.equal(await exchange(proxy.port, traffic), 0);
  // Its clients may be gone before it has closed the other side.
  const { seen } = upstream;
  await until('the last end', () => seen.every(({ endedMs }) => !Number.isNaN(endedMs)) || null, 10_000);
  const worker = Number(/workers (\d+)/.exec(proxy.output())![1]);
  process.kill(worker, 'SIGKILL');
  await exchange(proxy.port, { ...traffic, seed: 4, connectionCount: 20 });
  proxy.child.kill('SIGINT');
  assert.equal((await proxy.exited).code, 0, proxy.output());
  const { tooMuch, missing } = compare(file, seen);
  assert.deepEqual({ tooMuch, missing }, { tooMuch: [], missing: 0 });
  assert.ok(readAccounts(file, {}).total.connections >= 100);
});
