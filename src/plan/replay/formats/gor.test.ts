// Goal: a recorded request is taken apart as it went over the wire. Method: single payloads.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldText } from '../lines/field-text.ts';
import { createLogEntry, FIELD } from '../lines/log-entry.ts';
import { REFUSAL } from '../lines/refusal.ts';
import { gor } from './gor.ts';

const parser = gor.createParser({ sessionHeader: 'X-User' });
const entry = createLogEntry(parser.escapes);

function parse(http: string, stamp = '1795935895123456789') {
  const bytes = Buffer.from(`1 ${'a'.repeat(24)} ${stamp} 0\n${http}`, 'latin1');
  const refusal = parser.parse(bytes, 0, bytes.length, entry);
  const carried = Buffer.from(entry.carried);
  return {
    refusal,
    head: carried.toString('latin1', entry.headStart, entry.headEnd),
    body: carried.toString('latin1', entry.bodyStart, entry.bodyEnd),
  };
}

test('head lines, body and the fields that logs have', () => {
  const head = 'Host: a.example\r\nuser-agent:curl/8 \r\nX-User: 7\r\nContent-Length: 6\r\n';
  const got = parse(`POST /a\\x?b=1 HTTP/1.1\r\n${head}\r\na\r\nb\0c`);
  assert.deepEqual(got, { refusal: REFUSAL.none, head, body: 'a\r\nb\0c' });
  assert.equal(entry.stampSubNs, 123_456_789);
  assert.equal(entry.grainNs, 1);
  const texts = [FIELD.method, FIELD.path, FIELD.host, FIELD.userAgent, FIELD.session];
  assert.deepEqual(
    texts.map((field) => fieldText(entry, field)),
    ['POST', '/a\\x?b=1', 'a.example', 'curl/8', '7'],
  );
});

test('a chunked body is put together', () => {
  const head = 'Host: a\r\nTransfer-Encoding: chunked\r\n';
  const chunked = `POST / HTTP/1.1\r\n${head}\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n`;
  assert.deepEqual(parse(chunked), { refusal: REFUSAL.none, head, body: 'abc0123456789' });
  assert.equal(parse(`POST / HTTP/1.1\r\n${head}\r\nzz\r\nabc`).refusal, REFUSAL.layout);
});

const HOSTILE: [name: string, http: string, refusal: number][] = [
  ['no HTTP', 'hello', REFUSAL.request],
  ['nothing', '', REFUSAL.request],
  ['a head that was cut', 'GET / HTTP/1.1\r\nHost: a.exam', REFUSAL.none],
  ['line ends of Unix', 'GET / HTTP/1.1\nHost: a\n\nbody', REFUSAL.none],
  ['a path with a control character', 'GET /\x01 HTTP/1.1\r\n\r\n', REFUSAL.request],
];

for (const [name, http, refusal] of HOSTILE) {
  test(`recorded: ${name}`, () => assert.equal(parse(http).refusal, refusal));
}
