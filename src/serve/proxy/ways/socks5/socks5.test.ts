// Goal: SOCKS 5 as RFC 1928 and 1929 have it, each refusal with its own code. Method: talks as hexadecimal text.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ascii, converse } from '../testing/converse.ts';
import type { Refusal } from '../way.ts';
import { socks5 } from './socks5.ts';

const begin = (asksWho: boolean) => socks5.begin({ headBytes: 16_384, asksWho });
const bytesOf = (...parts: (string | number[])[]) =>
  Uint8Array.from(parts.flatMap((part) => (typeof part === 'string' ? [...ascii(part)] : part)));
const IPV4_REQUEST = [5, 1, 0, 1, 10, 0, 0, 7, 0, 80];

test('an address or a name, and the bytes behind', () => {
  const rows: [number[], string, number][] = [
    [[1, 10, 0, 0, 7, 0, 80], '10.0.0.7', 80],
    [[3, 11, ...ascii('Example.COM'), 1, 187], 'example.com', 443],
    [[3, 12, ...ascii('example.com.'), 1, 187], 'example.com', 443],
    [[3, 8, ...ascii('10.0.0.1'), 0, 80], '10.0.0.1', 80],
    [[3, 3, ...ascii('::1'), 0, 80], '::1', 80],
    [[4, 0x20, 1, 0xd, 0xb8, ...Array<number>(11).fill(0), 1, 255, 255], '2001:db8::1', 65_535],
    [[4, ...Array<number>(10).fill(0), 255, 255, 10, 0, 0, 1, 0, 80], '10.0.0.1', 80],
  ];
  for (const [address, host, port] of rows) {
    const talked = converse(begin(false), bytesOf([5, 1, 0, 5, 1, 0, ...address], 'tunnel'));
    assert.deepEqual(talked.said, [[5, 0]]);
    assert.deepEqual((talked.end as { destination: unknown }).destination, { host, port });
    assert.equal(talked.consumed, 6 + address.length, 'the tunnel begins behind the request');
  }
});

test('methods: a password where one is asked for and offered', () => {
  const rows: [boolean, number[], number[]][] = [
    [false, [0], [5, 0]],
    [false, [0, 1, 2], [5, 0]],
    [true, [0, 1, 2], [5, 2]],
    [true, [2], [5, 2]],
    // Known by his address, perhaps: the rules say.
    [true, [0], [5, 0]],
    [false, [2], [5, 255]],
    [true, [1], [5, 255]],
    [false, [], [5, 255]],
  ];
  for (const [asksWho, methods, reply] of rows) {
    const talked = converse(begin(asksWho), bytesOf([5, methods.length, ...methods]));
    const said = reply[1] === 255 ? (talked.end as { reply: number[] }).reply : talked.said[0];
    assert.deepEqual(said, reply, `${asksWho} ${methods}`);
    assert.equal(talked.end === 'more', reply[1] !== 255);
  }
});

test('name and password, then the request, also when all is sent ahead', () => {
  const all = bytesOf([5, 2, 0, 2, 1, 4], 'user', [6], 'secret', IPV4_REQUEST, 'tunnel');
  const talked = converse(begin(true), all);
  assert.deepEqual(talked.said, [
    [5, 2],
    [1, 0, 1, 1, ...ascii('user'), 0, ...ascii('secret')],
  ]);
  assert.equal(talked.consumed, all.length - 6);
  const empty = converse(begin(true), bytesOf([5, 1, 2, 1, 1], 'u', [0], IPV4_REQUEST));
  assert.deepEqual(
    empty.said[1],
    [1, 0, 1, 1, ...ascii('u'), 0],
    'an empty password is wrong or right as another is',
  );
});

test('each refusal has its code', () => {
  const request = (...bytes: number[]) => [5, 1, 0, ...bytes];
  const failed = (code: number) => [5, code, 0, 1, 0, 0, 0, 0, 0, 0];
  const rows: [string, boolean, number[], number[]][] = [
    ['SOCKS 4', false, [4, 1, 0, 80, 10, 0, 0, 1, 0], [5, 255]],
    ['HTTP', false, [...ascii('GET / HTTP/1.1\r\n\r\n')], [5, 255]],
    ['BIND', false, request(5, 2, 0, 1), failed(7)],
    ['UDP ASSOCIATE', false, request(5, 3, 0, 1), failed(7)],
    ['address type', false, request(5, 1, 0, 2, 0, 0), failed(8)],
    ['reserved byte', false, request(5, 1, 1, 1), failed(1)],
    ['version in the request', false, request(4, 1, 0, 1), failed(1)],
    ['port 0', false, request(5, 1, 0, 1, 10, 0, 0, 1, 0, 0), failed(1)],
    ['empty name', false, request(5, 1, 0, 3, 0, 0, 80), failed(1)],
    ['name with a NUL', false, request(5, 1, 0, 3, 3, 97, 0, 98, 0, 80), failed(1)],
    ['octal address', false, request(5, 1, 0, 3, 10, ...ascii('0177.0.0.1'), 0, 80), failed(1)],
    ['version of the password', true, [5, 1, 2, 5, 1], [1, 1]],
    ['empty user', true, [5, 1, 2, 1, 0], [1, 1]],
    ['user not UTF-8', true, [5, 1, 2, 1, 1, 255, 1, 97], [1, 1]],
  ];
  for (const [name, asksWho, bytes, reply] of rows) {
    const { end } = converse(begin(asksWho), Uint8Array.from(bytes));
    assert.deepEqual((end as { reply: number[] }).reply, reply, name);
  }
});

test('what became of the connection', () => {
  const talk = begin(false);
  const bytes = bytesOf([5, 1, 0], IPV4_REQUEST);
  talk.step(bytes, 0, 3);
  const wants = talk.step(bytes, 3, bytes.length);
  assert.ok(wants.kind === 'wants');
  const codes: Record<Refusal, number> = {
    'not-authenticated': 2,
    'not-allowed': 2,
    'no-such-host': 4,
    'connect-refused': 5,
    unreachable: 3,
    'timed-out': 6,
    'no-upstream': 1,
    internal: 1,
  };
  for (const [why, code] of Object.entries(codes))
    assert.deepEqual([...wants.refused(why as Refusal)], [5, code, 0, 1, 0, 0, 0, 0, 0, 0], why);
  assert.deepEqual([...wants.established({ host: '10.0.0.2', port: 258 })], [5, 0, 0, 1, 10, 0, 0, 2, 1, 2]);
  assert.deepEqual(
    [...wants.established({ host: '::1', port: 80 })],
    [5, 0, 0, 4, ...Array<number>(15).fill(0), 1, 0, 80],
  );
  assert.deepEqual([...wants.established({ host: '/run/x.sock', port: 0 })], [5, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
});
