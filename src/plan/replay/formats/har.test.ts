// Goal: an entry of a HAR file becomes the request that the browser sent, and hostile ones are refused by their reason.
// Method: entries with one thing changed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldText } from '../lines/field-text.ts';
import { createLogEntry, FIELD } from '../lines/log-entry.ts';
import { REFUSAL, type Refusal } from '../lines/refusal.ts';
import { har } from './har.ts';
import { recognise } from './recognise.ts';

const parser = har.createParser({ sessionHeader: 'X-User' });
const entry = createLogEntry(parser.escapes);

const GOOD = {
  startedDateTime: '2026-11-29T07:04:55.123Z',
  time: 50,
  request: {
    method: 'POST',
    url: 'https://a.example/x?y=1#part',
    headers: [
      { name: ':authority', value: 'a.example' },
      { name: 'user-agent', value: 'Mozilla/5.0 é' },
      { name: 'X-User', value: '7' },
    ],
    postData: { mimeType: 'text/plain', text: 'grüße\0' },
  },
  response: { status: 201, bodySize: -1, content: { size: 34 } },
  timings: { blocked: 30, send: 1, wait: 10.5, receive: 2 },
  connection: '443',
};

function parse(value: unknown): Refusal {
  const bytes = Buffer.from(`##${typeof value === 'string' ? value : JSON.stringify(value)}##`);
  return parser.parse(bytes, 2, bytes.length - 2, entry);
}

const carried = (start: number, end: number) => Buffer.from(entry.carried.subarray(start, end)).toString();

test('request, headers, body, and the reply that came', () => {
  assert.equal(parse(GOOD), REFUSAL.none);
  const fields = [FIELD.method, FIELD.path, FIELD.host, FIELD.userAgent, FIELD.session, FIELD.connection];
  assert.deepEqual(
    fields.map((field) => fieldText(entry, field)),
    ['POST', '/x?y=1', 'a.example', 'Mozilla/5.0 é', '7', '443'],
  );
  assert.equal(carried(entry.headStart, entry.headEnd), 'user-agent: Mozilla/5.0 é\r\nX-User: 7\r\n');
  assert.equal(carried(entry.bodyStart, entry.bodyEnd), 'grüße\0');
  const { status, bodyBytes, durationNs, stampSubNs, grainNs } = entry;
  assert.deepEqual([status, bodyBytes, durationNs, stampSubNs, grainNs], [201, 34, 13.5e6, 123e6, 1e6]);
});

const BODIES: [name: string, postData: unknown, body: string][] = [
  ['none', undefined, ''],
  ['base64', { text: 'AAEC', encoding: 'base64' }, '\0\x01\x02'],
  ['the fields of a form alone', { params: [{ name: 'a', value: 'b c' }, { name: 'd' }, 3] }, 'a=b+c&d='],
  ['no text', { text: 5 }, ''],
];

for (const [name, postData, body] of BODIES) {
  test(`a body: ${name}`, () => {
    assert.equal(parse({ ...GOOD, request: { ...GOOD.request, postData } }), REFUSAL.none);
    assert.equal(carried(entry.bodyStart, entry.bodyEnd), body);
  });
}

const withRequest = (change: object) => ({ ...GOOD, request: { ...GOOD.request, ...change } });
const HOSTILE: [name: string, value: unknown, refusal: Refusal][] = [
  ['no JSON', '{"request":', REFUSAL.json],
  ['a list', [GOOD], REFUSAL.layout],
  ['null', null, REFUSAL.layout],
  ['no request', { ...GOOD, request: undefined }, REFUSAL.layout],
  ['a request of another type', { ...GOOD, request: 5 }, REFUSAL.request],
  ['no time', { ...GOOD, startedDateTime: undefined }, REFUSAL.time],
  ['a time of another type', { ...GOOD, startedDateTime: { a: 1 } }, REFUSAL.time],
  ['data:', withRequest({ url: 'data:text/plain,x' }), REFUSAL.aside],
  ['a WebSocket', withRequest({ url: 'wss://a.example/' }), REFUSAL.aside],
  ['an extension', withRequest({ url: 'chrome-extension://abc/x.js' }), REFUSAL.aside],
  ['no address', withRequest({ url: undefined }), REFUSAL.request],
  ['a space in the path', withRequest({ url: 'http://a/b c' }), REFUSAL.request],
  ['a method of another type', withRequest({ method: ['GET'] }), REFUSAL.request],
  [
    'a header that would be two',
    withRequest({ headers: [{ name: 'a', value: 'b\r\nc: d' }] }),
    REFUSAL.layout,
  ],
  [
    'a header name that would be two',
    withRequest({ headers: [{ name: 'a: b\nc', value: '' }] }),
    REFUSAL.layout,
  ],
  ['headers of another type', withRequest({ headers: { a: 1 } }), REFUSAL.none],
  ['timings of another type', { ...GOOD, timings: [], time: 'x', response: null }, REFUSAL.none],
];

for (const [name, value, refusal] of HOSTILE) {
  test(`an entry: ${name}`, () => assert.equal(parse(value), refusal));
}

test('a file is recognised, also where its first entry is longer than what is looked at', () => {
  const file = (value: object) =>
    Buffer.from(JSON.stringify({ log: { version: '1.2', entries: [value] } }, null, 1));
  assert.equal(recognise(file(GOOD), {})?.format.name, 'har');
  const long = { ...GOOD, response: { ...GOOD.response, content: { text: 'x'.repeat(200_000) } } };
  assert.equal(recognise(file(long), {})?.format.name, 'har');
});
