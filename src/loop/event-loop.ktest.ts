// Goal: all back ends show the same behaviour, also when the kernel's resources are far too small for the work.
// Method: the contract, run against each back end and against a ring of a few entries.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { needs } from '../../test/helpers/needs.ts';
import { IORING_SETUP_DEFER_TASKRUN, IORING_SETUP_TASKRUN_FLAG } from '../kernel/abi/io-uring.ts';
import { probeIoUring } from '../kernel/features.ts';
import { RawPeer, Recorder, testEventLoop } from './event-loop.contract.ts';
import { loopBackends } from './registry.ts';
import { createRingLoop } from './ring-loop.ts';

const TINY = { sqEntries: 4, cqEntries: 8, bufferCount: 2, bufferBytes: 256 };

for (const backend of loopBackends) {
  testEventLoop(backend.name, backend.create, (t) => {
    const { available, reason } = backend.probe();
    return needs(t, available, reason);
  });
}

testEventLoop('tiny ring', (options) => createRingLoop(options, TINY), canUseRing);

testEventLoop(
  'deferred ring',
  (options) =>
    createRingLoop(options, { setupFlags: IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG }),
  canUseRing,
);

test('a ring short of buffers and completions loses nothing, and counts the shortage', (t) => {
  if (!canUseRing(t)) return;
  using r = new Recorder((options) => createRingLoop(options, TINY), { connectionLimit: 200 });
  const listener = r.loop.listen({ kind: 'tcp', host: '127.0.0.1', port: 0 });
  const servers = new Set<number>();
  r.onAccept = (conn) => servers.add(conn);
  let echoedBytes = 0;
  r.onData = (conn, bytes, start, end) => {
    if (servers.has(conn)) assert.ok(r.loop.sendCopy(conn, bytes, start, end));
    else echoedBytes += end - start;
  };
  const message = Buffer.alloc(3000, 7);
  r.onConnect = (conn) => assert.ok(r.loop.sendCopy(conn, message, 0, message.length));
  for (let i = 0; i < 90; i++) r.loop.connect(r.loop.listenerAddress(listener));
  r.until('every echo', () => echoedBytes === 90 * message.length);
  assert.ok(r.loop.stats.shortageCount > 100, `${r.loop.stats.shortageCount} shortages`);
});

test('short sends are all told of, also those whose completions did not fit the ring', (t) => {
  if (!canUseRing(t)) return;
  using r = new Recorder((options) => createRingLoop(options, TINY), { connectionLimit: 100 });
  const listener = r.loop.listen({ kind: 'tcp', host: '127.0.0.1', port: 0 });
  const peers = Array.from({ length: 30 }, () => new RawPeer(r.loop.listenerAddress(listener)));
  r.until('accept', () => r.accepted.length === peers.length);
  const memory = r.loop.allocateSendMemory(12 << 20);
  for (const conn of r.accepted) assert.ok(r.loop.send(conn, memory, 0, memory.bytes.length));
  r.turns(2);
  for (const peer of peers) {
    let read = 0;
    r.until('every byte', () => {
      for (let n = peer.receive(); n > 0; n = peer.receive()) read += n;
      return read >= memory.bytes.length;
    });
    assert.equal(read, memory.bytes.length);
  }
  for (const peer of peers) peer[Symbol.dispose]();
});

function canUseRing(t: TestContext): boolean {
  const { available, reason } = probeIoUring();
  return needs(t, available, reason);
}
