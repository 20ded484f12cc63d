// Goal: whatever a server does, every planned request is counted exactly once and for what happened to it.
// Method: servers with planted faults in processes of their own, both back ends, TCP and Unix sockets.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { wholeOr } from '../../test/helpers/depth.ts';
import { needs } from '../../test/helpers/needs.ts';
import { upToThreeTimes } from '../../test/helpers/tries.ts';
import { probeIoUring } from '../kernel/features.ts';
import { encodeRequests, plainRequest } from '../plan/requests/requests.ts';
import { quantileNs } from '../record/histogram.ts';
import { decodeHistogram } from '../record/histogram-text.ts';
import type { LoadRecord } from '../record/load.ts';
import { loadCodec } from '../wire/custom/load-codec.ts';
import { assertSound, begin, type Changes, drive, PLANNED } from './testing/short-load.ts';
import { type FaultServerOptions, startServer } from './testing/start-server.ts';

const folder = mkdtempSync(join(tmpdir(), 'loopscope-drive-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let socketCount = 0;
const socketPath = () => join(folder, `${socketCount++}.sock`);

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
