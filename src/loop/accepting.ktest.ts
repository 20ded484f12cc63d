// Goal: listeners that were inherited, paused and stopped behave alike on every back end, and nobody who waits is lost.
// Method: one loop and raw sockets as peers; turns until something is true.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { needs } from '../../test/helpers/needs.ts';
import type { Address } from '../base/address.ts';
import { encodeAddress } from '../kernel/address.ts';
import { ERRNO } from '../kernel/errno.ts';
import { probeIoUring } from '../kernel/features.ts';
import { closeFd, localAddress, openClientSocket, openListener, startConnect } from '../kernel/sockets.ts';
import { type CreateLoop, openDescriptors, RawPeer, Recorder } from './event-loop.contract.ts';
import { loopBackends } from './registry.ts';
import { createRingLoop } from './ring-loop.ts';

const LOOPBACK: Address = { kind: 'tcp', host: '127.0.0.1', port: 0 };
const TINY = { sqEntries: 4, cqEntries: 8, bufferCount: 2, bufferBytes: 256 };
const folder = mkdtempSync(join(tmpdir(), 'loopscope-accepting-'));
after(() => rmSync(folder, { recursive: true }));

const loops: [name: string, create: CreateLoop, canRun: (t: TestContext) => boolean][] = [
  ...loopBackends
    .map(
      ({ name, create, probe }) =>
        [name, create, (t: TestContext) => needs(t, probe().available, probe().reason)] as const,
    )
    .map(([name, create, canRun]): [string, CreateLoop, (t: TestContext) => boolean] => [
      name,
      create,
      canRun,
    ]),
  [
    'tiny ring',
    (options) => createRingLoop(options, TINY),
    (t) => needs(t, probeIoUring().available, probeIoUring().reason),
  ],
];

for (const [name, create, canRun] of loops) {
  const it = (title: string, body: () => void) =>
    test(`${name}: ${title}`, (t) => {
      if (!canRun(t)) return;
      const before = openDescriptors();
      body();
      assert.deepEqual(openDescriptors(), before, 'descriptors left open');
    });

  it('accepts from an inherited listener, and leaves its socket file to its owner', () => {
    const address: Address = { kind: 'unix', path: join(folder, 'inherited.sock') };
    const fd = openListener(address);
    using r = new Recorder(create);
    const listener = r.loop.adopt(fd, address);
    assert.deepEqual(r.loop.listenerAddress(listener), address);
    const peer = new RawPeer(address);
    peer.send('hello');
    r.until('bytes', () => r.accepted.length === 1 && r.receivedCount(r.accepted[0]!) === 5);
    r.loop[Symbol.dispose]();
    peer[Symbol.dispose]();
    assert.equal(existsSync(address.path), true);
    rmSync(address.path);
  });

  it('leaves connections in the kernel while it is told not to accept, and takes them later', () => {
    using r = new Recorder(create);
    const listener = r.loop.listen(LOOPBACK);
    const address = r.loop.listenerAddress(listener);
    for (let round = 1; round <= 5; round++) {
      r.loop.setAccepting(listener, false);
      r.loop.setAccepting(listener, false);
      r.turns(3);
      const peers = Array.from({ length: 4 }, () => new RawPeer(address));
      r.turns(5);
      assert.equal(r.accepted.length, (round - 1) * 4);
      r.loop.setAccepting(listener, true);
      r.until('all of them', () => r.accepted.length === round * 4);
      for (const peer of peers) peer[Symbol.dispose]();
    }
  });

  it('takes all who wait when it stops listening, and then nobody', () => {
    for (const wanted of [LOOPBACK, { kind: 'unix' as const, path: join(folder, 'stop.sock') }]) {
      using r = new Recorder(create);
      const listener = r.loop.listen(wanted);
      const address = r.loop.listenerAddress(listener);
      r.turns(2);
      const peers = Array.from({ length: 20 }, () => new RawPeer(address));
      r.loop.stopListening(listener);
      r.until('all of them', () => r.accepted.length === peers.length);
      r.until('its end', () => r.loop.listenerCount === 0);
      const late = openClientSocket(address);
      const result = startConnect(late, encodeAddress(address));
      if (address.kind === 'unix') {
        assert.equal(result, -ERRNO.ENOENT, 'its socket file is gone');
      } else {
        assert.ok(result === -ERRNO.ECONNREFUSED || result === -ERRNO.EINPROGRESS, `${result}`);
        r.turns(5);
      }
      assert.equal(r.accepted.length, peers.length);
      closeFd(late);
      closeFd(openListener(address));
      if (address.kind === 'unix') rmSync(address.path);
      for (const [i, conn] of r.accepted.entries()) {
        peers[i]!.send('on');
        r.until('bytes', () => r.received.size === i + 1);
        assert.ok(r.received.has(conn) || r.received.size > i);
      }
      r.loop.stopListening(listener);
      for (const peer of peers) peer[Symbol.dispose]();
    }
  });

  it('does not remove a socket file that another has put in its place', () => {
    const address: Address = { kind: 'unix', path: join(folder, 'replaced.sock') };
    using r = new Recorder(create);
    r.loop.listen(address);
    rmSync(address.path);
    const other = openListener(address);
    r.loop[Symbol.dispose]();
    assert.equal(existsSync(address.path), true);
    closeFd(other);
    rmSync(address.path);
  });
}

test('epoll: accepting comes first when the owner wants it, and calls in vain are told from the last of a round', () => {
  const epoll = loopBackends.find(({ name }) => name === 'epoll')!;
  const order: string[] = [];
  const fd = openListener(LOOPBACK);
  using r = new Recorder((options) =>
    epoll.create({
      ...options,
      handlers: { ...options.handlers, onAccepted: () => order.push('accepted') },
    }),
  );
  const address = localAddress(fd);
  r.loop.adopt(fd, address, { exclusive: true, acceptLimit: 2 });
  r.onData = () => order.push('data');
  r.onAccept = () => order.push('accept');
  const first = new RawPeer(address);
  r.until('the first', () => r.accepted.length === 1);
  assert.deepEqual([r.loop.stats.acceptEmptyCount, r.loop.stats.acceptInVainCount], [1, 0]);
  order.length = 0;
  first.send('x');
  const others = [new RawPeer(address), new RawPeer(address), new RawPeer(address)];
  r.until('data', () => order.includes('data'));
  assert.deepEqual(order.filter((what, i) => what !== order[i - 1]).slice(-3), [
    'accept',
    'accepted',
    'data',
  ]);
  assert.equal(r.accepted.length, 3, 'two in one cycle');
  r.until('the last', () => r.accepted.length === 4);
  assert.equal(r.loop.stats.acceptInVainCount, 0);
  for (const peer of [first, ...others]) peer[Symbol.dispose]();
});
