// Goal: a host has one spelling, and what resolvers read in different ways is none. Method: tables, and addresses written
// and read back.
import assert from 'node:assert/strict';
import { isIPv6 } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { addressBytes, ipv4Host, ipv6HostOf, readHost, readIpv6 } from './host.ts';
import { ascii } from './testing/converse.ts';

const read = (text: string) => readHost(ascii(text), 0, text.length);
const literal = (text: string) => readIpv6(ascii(text), 0, text.length);

test('names: lower case, without the dot at the end', () => {
  const rows: [string, string][] = [
    ['example.com', 'example.com'],
    ['EXAMPLE.Com', 'example.com'],
    ['example.com.', 'example.com'],
    ['localhost', 'localhost'],
    ['_dmarc.example.com', '_dmarc.example.com'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
    ['1.2.3.4.example', '1.2.3.4.example'],
    ['0x7f.example', '0x7f.example'],
    [`${'a'.repeat(63)}.b`, `${'a'.repeat(63)}.b`],
  ];
  for (const [given, text] of rows) assert.deepEqual(read(given), { kind: 'name', text }, given);
});

test('addresses: four decimal parts, or none', () => {
  assert.deepEqual(read('127.0.0.1'), { kind: 'ipv4', text: '127.0.0.1' });
  assert.deepEqual(read('255.255.255.255'), { kind: 'ipv4', text: '255.255.255.255' });
  const others = [
    '0177.0.0.1',
    '127.1',
    '2130706433',
    '0x7f.0.0.1',
    '0x7f000001',
    '127.0.0.1.',
    '127.0.0.01',
  ];
  for (const text of [...others, '256.0.0.1', '1.2.3', '1.2.3.4.5', '0x', '0X7F']) {
    assert.equal(read(text), null, text);
  }
});

test('what is neither', () => {
  const long = `${'a.'.repeat(126)}ab`;
  const rows = [
    '',
    '.',
    '..',
    'a..b',
    '.a',
    'a..',
    'a b',
    'a/b',
    'a@b',
    'a%2eb',
    'a:b',
    '[::1]',
    'a\0b',
    'é.example',
  ];
  for (const text of [...rows, 'a'.repeat(64), `${'a'.repeat(64)}.b`, long, `${long}.`]) {
    assert.equal(read(text), null, JSON.stringify(text));
  }
  assert.equal(read(`${'a.'.repeat(126)}a`)?.text.length, 253);
});

test('IPv6: the shortest form (RFC 5952), and IPv4 where it is that', () => {
  const rows: [string, string][] = [
    ['::', '::'],
    ['::1', '::1'],
    ['2001:DB8::0:1', '2001:db8::1'],
    ['2001:0db8:0000:0000:0000:0000:0002:0001', '2001:db8::2:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['64:ff9b::1.2.3.4', '64:ff9b::102:304'],
  ];
  for (const [given, text] of rows) assert.deepEqual(literal(given), { kind: 'ipv6', text }, given);
  for (const given of ['::ffff:10.0.0.1', '::FFFF:0a00:0001', '0:0:0:0:0:ffff:a00:1'])
    assert.deepEqual(literal(given), { kind: 'ipv4', text: '10.0.0.1' }, given);
  for (const given of [
    '',
    ':',
    ':::',
    '1',
    '1.2.3.4',
    'fe80::1%eth0',
    '::1%25lo',
    '1::2::3',
    '[::1]',
    '12345::',
  ])
    assert.equal(literal(given), null, given);
});

test('an address written is the address read', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
      const host = ipv6HostOf(bytes, 0);
      if (host.kind === 'ipv4') return;
      assert.ok(isIPv6(host.text));
      assert.deepEqual(addressBytes(host.text), Uint8Array.from(bytes));
      assert.equal(new URL(`http://[${host.text}]`).hostname, `[${host.text}]`);
      assert.deepEqual(literal(host.text), host);
    }),
    { numRuns: 300 },
  );
  assert.deepEqual([...addressBytes(ipv4Host(Uint8Array.of(10, 0, 200, 1), 0).text)], [10, 0, 200, 1]);
});
