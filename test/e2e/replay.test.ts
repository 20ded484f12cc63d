// Goal: what a log holds is what is sent: every request, each client's in order, with every line, status and size
// accounted for; on a schedule and at full speed. Method: the log of one nginx replayed on another, whose log is compared.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { temporaryFolder } from '../fixtures/guard.ts';
import { nginxPath } from '../fixtures/nginx.ts';
import { differenceOf, disordered } from '../helpers/compare-logs.ts';
import { needs } from '../helpers/needs.ts';
import { makeLog, replayOn } from './replay-rig.ts';

const folder = temporaryFolder();
after(() => folder[Symbol.dispose]());
let log = '';
before(async () => {
  if (nginxPath !== null) log = await makeLog(folder.path, 1000, 2);
});

for (const speed of ['2', 'max']) {
  test(`a log of a thousand requests a second, at speed ${speed}`, async (t) => {
    if (!needs(t, nginxPath !== null, 'nginx')) return;
    const { logged, replayed, load } = await replayOn(folder.path, log, ['--speed', speed]);
    assert.deepEqual(differenceOf(logged, replayed), []);
    assert.deepEqual(disordered(logged, replayed), []);
    assert.equal(load.counts.planned, logged.length);
    assert.equal(load.counts.ok, logged.length, 'a 404 as logged is as it should be');
    const { log: account, clients, schedule, fidelity, routes, statuses, sizes, rates } = load.replay!;
    assert.deepEqual(
      [account.sources, account.lines, account.requests, account.unaccounted],
      [['first.log'], logged.length, logged.length, 0],
    );
    assert.deepEqual([clients.session, clients.out_of_order], ['ip:port', 0]);
    assert.equal(clients.distinct, new Set(logged.map(({ client }) => client)).size);
    assert.deepEqual([statuses.as_logged, statuses.otherwise, statuses.not_logged], [logged.length, 0, 0]);
    assert.equal(sizes.equal, logged.length);
    assert.deepEqual(
      routes.map(({ name, requests }) => [name, requests]),
      ['a', 'b', 'missing'].map((name) => [
        `GET /${name}/*`,
        logged.filter(({ request }) => request.startsWith(`GET /${name}/`)).length,
      ]),
    );
    assert.equal(
      rates.reduce((sum, { due }) => sum + due, 0),
      logged.length,
    );
    assert.deepEqual([schedule.pace, schedule.speed], speed === 'max' ? ['max', null] : ['speed', 2]);
    assert.equal(fidelity === null, speed === 'max', 'at full speed there is nothing to be true to');
    if (fidelity !== null) assert.ok(fidelity.gaps!.count >= logged.length - 1);
  });
}
