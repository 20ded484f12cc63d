// Goal: addresses of one name are tried as RFC 8305 says, and none is left behind. Method: a loop and a clock of our own.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Address } from '../../../base/address.ts';
import { LoopscopeError } from '../../../base/errors.ts';
import { ERRNO } from '../../../kernel/errno.ts';
import { Dialler, familiesInTurn, NEXT_ATTEMPT_NS } from './dialler.ts';
import { FlowTable, NONE } from './flow-table.ts';

const CLIENT = 0;
const TIMEOUT_NS = 5e9;
const tcp = (host: string): Address => ({ kind: 'tcp', host, port: 80 });

function rig(isRefused: (address: Address) => boolean = () => false) {
  const table = new FlowTable(16);
  const said: string[] = [];
  let next = 1;
  const dialler = new Dialler({
    loop: {
      connect(address) {
        const host = address.kind === 'tcp' ? address.host : address.path;
        if (isRefused(address)) throw new LoopscopeError('SYSCALL', 'no descriptor is left');
        said.push(`${next} to ${host}`);
        return next++;
      },
      close: (conn) => void said.push(`close ${conn}`),
    },
    table,
    timeoutNs: TIMEOUT_NS,
    onReached: (client, upstream) => void said.push(`${client} reached ${upstream}`),
    onFailed: (client, errno) => void said.push(`${client} failed ${errno}`),
  });
  table.openClient(CLIENT, 0, 0);
  return { table, said, dialler };
}

test('families take turns, beginning with the first', () => {
  const hosts = ['2001:db8::1', '2001:db8::2', '2001:db8::3', '192.0.2.1', '192.0.2.2'];
  assert.deepEqual(
    familiesInTurn(hosts.map(tcp)).map((address) => address.kind === 'tcp' && address.host),
    ['2001:db8::1', '192.0.2.1', '2001:db8::2', '192.0.2.2', '2001:db8::3'],
  );
});

test('the next is tried after a quarter of a second; the first to answer wins, the others are closed', () => {
  const { said, dialler, table } = rig();
  dialler.dial(CLIENT, [tcp('::1'), tcp('192.0.2.1'), tcp('192.0.2.2')], 0);
  assert.equal(dialler.turn(1), NEXT_ATTEMPT_NS - 1);
  assert.deepEqual(said.splice(0), ['1 to ::1']);
  dialler.turn(NEXT_ATTEMPT_NS);
  dialler.turn(NEXT_ATTEMPT_NS * 2);
  assert.deepEqual(said.splice(0), ['2 to 192.0.2.1', '3 to 192.0.2.2']);
  dialler.connected(2, 0, NEXT_ATTEMPT_NS * 2);
  assert.deepEqual(said, ['close 1', 'close 3', '0 reached 2']);
  assert.deepEqual([table.state[1], table.state[3], dialler.count], [NONE, NONE, 0]);
});

test('one that fails is followed at once, and the last failure is told', () => {
  const { said, dialler } = rig();
  dialler.dial(CLIENT, [tcp('192.0.2.1'), tcp('192.0.2.2')], 0);
  dialler.connected(1, ERRNO.ECONNREFUSED, 10);
  dialler.connected(2, ERRNO.EHOSTUNREACH, 20);
  assert.deepEqual(said, ['1 to 192.0.2.1', '2 to 192.0.2.2', `0 failed ${ERRNO.EHOSTUNREACH}`]);
});

test('all of them have the time of one', () => {
  const { said, dialler } = rig();
  dialler.dial(CLIENT, [tcp('192.0.2.1'), tcp('192.0.2.2')], 0);
  dialler.turn(NEXT_ATTEMPT_NS);
  dialler.turn(TIMEOUT_NS);
  assert.deepEqual(said.slice(2), ['close 1', 'close 2', `0 failed ${ERRNO.ETIMEDOUT}`]);
});

test('an address that this machine cannot even try is passed over', () => {
  const { said, dialler } = rig((address) => address.kind === 'tcp' && address.host === '::1');
  dialler.dial(CLIENT, [tcp('::1'), tcp('192.0.2.1')], 0);
  assert.deepEqual(said, ['1 to 192.0.2.1']);
});

test('a client that goes takes its attempts with it', () => {
  const { said, dialler } = rig();
  dialler.dial(CLIENT, [tcp('192.0.2.1')], 0);
  dialler.forget(CLIENT);
  assert.deepEqual(said, ['1 to 192.0.2.1', 'close 1']);
  assert.equal(dialler.turn(1e12), Number.POSITIVE_INFINITY);
});
