// Goal: the server name of any hello that a TLS client may send, and of no other. Method: hellos made to measure in all
// records and pieces, and those that Node's own TLS sends.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { type ConnectionOptions, connect } from 'node:tls';
import { READ } from '../reading.ts';
import { ascii } from '../testing/converse.ts';
import {
  craftHello,
  craftMessage,
  ENCRYPTED_HELLO,
  GREASE,
  type HelloParts,
  inRecords,
  serverNameBytes,
} from '../testing/crafted-hello.ts';
import { ALERT, type ClientHello, ClientHelloReader } from './client-hello.ts';
import { sni } from './sni.ts';

const MOST_BYTES = 16_384;

function read(bytes: Uint8Array): ClientHello | string {
  const reader = new ClientHelloReader(MOST_BYTES);
  const got = reader.read(bytes, 0, bytes.length);
  if (got === READ.more) return 'more';
  return got === READ.refused ? `${reader.alert} ${reader.fault}` : reader.hello!;
}

const nameOf = (parts: HelloParts) => {
  const hello = read(craftHello(parts));
  return typeof hello === 'string' ? hello : (hello.serverName?.text ?? null);
};
const named = (name: string): HelloParts => ({ serverNames: [{ name }] });

test('the name, in one spelling', () => {
  const rows: [string, string][] = [
    ['example.com', 'example.com'],
    ['eXaMpLe.COM', 'example.com'],
    ['example.com.', 'example.com'],
    [`${'a.'.repeat(126)}b`, `${'a.'.repeat(126)}b`],
  ];
  for (const [name, text] of rows) assert.equal(nameOf(named(name)), text);
  assert.equal(nameOf({}), null, 'no extension, no name');
});

test('names that are none', () => {
  const none = `${ALERT.illegalParameter} a server name that is none`;
  for (const name of [
    '10.0.0.1',
    '0177.0.0.1',
    '127.1',
    '::1',
    'a\0.com',
    'a b',
    '',
    '.',
    'a..b',
    '*.a',
    'é.de',
  ])
    assert.match(String(nameOf(named(name))), /^(47 a server name that is none|50 a broken hello)$/, name);
  assert.equal(nameOf(named('10.0.0.1')), none);
  const two = `${ALERT.illegalParameter} two server names`;
  assert.equal(nameOf({ serverNames: [{ name: 'a.com' }, { name: 'b.com' }] }), two);
  const other = { type: 0, bytes: serverNameBytes([{ name: 'b.com' }]) };
  assert.equal(nameOf({ ...named('a.com'), others: [other] }), two, 'two extensions');
  assert.equal(nameOf({ serverNames: [{ type: 1, name: 'a.com' }] }), '47 a server name of an unknown type');
});

test('GREASE and ECH are passed over, and ECH is told', () => {
  const grease = { type: GREASE, bytes: Uint8Array.of(0) };
  const ech = { type: ENCRYPTED_HELLO, bytes: new Uint8Array(200) };
  const hello = (others: HelloParts['others']) => read(craftHello({ ...named('front.example'), others }));
  assert.deepEqual(hello([grease, grease]), {
    serverName: { kind: 'name', text: 'front.example' },
    hasEncryptedHello: false,
  });
  assert.deepEqual(hello([grease, ech]), {
    serverName: { kind: 'name', text: 'front.example' },
    hasEncryptedHello: true,
  });
});

test('in records of every size, with the key share of ML-KEM', () => {
  const message = craftMessage({ ...named('example.com'), keyShareBytes: 1900 });
  assert.ok(message.length > 2000, `${message.length} bytes`);
  const names = new Set<string>();
  for (let size = 1; size <= message.length; size += size < 64 ? 1 : 61) {
    const hello = read(inRecords(message, size));
    names.add(typeof hello === 'string' ? `${size}: ${hello}` : hello.serverName!.text);
  }
  assert.deepEqual([...names], ['example.com']);
});

test('every prefix of a hello wants more, whatever its records', () => {
  for (const recordBytes of [1, 3, 100, 1 << 14]) {
    const bytes = craftHello({ ...named('example.com'), recordBytes });
    for (let end = 0; end < bytes.length; end++) assert.equal(read(bytes.subarray(0, end)), 'more', `${end}`);
  }
});

test('what is not TLS, and what is broken', () => {
  const good = craftHello(named('example.com'));
  const changed = (at: number, ...bytes: number[]) => {
    const copy = good.slice();
    copy.set(bytes, at);
    return copy;
  };
  const rows: [string, Uint8Array, string][] = [
    ['HTTP', ascii('GET / HTTP/1.1\r\n'), '0 something else than TLS'],
    ['SSL 2', Uint8Array.of(0x80, 46, 1, 3, 1), '0 something else than TLS'],
    ['SSH', ascii('SSH-2.0-x'), '0 something else than TLS'],
    ['an alert', Uint8Array.of(21, 3, 3, 0, 2, 2, 40), '0 something else than TLS'],
    ['version 4', Uint8Array.of(22, 4), '0 something else than TLS'],
    ['a record of nothing', Uint8Array.of(22, 3, 1, 0, 0), '0 a record of an impossible length'],
    ['a record of 16 385', Uint8Array.of(22, 3, 1, 64, 1), '0 a record of an impossible length'],
    ['a ServerHello', changed(5, 2), '10 another message than a hello'],
    ['an alert amid the hello', Uint8Array.of(22, 3, 1, 0, 1, 1, 21), '10 a broken hello'],
    ['a session id too long', changed(5 + 38, 255), '50 a broken hello'],
    ['16 MB', changed(6, 255, 255, 255), '40 a hello of more than 16384 bytes'],
    ['extensions too short', changed(5 + 4 + 34 + 33 + 8 + 2, 0, 1), '50 a broken hello'],
    ['a message that ends early', changed(8, 4), '50 a broken hello'],
  ];
  for (const [name, bytes, wanted] of rows) assert.equal(read(bytes), wanted, name);
  // A hello of TLS 1.0 may end behind its compressions.
  const plain = Uint8Array.of(1, 0, 0, 41, 3, 1, ...new Uint8Array(32), 0, 0, 2, 0, 47, 1, 0);
  assert.deepEqual(read(inRecords(plain)), { serverName: null, hasEncryptedHello: false });
});

test('a hello that never ends is refused at its limit', () => {
  const message = craftMessage({ ...named('example.com'), keyShareBytes: 15_000 });
  const tiny = inRecords(message, 1);
  assert.equal(read(tiny.subarray(0, MOST_BYTES - 1)), 'more');
  assert.equal(read(tiny.subarray(0, MOST_BYTES)), '40 a hello of more than 16384 bytes');
  assert.equal(read(tiny), '40 a hello of more than 16384 bytes');
});

test("the way: the hello is the tunnel's own, and refusals are alerts", () => {
  const bytes = craftHello(named('Example.com.'));
  const step = sni.begin({ headBytes: MOST_BYTES, asksWho: false }).step(bytes, 0, bytes.length);
  assert.ok(step.kind === 'wants');
  assert.deepEqual([step.consumed, step.sni, step.destination], [0, 'example.com', null]);
  assert.deepEqual([...step.refused('not-allowed')], [21, 3, 3, 0, 2, 2, 49]);
  assert.equal(step.established({ host: '', port: 0 }).length, 0);
});

test("hellos of Node's own TLS, with ML-KEM and without", async () => {
  const rows: [ConnectionOptions, string | null][] = [
    [{ servername: 'Node.Example' }, 'node.example'],
    [{ servername: 'old.example', maxVersion: 'TLSv1.2' }, 'old.example'],
    [{ servername: 'kem.example', ecdhCurve: 'X25519MLKEM768' }, 'kem.example'],
    [{ servername: '' }, null],
  ];
  for (const [options, wanted] of rows) {
    const hello = await helloOf(options);
    if (options.ecdhCurve) assert.ok(hello.length > 1200, `${hello.length} bytes`);
    const got = read(hello);
    assert.ok(typeof got === 'object', String(got));
    assert.equal(got.serverName?.text ?? null, wanted);
  }
});

/** The first bytes of a client that nobody answers. */
async function helloOf(options: ConnectionOptions): Promise<Uint8Array> {
  const sent: Buffer[] = [];
  const wire = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      sent.push(chunk);
      done();
      wire.emit('sent');
    },
  });
  const client = connect({ socket: wire, ...options });
  client.on('error', () => {});
  while (typeof read(Buffer.concat(sent)) === 'string') await once(wire, 'sent');
  client.destroy();
  return Buffer.concat(sent);
}
