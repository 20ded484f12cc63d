// Goal: PROXY headers are read to the byte, and what is written is read back. Method: the specification's own lines, the
// traps that other readers fell into, and ends made at random.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ipv6HostOf } from '../host.ts';
import { READ } from '../reading.ts';
import { ascii } from '../testing/converse.ts';
import { crc32c } from './crc32c.ts';
import type { ProxyHeader } from './header-fields.ts';
import { ProxyHeaderReader } from './proxy-header.ts';
import { V2_SIGNATURE } from './version-2.ts';
import { type Ends, withChecksum, writeVersion1, writeVersion2 } from './write-header.ts';

const MOST_BYTES = 2048;
const TUNNEL = ascii('PROXY TCP4 6.6.6.6 6.6.6.6 6 6\r\n');

/** The header, its length taken off; a fault in words; or 'more'. */
function read(bytes: Uint8Array): ProxyHeader | string {
  const reader = new ProxyHeaderReader(MOST_BYTES);
  const got = reader.read(bytes, 0, bytes.length);
  if (got === READ.more) return 'more';
  if (got === READ.refused) return reader.fault;
  return {
    ...reader.header!,
    tlvs: reader.header!.tlvs.map(({ type, value }) => ({ type, value: value.slice() })),
  };
}

const joined = (...parts: readonly (Uint8Array | readonly number[])[]) =>
  Uint8Array.from(parts.flatMap((part) => [...part]));
const block = (command: number, family: number, length: number, ...rest: (Uint8Array | number[])[]) =>
  joined(V2_SIGNATURE, [command, family, length >> 8, length & 255], ...rest);
const zeros = (length: number) => new Uint8Array(length);
const v4: Ends = {
  source: { host: '192.0.2.1', port: 56_324 },
  destination: { host: '198.51.100.7', port: 443 },
};

test('version 1: lines of the specification', () => {
  const rows: [string, string, number][] = [
    ['PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n', '255.255.255.255', 65_535],
    ['PROXY TCP6 ffff:f::ffff ffff:f::ffff 65535 65535\r\n', 'ffff:f::ffff', 65_535],
    ['PROXY TCP6 ::ffff:10.0.0.1 ::1 0 1\r\n', '10.0.0.1', 0],
  ];
  for (const [line, host, port] of rows) {
    const header = read(joined(ascii(line), TUNNEL));
    assert.ok(typeof header === 'object', line);
    assert.deepEqual(header.source, { host, port });
  }
  const longest = `PROXY UNKNOWN ${'f'.repeat(91)}\r\n`;
  assert.equal(longest.length, 107);
  for (const line of ['PROXY UNKNOWN\r\n', 'PROXY UNKNOWN ffff::1 x 1 2 3\r\n', longest])
    assert.deepEqual(read(ascii(line)), { version: 1, source: null, destination: null, tlvs: [] }, line);
});

test('version 1: what is refused, and when', () => {
  const malformed = 'a malformed PROXY line';
  const none = 'a PROXY line with an address that is none';
  const other = 'something else than a PROXY header';
  const rows: [string, string][] = [
    ['PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n', 'a PROXY line that ends without CR'],
    ['PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r', 'more'],
    ['PROXY TCP4 1.2.3.4 5.6.7.8 1 2', 'more'],
    ['PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n', malformed],
    ['PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n', malformed],
    ['PROXY TCP4  1.2.3.4 5.6.7.8 1 2\r\n', malformed],
    ['PROXY TCP4 1.2.3.4 5.6.7.8 1 2 \r\n', malformed],
    ['PROXY TCP5 1.2.3.4 5.6.7.8 1 2\r\n', malformed],
    ['PROXY tcp4 1.2.3.4 5.6.7.8 1 2\r\n', malformed],
    ['PROXY \r\n', malformed],
    ['PROXY TCP4 01.2.3.4 5.6.7.8 1 2\r\n', none],
    ['PROXY TCP4 1.2.3 5.6.7.8 1 2\r\n', none],
    ['PROXY TCP4 ::1 ::1 1 2\r\n', none],
    ['PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n', none],
    ['PROXY TCP6 fe80::1%lo ::1 1 2\r\n', none],
    ['PROXY TCP4 1.2.3.4 5.6.7.8 65536 2\r\n', none],
    ['PROXY TCP4 1.2.3.4 5.6.7.8 -1 2\r\n', none],
    ['PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n', none],
    [`PROXY UNKNOWN ${'f'.repeat(92)}\r\n`, 'a PROXY line of more than 107 bytes'],
    ['PROXY TCP4 '.padEnd(107, '1'), 'a PROXY line of more than 107 bytes'],
    ['PROXY TCP4 '.padEnd(106, '1'), 'more'],
    ['PROXZ', other],
    ['PROXY\r\n', other],
    ['GET / HTTP/1.1\r\n', other],
    ['\r\n\r\n\0\r\nQUIX', other],
    ['', 'more'],
  ];
  for (const [line, wanted] of rows) assert.equal(read(ascii(line)), wanted, JSON.stringify(line));
});

test('version 2: lengths are checked before anything is read', () => {
  const short = 'a PROXY header that is too short for its addresses';
  const tlv = 'a PROXY header with a field that goes past its end';
  const rows: [string, Uint8Array, string | 'header'][] = [
    ['TCP over IPv4', block(0x21, 0x11, 12, zeros(12)), 'header'],
    ['one byte is missing', block(0x21, 0x11, 12, zeros(11)), 'more'],
    ['nothing behind the head', block(0x21, 0x11, 12), 'more'],
    ['IPv4 in 11 bytes', block(0x21, 0x11, 11, zeros(99)), short],
    ['IPv6 in 12 bytes', block(0x21, 0x21, 12, zeros(99)), short],
    ['a Unix path in 215 bytes', block(0x21, 0x31, 215, zeros(300)), short],
    ['a Unix path in 216', block(0x21, 0x31, 216, zeros(216)), 'header'],
    ['no length', block(0x21, 0x11, 0, zeros(99)), short],
    ['longer than is taken', block(0x21, 0x11, 65_535), 'a PROXY header of 65551 bytes, which is too many'],
    ['the longest', block(0x21, 0x11, MOST_BYTES - 16, zeros(12), [4, 7, 0xe1], zeros(2017)), 'header'],
    ['a field cut in its head', block(0x21, 0x11, 14, zeros(12), [4, 0, 9]), tlv],
    ['a field longer than the rest', block(0x21, 0x11, 16, zeros(12), [4, 0, 2, 0], zeros(9)), tlv],
    ['a field of 65535', block(0x21, 0x11, 15, zeros(12), [4, 255, 255], zeros(99)), tlv],
    ['empty fields', block(0x21, 0x11, 18, zeros(12), [4, 0, 0, 0xe0, 0, 0]), 'header'],
    ['version 3', block(0x31, 0x11, 12, zeros(12)), 'a PROXY header of an unknown version or command'],
    ['command 2', block(0x22, 0x11, 12, zeros(12)), 'a PROXY header of an unknown version or command'],
    ['family 4', block(0x21, 0x41, 216, zeros(216)), 'a PROXY header of an unknown family'],
    ['transport 3', block(0x21, 0x13, 12, zeros(12)), 'a PROXY header of an unknown family'],
    ['UDP', block(0x21, 0x12, 12, zeros(12)), 'a PROXY header for datagrams'],
  ];
  for (const [name, bytes, wanted] of rows) {
    const got = read(bytes);
    assert.equal(typeof got === 'string' ? got : 'header', wanted, name);
  }
});

test('version 2: LOCAL and UNSPEC leave the connection its own addresses, whatever follows', () => {
  const silent = { version: 2, source: null, destination: null, tlvs: [] };
  for (const bytes of [block(0x20, 0, 0), block(0x20, 0x11, 3, zeros(3)), block(0x20, 0xff, 4, [9, 9, 9, 9])])
    assert.deepEqual(read(joined(bytes, TUNNEL)), silent);
  assert.deepEqual(read(block(0x21, 0, 0)), silent);
  assert.deepEqual(read(block(0x21, 0, 5, zeros(5))), silent);
  const reader = new ProxyHeaderReader(MOST_BYTES);
  const bytes = joined(block(0x20, 0, 3, zeros(3)), TUNNEL);
  assert.equal(reader.read(bytes, 0, bytes.length), READ.done);
  assert.equal(reader.next, 19, 'the block is taken off to its last byte, and not one of the tunnel');
});

test('version 2: the checksum, if there is one', () => {
  // RFC 3720 B.4: 32 bytes of zeros.
  assert.equal(crc32c(zeros(32), 0, 32, 0), 0x8a9136aa);
  const whole = withChecksum(writeVersion2(v4, [{ type: 2, value: ascii('example.com') }]));
  assert.equal(typeof read(whole), 'object');
  for (let i = 16; i < whole.length - 7; i++) {
    const broken = whole.slice();
    broken[i] = broken[i]! ^ 64;
    assert.equal(typeof read(broken), 'string', `byte ${i}`);
  }
  const short = block(0x21, 0x11, 17, zeros(12), [3, 0, 2, 0, 0]);
  assert.equal(read(short), 'a PROXY header whose checksum is wrong');
});

test('what is written is read back', () => {
  const port = fc.integer({ min: 0, max: 65_535 });
  const four = fc.tuple(fc.ipV4(), port).map(([host, number]) => ({ host, port: number }));
  const six = fc
    .tuple(fc.uint8Array({ minLength: 16, maxLength: 16 }), port)
    .map(([bytes, number]) => ({ host: ipv6HostOf(bytes, 0).text, port: number }));
  const path = fc.stringMatching(/^[@/][a-z./]{1,100}$/).map((host) => ({ host, port: 0 }));
  const address = fc.oneof(four, six);
  const tlvs = fc.array(
    fc
      .tuple(fc.constantFrom(1, 2, 4, 5, 0x20, 0xe0), fc.uint8Array({ maxLength: 40 }))
      .map(([type, value]) => ({ type, value })),
    { maxLength: 6 },
  );
  fc.assert(
    fc.property(address, address, tlvs, fc.boolean(), (source, destination, fields, hasSum) => {
      const ends = { source, destination };
      const line = read(joined(writeVersion1(ends), TUNNEL));
      assert.deepEqual(line, { version: 1, source, destination, tlvs: [] });
      const written = writeVersion2(ends, fields);
      const got = read(joined(hasSum ? withChecksum(written) : written, TUNNEL)) as ProxyHeader;
      assert.deepEqual([got.source, got.destination], [source, destination]);
      assert.deepEqual(
        got.tlvs.filter(({ type }) => type !== 3),
        fields,
      );
    }),
    { numRuns: 200 },
  );
  fc.assert(
    fc.property(path, path, (source, destination) => {
      const got = read(writeVersion2({ source, destination })) as ProxyHeader;
      assert.deepEqual([got.source, got.destination], [source, destination]);
      assert.equal((read(writeVersion1({ source, destination })) as ProxyHeader).source, null);
    }),
    { numRuns: 50 },
  );
  for (const header of [
    writeVersion1(null),
    writeVersion2(null),
    writeVersion2({ ...v4, source: { host: '', port: 0 } }),
  ])
    assert.equal((read(header) as ProxyHeader).source, null);
});

test('the bytes of the specification', () => {
  assert.equal(Buffer.from(writeVersion1(v4)).toString(), 'PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n');
  assert.equal(
    Buffer.from(writeVersion2(v4)).toString('hex'),
    `0d0a0d0a000d0a515549540a${'21'}${'11'}${'000c'}c0000201c6336407dc0401bb`,
  );
  assert.equal(Buffer.from(writeVersion2(null)).toString('hex'), '0d0a0d0a000d0a515549540a20000000', 'LOCAL');
});
