// Goal: with every accept strategy on every back end all connections are served once, and a reload loses nothing.
// Method: real masters and workers, and clients that check every answer.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../../test/fixtures/process.ts';
import { wholeOr } from '../../../test/helpers/depth.ts';
import type { Address } from '../../base/address.ts';
import { loopBackends } from '../../loop/registry.ts';
import { isAlive, startServerChild } from '../testing/server-child.ts';
import { HTTP_CONVERSATION, ONE_EACH, startSteadyClient } from '../testing/steady-client.ts';
import { ACCEPT_STRATEGIES } from './registry.ts';

const ANY_PORT: Address = { kind: 'tcp', host: '127.0.0.1', port: 0 };
const available = loopBackends.filter((backend) => backend.probe().available).map(({ name }) => name);
const ALL = ACCEPT_STRATEGIES.flatMap((strategy) =>
  strategy.backends
    .filter((backend) => available.includes(backend))
    .map((backend) => ({ strategy, backend, accept: strategy.name })),
);
/** Each strategy once, on what it is best on; in the full run on everything. */
const COMBINATIONS = wholeOr(
  ALL,
  ALL.filter(({ accept }, i) => ALL.findIndex((other) => other.accept === accept) === i),
);

for (const { strategy, backend, accept } of COMBINATIONS) {
  test(`${accept} on ${backend}: every connection is served once, and reloads lose nothing`, async () => {
    // A herd needs some that are idle.
    const workers = accept === 'shared' ? 4 : 2;
    const options = { protocol: 'http' as const, listen: [ANY_PORT], backend, accept, workers };
    await using server = await startServerChild(options);
    assert.equal(server.ready.workers.length, workers);
    const lone = startSteadyClient(server.address, { connections: 1, ...ONE_EACH });
    const steady = startSteadyClient(server.address, { connections: 12, ...HTTP_CONVERSATION });
    await until('connections', () => lone.counts.answeredCount > 60);
    server.child.kill('SIGHUP');
    await until('the old workers to go', () => !server.ready.workers.some(isAlive), 15_000);
    const reloaded = lone.counts.answeredCount;
    await until('connections after it', () => lone.counts.answeredCount > reloaded + 30);
    const [one, many] = [await lone.stop(), await steady.stop()];
    assert.deepEqual([one.lostCount, one.wrongCount, many.lostCount, many.wrongCount], [0, 0, 0, 0]);
    const { summary, code } = await server.stop();
    assert.equal(code, 0);
    assert.deepEqual(server.news, []);
    assert.equal(summary.stats.length, workers * 2, 'as many after the reload as before it');
    assert.equal(summary.requestCount, one.answeredCount + many.answeredCount);
    assert.equal(summary.acceptCount, one.connectionCount + many.connectionCount);
    assert.equal(summary.cutCount, 0);
    for (const row of summary.stats) {
      assert.ok(row.cycles > 0 && row.workNs > 0 && row.waitNs > 0, JSON.stringify(row));
      assert.deepEqual([row.accept, row.backend, row.state], [accept, backend, 'ended']);
      if (strategy.sockets === 'each') assert.ok(row.accepts > 0, 'the kernel deals to everybody');
    }
    const sum = (key: 'accepts' | 'acceptsEmpty' | 'acceptsInVain' | 'turnsTaken') =>
      summary.stats.reduce((total, row) => total + row[key], 0);
    // One that leaves takes what waits without a turn, so it need not have had any.
    if (strategy.takeTurns) assert.ok(sum('turnsTaken') > 0);
    if (accept === 'shared') {
      assert.ok(sum('acceptsInVain') > 0, `${sum('acceptsInVain')} of ${sum('accepts')}`);
    } else if (backend === 'ring') {
      assert.equal(sum('acceptsEmpty'), 0);
    } else if (accept === 'exclusive') {
      assert.ok(sum('acceptsInVain') < sum('accepts') / 50, `${sum('acceptsInVain')} of ${sum('accepts')}`);
    }
  });
}
