// Goal: --fields says what it takes, refuses what it does not by name, and is proposed for a log that is not known.
// Method: tables.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LoopscopeError } from '../../../../base/errors.ts';
import { fieldText } from '../../lines/field-text.ts';
import { createLogEntry, FIELD } from '../../lines/log-entry.ts';
import { REFUSAL } from '../../lines/refusal.ts';
import { recognise } from '../recognise.ts';
import { parseFieldSpec } from './field-spec.ts';
import { guessFields } from './guess-fields.ts';
import { json } from './json.ts';

const REFUSED: [text: string, message: RegExp, hint: RegExp][] = [
  ['', /"" is not a field and its key/, /write time=ts/],
  ['time', /"time" is not a field and its key/, /write time=ts/],
  ['time=', /"time=" is not a field/, /write/],
  ['tiem=ts', /"tiem" is not a field/, /did you mean time\? there are time, start/],
  ['x=y', /"x" is not a field/, /^there are time/],
  ['time=a,time=b', /time is in it twice/, /once/],
  ['duration=d', /duration needs its unit/, /write duration:ms=d/],
  ['duration:h=d', /"h" is not a unit/, /s, ms, us and ns/],
  ['duration:toString=d', /"toString" is not a unit/, /s, ms, us and ns/],
  ['time:ms=t', /only duration has a unit/, /write time=t/],
  ['time=a,start=b', /time stands beside start/, /start, end or both/],
];

for (const [text, message, hint] of REFUSED) {
  test(`--fields '${text}' is refused`, () => {
    assert.throws(
      () => parseFieldSpec(text),
      (error) => error instanceof LoopscopeError && message.test(error.message) && hint.test(error.hint),
    );
  });
}

test('a format without fields, without time or without request is refused', () => {
  assert.throws(() => json.createParser({}), /which key holds what is not said/);
  assert.throws(() => json.createParser({ fields: 'method=m,path=p' }), /no time is in it/);
  assert.throws(() => json.createParser({ fields: 'time=t,method=m' }), /method and path are not in it/);
});

type Read = { startMs: number; tookMs: number; path: string | null; client: string | null; port: number };

function read(fields: string, value: unknown): Read | number {
  const parser = json.createParser({ fields });
  const entry = createLogEntry(parser.escapes);
  const bytes = Buffer.from(`2026-11-29 stdout ${JSON.stringify(value)}`);
  const refusal = parser.parse(bytes, 0, bytes.length, entry);
  if (refusal !== REFUSAL.none) return refusal;
  const stampMs = (entry.stampSec % 1000) * 1000 + entry.stampSubNs / 1e6;
  const startMs = parser.stamped === 'end' ? stampMs - entry.durationNs / 1e6 : stampMs;
  const [path, client] = [FIELD.path, FIELD.client].map((field) => fieldText(entry, field));
  return { startMs, tookMs: entry.durationNs / 1e6, path: path!, client: client!, port: entry.port };
}

test('values are found behind what a container writes; start and end give the duration; a client may have its port', () => {
  assert.deepEqual(
    read('start=a,end=b,request=r,client=c,port=c', {
      a: '2026-11-29T07:04:55.250Z',
      b: '2026-11-29T07:04:56Z',
      r: 'GET /x?y HTTP/1.1',
      c: '[::1]:4711',
    }),
    { startMs: 895_250, tookMs: 750, path: '/x?y', client: '::1', port: 4711 },
  );
  assert.deepEqual(
    read('time=t,duration:us=d,method=m,path=p,client=c', {
      t: 1795935895.5,
      d: 2500,
      m: 'GET',
      p: 'http://a.example/z',
      c: 'fe80::1:2',
    }),
    { startMs: 895_497.5, tookMs: 2.5, path: '/z', client: 'fe80::1:2', port: 0 },
  );
});

const LACKING: [name: string, value: object, refusal: number][] = [
  ['no time', { m: 'GET', p: '/' }, REFUSAL.time],
  ['a time that is null', { t: null, m: 'GET', p: '/' }, REFUSAL.time],
  ['a time too large', { t: '1e999', m: 'GET', p: '/' }, REFUSAL.time],
  ['no method', { t: 1795935895, p: '/' }, REFUSAL.request],
  ['a path that is an object', { t: 1795935895, m: 'GET', p: {} }, REFUSAL.request],
];

for (const [name, value, refusal] of LACKING) {
  test(`a line with ${name} is refused as that`, () => {
    assert.equal(read('time=t,method=m,path=p', value), refusal);
  });
}

const GUESSES: [line: object, guess: string | null][] = [
  [
    {
      '@timestamp': 'x',
      http: { request: { method: 'GET' }, response: { status_code: 200 } },
      url: '/',
      responseTime: 3,
    },
    'time=@timestamp,duration:ms=responseTime,method=http.request.method,path=url,status=http.response.status_code',
  ],
  [
    { ts: 1.5, request: 'GET / HTTP/1.1', took: 0.25, remote_addr: '::1' },
    'time=ts,duration:s=took,request=request,client=remote_addr',
  ],
  [{ start_time: 1, time: 2, method: 'GET', path: '/' }, 'start=start_time,method=method,path=path'],
  [{ level: 'info', msg: 'started' }, null],
];

for (const [line, guess] of GUESSES) {
  test(`--fields proposed for a line with ${Object.keys(line).join(', ')}`, () => {
    assert.equal(guessFields(JSON.stringify(line)), guess);
  });
}

test('nothing is proposed for what is no JSON, and a log that is not known is proposed its fields', () => {
  assert.equal(guessFields('{"ts":1'), null);
  const line = '{"ts":1795935895.5,"verb":"GET","url":"/a"}\n';
  assert.throws(
    () => recognise(Buffer.from(line), {}),
    (error) => error instanceof LoopscopeError && /--fields time=ts,method=verb,path=url/.test(error.hint),
  );
});
