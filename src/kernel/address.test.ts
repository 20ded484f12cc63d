// Goal: socket addresses survive the way to the kernel's form and back. Method: a table, then wrong input.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Address } from '../base/address.ts';
import { LoopscopeError } from '../base/errors.ts';
import { AF_INET, AF_INET6, AF_UNIX } from './abi/socket.ts';
import { decodeAddress, encodeAddress, familyOf } from './address.ts';

const tcp = (host: string, port = 8080): Address => ({ kind: 'tcp', host, port });
const unix = (path: string): Address => ({ kind: 'unix', path });

test('addresses survive the round trip', () => {
  const cases: [Address, number][] = [
    [tcp('127.0.0.1'), AF_INET],
    [tcp('255.254.1.2', 65_535), AF_INET],
    [tcp('::1', 1), AF_INET6],
    [tcp('::'), AF_INET6],
    [tcp('2001:db8::8:800:200c:417a'), AF_INET6],
    [tcp('1:2:3:4:5:6:7:8'), AF_INET6],
    [unix('/run/agent.sock'), AF_UNIX],
    [unix('@abstract'), AF_UNIX],
    [unix('/tmp/größe'), AF_UNIX],
    [unix(`/${'x'.repeat(106)}`), AF_UNIX],
  ];
  for (const [address, family] of cases) {
    assert.equal(familyOf(address), family);
    const bytes = encodeAddress(address);
    assert.deepEqual(decodeAddress(bytes, bytes.length), address);
  }
});

test('bytes are as the kernel wants them', () => {
  assert.deepEqual([...encodeAddress(tcp('1.2.3.4', 258)).subarray(0, 8)], [2, 0, 1, 2, 1, 2, 3, 4]);
  assert.deepEqual([...encodeAddress(unix('@a'))], [1, 0, 0, 97]);
  assert.deepEqual([...encodeAddress(unix('/a'))], [1, 0, 47, 97, 0]);
  assert.deepEqual(encodeAddress(tcp('localhost', 1)), encodeAddress(tcp('127.0.0.1', 1)));
  const mapped = encodeAddress(tcp('::ffff:1.2.3.4', 1));
  assert.deepEqual([...mapped.subarray(18, 24)], [255, 255, 1, 2, 3, 4]);
});

test('an unnamed Unix socket has an empty path', () => {
  const bytes = encodeAddress(unix('/a'));
  assert.deepEqual(decodeAddress(bytes, 2), unix(''));
});

test('names and paths that cannot be encoded are refused', () => {
  const cases: [Address, RegExp][] = [
    [tcp('example.test'), /not an IP address/],
    [tcp('1.2.3'), /not an IP address/],
    [tcp('::g'), /not an IP address/],
    [unix(''), /1 to 107 bytes/],
    [unix('x'.repeat(108)), /1 to 107 bytes, this one 108/],
  ];
  for (const [address, message] of cases) {
    assert.throws(
      () => encodeAddress(address),
      (error) =>
        error instanceof LoopscopeError && error.code === 'TARGET_INVALID' && message.test(error.message),
    );
  }
});
