// Goal: a log is sent to a real server, every request of it once, and a run that ends early says so. Method: small logs
// written here, a server in a process of its own, both back ends.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parseTarget } from '../base/address.ts';
import { createClock } from '../base/clock.ts';
import { probeIoUring } from '../kernel/features.ts';
import { MAX_DURATION_NS } from '../plan/arrivals/schedule.ts';
import { type LoadHandle, type LoadOptions, startLoad } from './drive.ts';
import { isConserved } from './load-collector.ts';
import { startServer } from './testing/start-server.ts';

const COUNT = 400;
const folder = mkdtempSync(join(tmpdir(), 'loopscope-replay-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const path = join(folder, 'access.log');
writeFileSync(
  path,
  Array.from({ length: COUNT }, (_, nth) => {
    const status = nth % 4 === 0 ? 404 : 200;
    return `10.0.0.${nth % 7} - - [29/Nov/2026:07:00:0${nth < COUNT / 2 ? 0 : 1} +0000] "GET /${nth % 3} HTTP/1.1" ${status} 2 "-" "x"\n`;
  }).join(''),
);

function begin(target: string, changes: Partial<LoadOptions> = {}): LoadHandle {
  return startLoad({
    target: parseTarget(target),
    arrival: 'closed',
    ratePerSec: null,
    connectionCount: 3,
    threadCount: 1,
    durationNs: MAX_DURATION_NS,
    timeoutNs: 5e9,
    seed: 1,
    clock: createClock(),
    replay: { files: [path], host: 'h', pace: { kind: 'max' } },
    ...changes,
  });
}

for (const backend of ['epoll', 'ring'] as const) {
  test(`every request of a log, at full speed and at its times: ${backend}`, async (t) => {
    if (backend === 'ring' && !probeIoUring().available) return t.skip('no io_uring');
    await using server = await startServer();
    for (const pace of [{ kind: 'max' }, { kind: 'speed', factor: 10 }] as const) {
      for (const threadCount of [1, 2]) {
        const record = await begin(server.target, {
          backend,
          threadCount,
          replay: { files: [path], host: 'h', pace },
        }).done;
        const what = `${pace.kind}, ${threadCount} threads`;
        assert.ok(isConserved(record.counts), what);
        assert.deepEqual([record.counts.planned, record.counts.ok], [COUNT, COUNT], what);
        assert.equal(record.stoppedEarly, null, what);
        const { replay, kinds = [] } = record;
        assert.deepEqual([replay!.log.readCount, replay!.log.requestCount], [COUNT, COUNT], what);
        assert.equal(replay!.clients.disorderedCount, 0, what);
        assert.deepEqual(
          replay!.statusMatrix,
          [
            [200, 200, (COUNT * 3) / 4],
            [404, 200, COUNT / 4],
          ],
          what,
        );
        assert.equal(kinds.length, replay!.routes.length, what);
        assert.equal(
          kinds.reduce((sum, { counts }) => sum + counts.ok, 0),
          COUNT,
          what,
        );
      }
    }
    assert.equal((await server.counts()).requestCount, 4 * COUNT);
  });
}

test('a run that is stopped says so, and so does one without a request', async () => {
  await using server = await startServer();
  const slow = begin(server.target, {
    replay: { files: [path], host: 'h', pace: { kind: 'speed', factor: 0.001 } },
  });
  while (slow.progress().done === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  slow.stop('interrupted');
  const record = await slow.done;
  assert.equal(record.stoppedEarly, 'interrupted');
  assert.ok(isConserved(record.counts));
  const { log } = record.replay!;
  assert.equal(log.requestCount, record.counts.planned, 'what was read ahead is no request of the run');
  assert.equal(
    log.skipped.reduce((sum, { count }) => sum + count, 0),
    log.readCount - log.requestCount,
  );
  const none = begin(server.target, {
    replay: { files: [path], host: 'h', skip: [{ key: 'method', patterns: ['*'] }] },
  });
  await assert.rejects(none.done, { code: 'NOTHING_TO_SEND', message: /400 lines were read/ });
});
