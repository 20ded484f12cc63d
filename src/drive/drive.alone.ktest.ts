// Goal: what a load measures is what was to be measured: a loop that is closed, an overload, a server that stops, threads
// that share a schedule. Method: real servers, with nothing beside them.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { wholeOr } from '../../test/helpers/depth.ts';
import { needs } from '../../test/helpers/needs.ts';
import { upToThreeTimes } from '../../test/helpers/tries.ts';
import { createClock } from '../base/clock.ts';
import { probeIoUring } from '../kernel/features.ts';
import { mergeHistograms, quantileNs } from '../record/histogram.ts';
import { decodeHistogram } from '../record/histogram-text.ts';
import { assertSound, begin, drive } from './testing/short-load.ts';
import { startServer } from './testing/start-server.ts';

const folder = mkdtempSync(join(tmpdir(), 'loopscope-drive-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let socketCount = 0;
const socketPath = () => join(folder, `${socketCount++}.sock`);

for (const backend of wholeOr(['epoll', 'ring'] as const, ['ring'])) {
  const available = backend === 'epoll' || probeIoUring().available;
  test(`${backend}: a closed loop keeps every connection busy`, async (t) => {
    if (!needs(t, available, 'io_uring')) return;
    await using running = await startServer({ socketPath: socketPath() });
    const record = await drive(running.target, { backend, arrival: 'closed', ratePerSec: null });
    assert.ok(record.counts.ok > 500);
    assert.equal(record.counts.ok, record.counts.planned);
    assert.ok(record.inFlight.mean > 9.5 && record.inFlight.mean <= 10, `${record.inFlight.mean} of 10`);
    assert.equal(record.arrivals.planned, null);
    const { requestCount } = await running.counts();
    assert.equal(requestCount, record.counts.ok);
  });
}

test('overload: what was never sent is counted, and the response time knows', async () => {
  await using running = await startServer({ fault: 'pieces', every: 1 });
  // Each reply takes 2 ms at least: two connections manage a thousand a second at most, 5000 are due.
  const record = await drive(running.target, { ratePerSec: 5000, connectionCount: 2, durationNs: 1e9 });
  const { counts, total } = record;
  assert.equal(counts.planned, 5000);
  assert.ok(counts.unsent > 3500, `${counts.unsent} unsent`);
  const answered = decodeHistogram(total.response);
  const never = mergeHistograms([decodeHistogram(total.censored), decodeHistogram(total.unsent)]);
  assert.equal(quantileNs(answered, never, 0.5)!.atLeast, true);
  assert.equal(record.inFlight.max, 2);
});

test('a bounded queue gives up the longest waiting', async () => {
  await using running = await startServer({ fault: 'pieces', every: 1 });
  const record = await drive(running.target, {
    ratePerSec: 5000,
    connectionCount: 2,
    queueLimit: 50,
    durationNs: 500e6,
  });
  // With at most 50 before it, a request waits for about 50 turns of 2 ms on two connections.
  const longest = quantileNs(decodeHistogram(record.total.lateness), null, 1)!.valueNs;
  assert.ok(longest < 400e6, `${longest} ns`);
});

test('a server stopped for a second: response times as computed, service times as most tools print', async () => {
  await using running = await startServer();
  const durationNs = 4e9;
  const load = begin(running.target, { durationNs, warmupNs: 0, ratePerSec: 100, timeoutNs: 5e9 });
  while (load.progress().done < 100) await new Promise((resolve) => setTimeout(resolve, 5));
  const clock = createClock();
  running.signal('SIGSTOP');
  await new Promise((resolve) => setTimeout(resolve, 1000));
  running.signal('SIGCONT');
  const stoppedNs = clock.nowNs();
  const record = await load.done;
  assertSound(record);
  assert.equal(record.counts.ok, 400);
  const response = decodeHistogram(record.total.response);
  const service = decodeHistogram(record.total.service);
  for (const q of [0.85, 0.9, 0.95]) {
    // Of the requests due in the stop those of its first part wait longer than x: a share of (S − x) / T.
    const expectedNs = stoppedNs - (1 - q) * durationNs;
    const excess = (quantileNs(response, null, q)!.valueNs - expectedNs) / stoppedNs;
    // What waited must still be served: that takes its time on a busy machine, but nothing can make it shorter.
    assert.ok(excess > -0.05 && excess < 0.15, `p${q * 100}: ${excess} of the stop off ${expectedNs}`);
  }
  // Ten connections: only the ten requests on their way felt it.
  assert.ok(quantileNs(service, null, 0.95)!.valueNs < 300e6);
});

test('the planned schedule does not depend on threads', async (t) => {
  await using running = await startServer({ socketPath: socketPath() });
  for (const threadCount of [1, 4]) {
    await upToThreeTimes(t, async () => {
      const record = await drive(running.target, {
        arrival: 'synced',
        threadCount,
        connectionCount: 20,
        ratePerSec: 1000,
      });
      assert.equal(record.counts.ok, 600);
      assert.ok(record.arrivals.planned!.idc1ms > 15, 'waves of twenty');
      assert.ok(record.arrivals.idc10ms > 5, `${record.arrivals.idc10ms} as sent`);
      assert.equal(record.inFlight.max, 20);
    });
  }
});

test('a client that never sleeps says so, and its spinning is no load', async (t) => {
  await using running = await startServer({ socketPath: socketPath() });
  for (const backend of ['ring', 'epoll'] as const) {
    await upToThreeTimes(t, async () => {
      const record = await drive(running.target, { spin: true, backend, ratePerSec: 200 });
      assert.equal(record.plan.spin, true);
      const { userNs, systemNs, spinNs } = record.client.threads[0]!;
      assert.ok(spinNs > 0.8 * (userNs + systemNs), `${backend}: ${spinNs} of ${userNs + systemNs}`);
    });
  }
});

test('nothing is left open', async () => {
  const openFds = () => readdirSync('/proc/self/fd').length;
  await using running = await startServer();
  await drive(running.target, { durationNs: 100e6, warmupNs: 0 });
  const before = openFds();
  for (let i = 0; i < 3; i++) await drive(running.target, { durationNs: 100e6, warmupNs: 0, threadCount: 2 });
  await assert.rejects(begin(`unix:${socketPath()}`).done);
  assert.ok(openFds() <= before, `${openFds()} descriptors, ${before} before`);
});
