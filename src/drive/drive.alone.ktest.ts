// Goal: whatever a server does, every planned request is counted exactly once and for what happened to it.
// Method: servers with planted faults in processes of their own, both back ends, TCP and Unix sockets.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { wholeOr } from '../../test/helpers/depth.ts';
import { needs } from '../../test/helpers/needs.ts';
import { upToThreeTimes } from '../../test/helpers/tries.ts';
import { parseTarget } from '../base/address.ts';
import { createClock } from '../base/clock.ts';
import { probeIoUring } from '../kernel/features.ts';
import { encodeRequests, plainRequest } from '../plan/requests/requests.ts';
import { mergeHistograms, quantileNs } from '../record/histogram.ts';
import { decodeHistogram } from '../record/histogram-text.ts';
import type { LoadRecord } from '../record/load.ts';
import { loadCodec } from '../wire/custom/load-codec.ts';
import { type LoadHandle, type LoadOptions, startLoad } from './drive.ts';
import { isConserved } from './load-collector.ts';
import { type FaultServerOptions, startServer } from './testing/start-server.ts';

const folder = mkdtempSync(join(tmpdir(), 'loopscope-drive-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let socketCount = 0;
const socketPath = () => join(folder, `${socketCount++}.sock`);

type Changes = Partial<Omit<LoadOptions, 'target' | 'clock'>>;

function begin(target: string, changes: Changes = {}): LoadHandle {
  return startLoad({
    target: parseTarget(target),
    arrival: 'constant',
    ratePerSec: 500,
    connectionCount: 10,
    threadCount: 1,
    durationNs: 600e6,
    warmupNs: 100e6,
    timeoutNs: 2e9,
    seed: 1,
    backend: 'epoll',
    clock: createClock(),
    ...changes,
  });
}

function assertSound(record: LoadRecord): void {
  const { counts, blocks, total, measuredFromNs } = record;
  assert.ok(isConserved(counts), JSON.stringify(counts));
  for (const key of Object.keys(counts) as (keyof typeof counts)[]) {
    assert.equal(
      blocks.reduce((sum, block) => sum + block.counts[key], 0),
      counts[key],
      `${key} of all blocks`,
    );
  }
  const size = (text: string) => decodeHistogram(text).totalCount;
  const measured = blocks.filter((block) => block.startNs >= measuredFromNs);
  for (const kind of ['response', 'service', 'lateness', 'censored', 'unsent'] as const) {
    const blockSum = measured.reduce((sum, block) => sum + size(block.latency[kind]), 0);
    assert.equal(size(total[kind]), blockSum, `${kind} of all measured blocks`);
  }
  const all = (kind: 'response' | 'lateness' | 'censored' | 'unsent') =>
    blocks.reduce((sum, block) => sum + size(block.latency[kind]), 0);
  assert.equal(all('response'), counts.ok + counts.wrong);
  assert.equal(all('censored'), counts.timeout + counts.unfinished);
  assert.equal(all('unsent'), counts.unsent);
  assert.equal(all('lateness'), counts.planned - counts.unsent);
  const errorSum = Object.values(record.errorsByKind).reduce((sum, count) => sum + count, 0);
  assert.equal(errorSum, counts.error);
  for (const { plannedNs, sentNs, firstByteNs, doneNs } of record.slowest) {
    const times = [plannedNs, sentNs, firstByteNs, doneNs].filter((atNs) => atNs !== null);
    assert.deepEqual(
      times,
      [...times].sort((a, b) => a - b),
      'planned ≤ sent ≤ first byte ≤ done',
    );
  }
}

async function drive(target: string, changes: Changes = {}): Promise<LoadRecord> {
  const record = await begin(target, changes).done;
  assertSound(record);
  return record;
}

const PLANNED = 300;

type Case = {
  name: string;
  server: FaultServerOptions;
  changes?: Changes;
  check(record: LoadRecord): void;
};

const CASES: Case[] = [
  {
    name: 'all well',
    server: {},
    check({ counts, statusCounts, connections }) {
      assert.equal(counts.ok, PLANNED);
      assert.deepEqual(statusCounts, { 200: PLANNED });
      assert.deepEqual([connections.opened, connections.reopened], [10, 0]);
    },
  },
  {
    name: 'chunked replies in pieces',
    server: { fault: 'pieces', every: 2 },
    check: ({ counts }) => assert.equal(counts.ok, PLANNED),
  },
  {
    name: 'wrong',
    server: { fault: 'wrong', every: 3 },
    check({ counts, statusCounts }) {
      assert.deepEqual([counts.ok, counts.wrong], [200, 100]);
      assert.deepEqual(statusCounts, { 200: 200, 500: 100 });
    },
  },
  {
    name: 'reset',
    server: { fault: 'reset', every: 10 },
    check({ counts, errorsByKind, connections }) {
      assert.deepEqual([counts.ok, counts.error], [270, 30]);
      assert.deepEqual(errorsByKind, { 'reset by peer': 30 });
      assert.ok(connections.reopened >= 20 && connections.closedByPeer === 30);
    },
  },
  {
    name: 'garbage',
    server: { fault: 'garbage', every: 10 },
    check({ counts, errorsByKind }) {
      assert.deepEqual([counts.ok, counts.error], [270, 30]);
      assert.deepEqual(errorsByKind, { 'not HTTP': 30 });
    },
  },
  {
    name: 'half a reply',
    server: { fault: 'half', every: 10 },
    check({ counts, errorsByKind }) {
      assert.deepEqual([counts.ok, counts.error], [270, 30]);
      assert.deepEqual(errorsByKind, { 'truncated reply': 30 });
    },
  },
  {
    name: 'hanging up',
    server: { fault: 'hangup', every: 10 },
    check: ({ errorsByKind }) => assert.deepEqual(errorsByKind, { 'closed without a reply': 30 }),
  },
  {
    name: 'Connection: close and bodies ended by closing',
    server: { fault: 'until-close', every: 5 },
    check({ counts, connections }) {
      assert.equal(counts.ok, PLANNED);
      assert.equal(connections.closedByPeer, 60);
    },
  },
  {
    name: 'more replies than requests',
    server: { fault: 'twice', every: 10 },
    check({ counts }) {
      assert.equal(counts.ok, PLANNED);
    },
  },
  {
    name: 'silence',
    server: { fault: 'silence', every: 50 },
    changes: { timeoutNs: 100e6 },
    check({ counts, total }) {
      assert.deepEqual([counts.ok, counts.timeout], [294, 6]);
      const ages = decodeHistogram(total.censored);
      assert.ok(quantileNs(ages, null, 0)!.valueNs >= 100e6, 'as old as the timeout');
    },
  },
  {
    name: 'late replies are matched to their own requests',
    server: { fault: 'late', every: 20 },
    changes: { timeoutNs: 200e6 },
    check({ counts, connections }) {
      assert.deepEqual([counts.ok, counts.timeout], [285, 15]);
      assert.ok(connections.lateReplies > 0 && connections.lateReplies <= 15);
      assert.ok(connections.reopened > 0, 'others took their places meanwhile');
    },
  },
  {
    name: 'a slow start',
    server: { fault: 'slow-start', every: 1 },
    check({ counts, blocks }) {
      assert.equal(counts.ok, PLANNED);
      const warm = decodeHistogram(blocks[0]!.latency.response);
      assert.ok(quantileNs(warm, null, 1)!.valueNs > 300e6, 'the wait is in the response time');
    },
  },
];

for (const backend of wholeOr(['epoll', 'ring'] as const, ['ring'])) {
  const available = backend === 'epoll' || probeIoUring().available;
  for (const { name, server, changes, check } of CASES) {
    test(`${backend}: ${name}`, async (t) => {
      if (!needs(t, available, 'io_uring')) return;
      // A client that others keep from its CPU as the run ends has some unsent.
      await upToThreeTimes(t, async () => {
        await using running = await startServer(server);
        const record = await drive(running.target, { backend, ...changes });
        assert.equal(record.plan.backend, backend);
        assert.equal(record.counts.planned, PLANNED);
        check(record);
        const { requestCount } = await running.counts();
        assert.equal(requestCount, PLANNED - record.counts.unsent, 'the server saw what was sent');
      });
    });
  }

  test(`${backend}: frames over a Unix socket, three threads`, async (t) => {
    if (!needs(t, available, 'io_uring')) return;
    await using running = await startServer({ protocol: 'frame', socketPath: socketPath() });
    const record = await drive(running.target, { backend, threadCount: 3, arrival: 'poisson' });
    assert.equal(record.counts.ok, PLANNED);
    assert.equal(record.plan.transport, 'unix');
    assert.deepEqual(record.statusCounts, {});
    assert.equal(record.client.threads.length, 3);
  });

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

  test(`${backend}: a server killed in mid-run`, async (t) => {
    if (!needs(t, available, 'io_uring')) return;
    await using running = await startServer();
    const load = begin(running.target, { backend, durationNs: 800e6 });
    while (load.progress().done < 100) await new Promise((resolve) => setTimeout(resolve, 5));
    running.signal('SIGKILL');
    const record = await load.done;
    assertSound(record);
    assert.equal(record.counts.planned, 400);
    assert.ok(record.counts.ok >= 100 && record.counts.unsent > 100);
    const { failed, closedByPeer, opened } = record.connections;
    assert.ok(failed > 0, 'refused connects are counted');
    // A dying server's kernel may still take a connection or two, and reset them.
    assert.ok(opened >= 10);
    assert.equal(closedByPeer, opened);
  });
}

test('nobody listens: unreachable, with the errno and what to do', async () => {
  const probe = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => probe.once('listening', resolve));
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  await assert.rejects(begin(`http://127.0.0.1:${port}/`).done, {
    code: 'TARGET_UNREACHABLE',
    message: new RegExp(`127.0.0.1:${port} could be opened: ECONNREFUSED`),
    hint: /is the server listening/,
  });
  await assert.rejects(begin(`unix:${socketPath()}`).done, {
    code: 'TARGET_UNREACHABLE',
    message: /ENOENT/,
    hint: /no socket file/,
  });
  await assert.rejects(begin('http://no-such-host.invalid/').done, {
    code: 'TARGET_UNREACHABLE',
    message: /no-such-host.invalid has no address/,
  });
});

test('a plan that cannot be run is refused before anything starts', () => {
  assert.throws(() => begin('http://127.0.0.1:1/', { ratePerSec: null }), { code: 'USAGE' });
  assert.throws(() => begin('http://127.0.0.1:1/', { request: { method: 'A B' } }), { code: 'USAGE' });
});

test('a vanished target ends the run, and says so', async () => {
  await using running = await startServer();
  const load = begin(running.target, { durationNs: 30e9, warmupNs: 0 });
  while (load.progress().done < 20) await new Promise((resolve) => setTimeout(resolve, 5));
  running.signal('SIGKILL');
  const record = await load.done;
  assertSound(record);
  assert.equal(record.stoppedEarly, 'target vanished');
  assert.ok(record.endNs - record.startNs < 10e9);
});

test('stop ends the run early, with what was measured', async () => {
  await using running = await startServer();
  const load = begin(running.target, { durationNs: 60e9 });
  while (load.progress().done < 50) await new Promise((resolve) => setTimeout(resolve, 5));
  load.stop('interrupted');
  load.stop('a second reason');
  const record = await load.done;
  assertSound(record);
  assert.equal(record.stoppedEarly, 'interrupted');
  assert.ok(record.counts.ok >= 50 && record.counts.planned < 60 * 500);
});

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

test('a user’s codec stands in the record by its own name, and its file without the folder', async () => {
  await using running = await startServer({ protocol: 'frame', socketPath: socketPath() });
  const codec = fileURLToPath(new URL('../../examples/codecs/agent-frame.ts', import.meta.url));
  const requests = encodeRequests(await loadCodec(codec), [plainRequest({ body: Buffer.from('x') })], {
    seed: 1,
  });
  const { plan, counts } = await drive(running.target, { codec, requests });
  assert.equal(counts.ok, PLANNED);
  assert.equal(plan.protocol, 'agent-frame');
  assert.equal(plan.codec, 'agent-frame.ts');
});
