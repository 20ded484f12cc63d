// Goal: the interface to a target is the one that the kernel would take, and its own machine is none. Method: texts of /proc.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { beginCard, interfaceTo } from './network-card.ts';

const FILES: Record<string, string> = {
  '/proc/net/route': `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
eth1\t0000000A\t00000000\t0001\t0\t0\t0\t000000FF\t0\t0\t0
eth2\t0000010A\t00000000\t0000\t0\t0\t0\t0000FFFF\t0\t0\t0
`,
  '/proc/net/fib_trie': `Local:
  +-- 0.0.0.0/0 3 0 5
     |-- 10.0.0.5
        /32 host LOCAL
     |-- 10.0.0.255
        /32 link BROADCAST
`,
  '/proc/net/ipv6_route': `fd000000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0
00000000000000000000000000000000 00 00000000000000000000000000000000 00 fd000000000000000000000000000001 00000400 00000003 00000000 00000003     eth1
00000000000000000000000000000001 80 00000000000000000000000000000000 00 00000000000000000000000000000000 00000000 00000004 00000000 80200001       lo
fd000000000000000000000000000002 80 00000000000000000000000000000000 00 00000000000000000000000000000000 00000000 00000004 00000000 80200001     eth0
00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo
`,
};
const read = (path: string) => FILES[path] ?? null;

const ROUTES: [host: string, name: string | null][] = [
  ['192.0.2.7', 'eth0'],
  ['198.51.100.1', 'eth0'],
  ['10.1.2.3', 'eth1'],
  ['10.0.0.255', 'eth1'],
  ['10.0.0.5', null],
  ['127.0.0.1', null],
  ['127.9.9.9', null],
  ['fd00::7', 'eth0'],
  ['fd00::2', null],
  ['2001:db8::1', 'eth1'],
  ['::1', null],
  ['not-an-address', null],
];
for (const [host, name] of ROUTES) {
  test(`the way to ${host}`, () => assert.equal(interfaceTo(host, read), name));
}

test('without tables there is no way', () =>
  assert.equal(
    interfaceTo('10.1.2.3', () => null),
    null,
  ));

test('what a card carried is the difference, and its speed in bits', () => {
  const files: Record<string, string> = { speed: '10000\n' };
  const readCard = (path: string) => files[path.slice(path.lastIndexOf('/') + 1)] ?? null;
  assert.equal(beginCard('eth0', readCard), null);
  Object.assign(files, { rx_bytes: '1000\n', tx_bytes: '500\n', rx_dropped: '3\n', tx_dropped: '0\n' });
  const end = beginCard('eth0', readCard)!;
  Object.assign(files, { rx_bytes: '5000\n', tx_bytes: '700\n', rx_dropped: '4\n' });
  assert.deepEqual(end(), {
    name: 'eth0',
    speedBitsPerSec: 1e10,
    receivedBytes: 4000,
    sentBytes: 200,
    receiveDrops: 1,
    sendDrops: 0,
  });
  files.speed = '-1\n';
  assert.equal(end().speedBitsPerSec, null);
});
