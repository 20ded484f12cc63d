// Goal: the kernel's count of a connection is its bytes, no SYN and no FIN, however it ended. Method: a connection on
// the loopback for each way of ending, with known bytes, counted at both ends.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SHUT_WR } from '../abi/socket.ts';
import { __NR_recvfrom, __NR_sendto } from '../abi/syscall-numbers.ts';
import { encodeAddress } from '../address.ts';
import { offHeap, syscall } from '../libc.ts';
import {
  acceptConnection,
  closeFd,
  localAddress,
  openClientSocket,
  openListener,
  setResetOnClose,
  shutdownSocket,
  startConnect,
} from '../sockets.ts';
import { readTcpCounts, type TcpCounts } from './tcp-counts.ts';

const buffer = offHeap(65_536);

/** One end of a connection, with what it has read so far. */
type End = { fd: number; readBytes: number; connected: boolean };

function retried(call: () => number): number {
  const giveUpAtMs = performance.now() + 10_000;
  for (;;) {
    const result = call();
    if (result >= 0 || performance.now() > giveUpAtMs) return result;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
  }
}

function connect(): { client: End; server: End } {
  const listener = openListener({ kind: 'tcp', host: '127.0.0.1', port: 0 });
  const address = localAddress(listener);
  const client = openClientSocket(address);
  startConnect(client, encodeAddress(address));
  const server = retried(() => acceptConnection(listener));
  assert.ok(server >= 0);
  closeFd(listener);
  return {
    client: { fd: client, readBytes: 0, connected: true },
    server: { fd: server, readBytes: 0, connected: false },
  };
}

function send(end: End, byteCount: number): void {
  const sent = retried(() => syscall(__NR_sendto, end.fd, buffer, byteCount, 0, null, 0));
  assert.equal(sent, byteCount);
}

/** Reads so many bytes; 0 waits for the end. */
function read(end: End, byteCount: number): void {
  for (let left = byteCount; left > 0 || byteCount === 0; ) {
    const limit = byteCount === 0 ? 65_536 : left;
    const got = retried(() => syscall(__NR_recvfrom, end.fd, buffer, limit, 0, null, null));
    if (got === 0 && byteCount === 0) return;
    assert.ok(got > 0, String(got));
    left -= got;
    end.readBytes += got;
  }
}

function countsOf(end: End): TcpCounts {
  const counts = { sentBytes: -1, receivedBytes: -1 };
  assert.ok(readTcpCounts(end.fd, end.readBytes, end.connected, false, counts));
  return counts;
}

/** Asks until the other end's segments have arrived. */
function counted(end: End, sentBytes: number, receivedBytes: number): void {
  const wanted = { sentBytes, receivedBytes };
  const giveUpAtMs = performance.now() + 10_000;
  while (performance.now() < giveUpAtMs) {
    const { sentBytes: sent, receivedBytes: received } = countsOf(end);
    if (sent === sentBytes && received === receivedBytes) break;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
  }
  assert.deepEqual(countsOf(end), wanted);
}

const CASES: [name: string, body: (client: End, server: End) => void][] = [
  [
    'nothing was said',
    (client, server) => {
      counted(client, 0, 0);
      counted(server, 0, 0);
    },
  ],
  [
    'both are open',
    (client, server) => {
      send(client, 1000);
      send(server, 5000);
      counted(client, 1000, 5000);
      counted(server, 5000, 1000);
    },
  ],
  [
    'one side has ended, then the other',
    (client, server) => {
      send(client, 1000);
      shutdownSocket(client.fd, SHUT_WR);
      read(server, 0);
      counted(client, 1000, 0);
      counted(server, 0, 1000);
      send(server, 7);
      counted(client, 1000, 7);
      counted(server, 7, 1000);
      shutdownSocket(server.fd, SHUT_WR);
      read(client, 0);
      counted(client, 1000, 7);
      counted(server, 7, 1000);
    },
  ],
  [
    'both have ended at once, with bytes unread',
    (client, server) => {
      send(client, 300);
      send(server, 400);
      shutdownSocket(server.fd, SHUT_WR);
      shutdownSocket(client.fd, SHUT_WR);
      counted(client, 300, 400);
      counted(server, 400, 300);
    },
  ],
  [
    'reset by the peer, with bytes unread',
    (client, server) => {
      send(client, 3000);
      read(server, 1000);
      counted(server, 0, 3000);
      setResetOnClose(client.fd);
      closeFd(client.fd);
      client.fd = -1;
      counted(server, 0, 3000);
    },
  ],
  [
    'reset behind an end',
    (client, server) => {
      send(server, 50);
      read(client, 50);
      send(client, 3000);
      shutdownSocket(client.fd, SHUT_WR);
      counted(server, 50, 3000);
      setResetOnClose(client.fd);
      closeFd(client.fd);
      client.fd = -1;
      counted(server, 50, 3000);
    },
  ],
];

for (const [name, body] of CASES) {
  test(`bytes to the byte: ${name}`, () => {
    const { client, server } = connect();
    try {
      body(client, server);
    } finally {
      for (const { fd } of [client, server]) if (fd >= 0) closeFd(fd);
    }
  });
}

test('what the peer has not taken when it resets is not counted as sent', () => {
  const { client, server } = connect();
  let offered = 0;
  for (;;) {
    const sent = syscall(__NR_sendto, client.fd, buffer, buffer.byteLength, 0, null, 0);
    if (sent < 0) break;
    offered += sent;
  }
  assert.equal(countsOf(client).sentBytes, offered, 'while it is open, all that the kernel took over');
  const dropped = { sentBytes: 0, receivedBytes: 0 };
  assert.ok(readTcpCounts(client.fd, 0, true, true, dropped));
  assert.ok(dropped.sentBytes < offered, 'a reset would drop the rest');
  setResetOnClose(server.fd);
  const { receivedBytes } = countsOf(server);
  closeFd(server.fd);
  retried(() => (syscall(__NR_sendto, client.fd, buffer, 1, 0, null, 0) < -11 ? 0 : -1));
  const { sentBytes } = countsOf(client);
  closeFd(client.fd);
  assert.ok(sentBytes < offered, `${sentBytes} of ${offered}`);
  assert.ok(sentBytes <= receivedBytes, `${sentBytes} acknowledged, ${receivedBytes} arrived`);
});

test('a descriptor that is no TCP socket, or is none, is told', () => {
  const counts = { sentBytes: 0, receivedBytes: 0 };
  assert.equal(readTcpCounts(1, 0, true, false, counts), false);
  assert.equal(readTcpCounts(65_000, 0, true, false, counts), false);
});
