// Goal: every request that reaches the server's port is counted once, and nothing else. Method: 23 of them, one by one.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { test } from 'node:test';
import { needs } from '../../test/helpers/needs.ts';
import { countArrivals, indexOfDispersion } from './arrivals.ts';

const COUNT = 23;
const BIN_NS = 10e6;

const nowNs = () => Number(process.hrtime.bigint());

test('23 requests are 23 arrivals, replies and other ports are none', async (t) => {
  if (!needs(t, process.getuid?.() === 0, 'the BPF program needs root')) return;
  const server = createServer((socket) =>
    socket.on('data', (bytes) => socket.write(bytes)).on('error', () => {}),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = connect(port, '127.0.0.1').setNoDelay();
  await once(client, 'connect');
  using counter = countArrivals(port);
  using other = countArrivals(port === 65_535 ? 1024 : port + 1);
  const fromNs = nowNs();
  counter.restart();
  for (let i = 0; i < COUNT; i++) {
    client.write('ping');
    await once(client, 'data');
  }
  // Only whole bins are told.
  await new Promise((resolve) => setTimeout(resolve, 3 * (BIN_NS / 1e6)));
  const toNs = nowNs();
  const total = (counts: number[]) => counts.reduce((sum, count) => sum + count, 0);
  // From a moment before the counter began: what it has is all there is.
  assert.equal(total(counter.counts(fromNs, toNs, BIN_NS)), COUNT);
  assert.equal(total(other.counts(fromNs, toNs, BIN_NS)), 0);
  client.destroy();
  server.close();
});

test('dispersion: 0 for a clock, 1 for Poisson, more for bursts', () => {
  assert.equal(indexOfDispersion([5, 5, 5, 5]), 0);
  assert.equal(indexOfDispersion([0, 0, 0, 20]), 20);
});
