// Goal: a loop that relays receives on demand, tells ends apart from closes, and loses no byte, on every back end.
// Method: one loop and raw sockets as peers; turns until something is true.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { needs } from '../../test/helpers/needs.ts';
import type { Address } from '../base/address.ts';
import { SHUT_WR } from '../kernel/abi/socket.ts';
import { ERRNO } from '../kernel/errno.ts';
import { probeIoUring } from '../kernel/features.ts';
import { setResetOnClose, shutdownSocket } from '../kernel/sockets.ts';
import { type CreateLoop, openDescriptors, RawPeer, Recorder } from './event-loop.contract.ts';
import { loopBackends } from './registry.ts';
import { createRingLoop } from './ring-loop.ts';

const LOOPBACK: Address = { kind: 'tcp', host: '127.0.0.1', port: 0 };
const TINY = { sqEntries: 4, cqEntries: 8, bufferCount: 2, bufferBytes: 256 };
/** More than the kernel holds for a peer that reads nothing. */
const BLOCK = new Uint8Array(65_536).fill(7);
const TURNS_OF_SILENCE = 20;

const canUseRing = (t: TestContext) => needs(t, probeIoUring().available, probeIoUring().reason);
const loops: [name: string, create: CreateLoop, canRun: (t: TestContext) => boolean][] = [
  ...loopBackends.map(({ name, create, probe }): (typeof loops)[number] => {
    return [name, create, (t) => needs(t, probe().available, probe().reason)];
  }),
  ['tiny ring', (options) => createRingLoop(options, TINY), canUseRing],
];

/** A relaying loop with one accepted connection, and the peer of it. */
function accepted(create: CreateLoop): { r: Recorder; peer: RawPeer; conn: number } & Disposable {
  const r = new Recorder(create, { relays: true, sendBlockBytes: 65_536 });
  const listener = r.loop.listen(LOOPBACK);
  const peer = new RawPeer(r.loop.listenerAddress(listener));
  r.until('a connection', () => r.accepted.length === 1);
  const dispose = () => {
    peer[Symbol.dispose]();
    r[Symbol.dispose]();
  };
  return { r, peer, conn: r.accepted[0]!, [Symbol.dispose]: dispose };
}

/** Queues until the kernel takes no more. Returns how many bytes. */
function fill(r: Recorder, conn: number): number {
  let byteCount = 0;
  for (let before = -1; r.loop.pendingSendBytes(conn) !== before || before === 0; ) {
    before = r.loop.pendingSendBytes(conn);
    if (r.loop.sendCopy(conn, BLOCK, 0, BLOCK.length)) byteCount += BLOCK.length;
    r.turns(3);
  }
  return byteCount;
}

/** Everything the peer gets until its end, or an error: the error. */
function readAll(r: Recorder, peer: RawPeer): { byteCount: number; errno: number } {
  let byteCount = 0;
  let last = -ERRNO.EAGAIN;
  r.until('the end', () => {
    for (last = peer.receive(); last > 0; last = peer.receive()) byteCount += last;
    return last !== -ERRNO.EAGAIN;
  });
  return { byteCount, errno: 0 - last };
}

for (const [name, create, canRun] of loops) {
  const it = (title: string, body: (under: ReturnType<typeof accepted>) => void) =>
    test(`${name}: ${title}`, (t) => {
      if (!canRun(t)) return;
      const before = openDescriptors();
      {
        using under = accepted(create);
        body(under);
      }
      assert.deepEqual(openDescriptors(), before, 'descriptors left open');
    });

  it('nothing is received until it is wanted, and again after it was not', ({ r, peer, conn }) => {
    peer.send('first');
    r.turns(TURNS_OF_SILENCE);
    assert.equal(r.receivedCount(conn), 0);
    r.loop.setReceiving(conn, true);
    r.until('bytes', () => r.receivedCount(conn) === 5);
    r.loop.setReceiving(conn, false);
    peer.send('second');
    r.until('what was under way', () => r.turnCount > 0);
    r.turns(TURNS_OF_SILENCE);
    peer.send('third');
    r.turns(TURNS_OF_SILENCE);
    assert.ok(!r.bytesOf(conn).includes('third'), 'one receive more at most');
    r.loop.setReceiving(conn, true);
    r.until('the rest', () => r.bytesOf(conn).toString() === 'firstsecondthird');
  });

  it('a peer that ended its side still gets what is sent', ({ r, peer, conn }) => {
    r.loop.setReceiving(conn, true);
    peer.send('all I say');
    shutdownSocket(peer.fd, SHUT_WR);
    r.until('the end', () => r.events.includes(`end ${conn}`));
    assert.equal(r.bytesOf(conn).toString(), 'all I say');
    r.turns(TURNS_OF_SILENCE);
    assert.equal(r.events.filter((event) => event.startsWith('end')).length, 1, 'told once');
    r.loop.sendCopy(conn, BLOCK, 0, 1000);
    r.loop.shutdown(conn);
    assert.deepEqual(readAll(r, peer), { byteCount: 1000, errno: 0 });
    assert.ok(!r.events.some((event) => event.startsWith('close')));
    r.loop.close(conn);
  });

  it('our end comes after the last byte, however much is queued', ({ r, peer, conn }) => {
    const byteCount = fill(r, conn);
    r.loop.shutdown(conn);
    assert.deepEqual(readAll(r, peer), { byteCount, errno: 0 });
    r.loop.setReceiving(conn, true);
    peer.send('and I?');
    r.until('what the peer says after it', () => r.bytesOf(conn).toString() === 'and I?');
  });

  it('room is told once it is there', ({ r, peer, conn }) => {
    fill(r, conn);
    r.loop.askRoom(conn, BLOCK.length);
    r.turns(TURNS_OF_SILENCE);
    assert.ok(!r.events.includes(`room ${conn}`));
    r.until('room', () => {
      while (peer.receive() > 0);
      return r.events.includes(`room ${conn}`);
    });
    assert.ok(r.loop.pendingSendBytes(conn) <= BLOCK.length);
    r.turns(TURNS_OF_SILENCE);
    assert.equal(r.events.filter((event) => event.startsWith('room')).length, 1, 'told once');
    r.loop.askRoom(conn, 2 ** 30);
    r.until('room that is there already', () => r.events.filter((e) => e.startsWith('room')).length === 2);
  });

  it('a reset is one for the peer', ({ r, peer, conn }) => {
    r.loop.sendCopy(conn, BLOCK, 0, 10);
    r.until('it is sent', () => r.loop.pendingSendBytes(conn) === 0);
    r.loop.reset(conn);
    assert.equal(readAll(r, peer).errno, ERRNO.ECONNRESET);
    assert.equal(r.loop.connectionCount, 0);
  });

  it('a send that fails is told, though nothing is received', ({ r, peer, conn }) => {
    fill(r, conn);
    setResetOnClose(peer.fd);
    peer[Symbol.dispose]();
    r.until('the close', () => r.events.some((event) => event.startsWith(`close ${conn} `)));
    assert.equal(r.loop.connectionCount, 0);
  });

  it('end() discards what still comes, of one that was never received from', ({ r, peer, conn }) => {
    peer.send('unwanted');
    r.loop.sendCopy(conn, BLOCK, 0, 100);
    r.loop.end(conn);
    assert.equal(readAll(r, peer).byteCount, 100);
    shutdownSocket(peer.fd, SHUT_WR);
    r.until('it is gone', () => r.loop.connectionCount === 0);
    assert.equal(r.receivedCount(conn), 0);
  });
}
