// Goal: a listener's queue, backlog and drops are told truly, over TCP, IPv6 and Unix paths. Method: listeners of our own
// of known backlogs, and clients that connect to one nobody accepts from.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Address } from '../base/address.ts';
import { type ListeningSocket, openSockDiag, readMessages } from './sock-diag.ts';
import { closeFd, openListener } from './sockets.ts';

function find(address: string): ListeningSocket {
  using diag = openSockDiag();
  const sockets = diag!.listeners({ tcp: true, unix: true })!;
  const found = sockets.filter((socket) => socket.address === address);
  assert.equal(found.length, 1, `${address} among ${sockets.map((socket) => socket.address).join(', ')}`);
  return found[0]!;
}

async function connectTimes(
  count: number,
  to: { path: string } | { port: number; host: string },
): Promise<Socket[]> {
  const sockets = Array.from({ length: count }, () => connect(to));
  for (const socket of sockets) socket.on('error', () => {});
  await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
  return sockets;
}

function listenOn(t: TestContext, address: Address, backlog: number): void {
  const fd = openListener(address, { backlog });
  t.after(() => closeFd(fd));
}

function temporaryPath(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'loopscope-diag-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'a.sock');
}

test('three who wait on a Unix socket with a backlog of 8', async (t) => {
  const path = temporaryPath(t);
  listenOn(t, { kind: 'unix', path }, 8);
  const clients = await connectTimes(3, { path });
  t.after(() => clients.map((client) => client.destroy()));
  const { transport, waiting, backlog, dropped } = find(path);
  assert.deepEqual(
    { transport, waiting, backlog, dropped },
    { transport: 'unix', waiting: 3, backlog: 8, dropped: null },
  );
});

test('a TCP socket on which nobody waits, with a backlog of 16, and none dropped', async (t) => {
  const server: Server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', 16, resolve));
  t.after(() => server.close());
  const { port } = server.address() as { port: number };
  const { transport, waiting, backlog, dropped, inode } = find(`127.0.0.1:${port}`);
  assert.deepEqual(
    { transport, waiting, backlog, dropped },
    { transport: 'tcp', waiting: 0, backlog: 16, dropped: 0 },
  );
  assert.ok(inode > 0);
});

test('IPv6 addresses are written as they are typed', async (t) => {
  const server: Server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '::1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as { port: number };
  assert.equal(find(`[::1]:${port}`).transport, 'tcp');
});

for (const host of ['127.0.0.1', '::1']) {
  test(`sockets in TIME_WAIT are counted by their other end, to ${host}`, async (t) => {
    // Who closes first waits: the clients. The server answers each end with its own.
    const server: Server = createServer((socket) => socket.resume());
    await new Promise<void>((resolve) => server.listen(0, host, resolve));
    t.after(() => server.close());
    const { port } = server.address() as { port: number };
    const clients = await connectTimes(3, { port, host });
    using diag = openSockDiag();
    const target = new Set([host === '::1' ? `[::1]:${port}` : `127.0.0.1:${port}`]);
    assert.equal(diag!.timeWaitTo(target), 0);
    await Promise.all(
      clients.map((client) => {
        client.resume();
        client.end();
        return new Promise((resolve) => client.once('close', resolve));
      }),
    );
    assert.equal(diag!.timeWaitTo(target), 3);
    assert.equal(diag!.timeWaitTo(new Set(['127.0.0.1:1'])), 0);
  });
}

test('an answer that is cut short, or not what was asked for, is not read beyond its end', () => {
  const into: ListeningSocket[] = [];
  const message = new Uint8Array(32);
  new DataView(message.buffer).setUint32(0, 4000, true);
  assert.equal(readMessages(message, into), 'error');
  new DataView(message.buffer).setUint32(0, 0, true);
  assert.equal(readMessages(message, into), 'error');
  new DataView(message.buffer).setUint32(0, 32, true);
  message[4] = 20;
  message[16] = 2;
  assert.equal(readMessages(message, into), 'more');
  assert.deepEqual(into, []);
});
