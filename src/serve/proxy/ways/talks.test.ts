// Goal: a PROXY header is taken from trusted peers, demanded of them, and taken from nobody else. Method: the same bytes
// from peers inside and outside the ranges.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { writeVersion1, writeVersion2 } from './proxy-header/write-header.ts';
import { wayNamed } from './registry.ts';
import { Talks } from './talks.ts';
import { ascii } from './testing/converse.ts';
import type { Endpoint, Way, WayStep } from './way.ts';

const LIMITS = { headBytes: 4096, asksWho: false };
const ENDS = { source: { host: '192.0.2.1', port: 7 }, destination: { host: '192.0.2.2', port: 8 } };
const CONNECT = ascii('CONNECT a.example:443 HTTP/1.0\r\n\r\n');

/** Steps up to the one that ends the talk, bytes dropped as the core does. */
function steps(way: Way['name'], proxyFrom: string[], peer: Endpoint, ...sent: Uint8Array[]): WayStep[] {
  const bytes = Uint8Array.from(sent.flatMap((part) => [...part]));
  const talk = new Talks(wayNamed(way), LIMITS, proxyFrom).begin(peer);
  const made: WayStep[] = [];
  for (let start = 0; talk !== null; ) {
    const step = talk.step(bytes, start, bytes.length);
    made.push(step);
    if (step.kind === 'more' || step.kind === 'wrong' || step.kind === 'wants') return made;
    start += step.consumed;
  }
  return made;
}

const kinds = (...args: Parameters<typeof steps>) => steps(...args).map(({ kind }) => kind);
const from = (host: string): Endpoint => ({ host, port: 1 });
const TRUSTED = ['10.0.0.0/8', '2001:db8::/32', '127.0.0.1'];

test('from a trusted peer: the header, and then the way', () => {
  for (const header of [writeVersion1(ENDS), writeVersion2(ENDS)]) {
    for (const host of ['10.1.2.3', '2001:db8::9', '127.0.0.1']) {
      const [source, wants] = steps('connect', TRUSTED, from(host), header, CONNECT);
      assert.ok(source?.kind === 'source' && wants?.kind === 'wants', host);
      assert.deepEqual([source.source, source.destination], [ENDS.source, ENDS.destination]);
      assert.deepEqual(wants.destination, { host: 'a.example', port: 443 });
      assert.equal(source.consumed + wants.consumed, header.length + CONNECT.length);
    }
  }
  assert.deepEqual(kinds('tcp', TRUSTED, from('10.0.0.1'), writeVersion2(null)), ['source', 'wants']);
  assert.deepEqual(kinds('tcp', TRUSTED, from('10.0.0.1'), writeVersion2(ENDS).subarray(0, 20)), ['more']);
});

test('a trusted peer without a header is refused: nothing is guessed', () => {
  assert.deepEqual(kinds('connect', TRUSTED, from('10.0.0.1'), CONNECT), ['wrong']);
  assert.deepEqual(kinds('tcp', TRUSTED, from('10.0.0.1'), ascii('GET / HTTP/1.1\r\n')), ['wrong']);
});

test("what another peer sends is the client's own", () => {
  const header = writeVersion1(ENDS);
  for (const host of ['11.0.0.1', '2001:db9::1', '127.0.0.2', ''])
    assert.deepEqual(kinds('connect', TRUSTED, from(host), header, CONNECT), ['wrong'], host);
  assert.deepEqual(kinds('connect', [], from('10.0.0.1'), CONNECT), ['wants']);
  assert.deepEqual(kinds('tcp', TRUSTED, from('11.0.0.1'), header), [], 'its bytes are not even looked at');
});

test('one header, not two', () => {
  const header = writeVersion1(ENDS);
  assert.deepEqual(kinds('connect', TRUSTED, from('10.0.0.1'), header, header, CONNECT), ['source', 'wrong']);
});

test('peers on Unix sockets are trusted by name alone', () => {
  const header = writeVersion1(ENDS);
  for (const host of ['', '/run/peer.sock', '@peer']) {
    assert.deepEqual(kinds('connect', ['unix'], from(host), header, CONNECT), ['source', 'wants'], host);
    assert.deepEqual(kinds('connect', ['0.0.0.0/0', '::/0'], from(host), CONNECT), ['wants'], host);
  }
  assert.deepEqual(kinds('connect', ['unix'], from('10.0.0.1'), CONNECT), ['wants']);
});
