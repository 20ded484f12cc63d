// Goal: a reply passes exactly the checks it should. Method: a table of checks as a user writes them, with replies that
// pass and replies that do not, and the reason that is then counted.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileCheck } from '../scenario/compile-check.ts';
import type { ScenarioChecks } from '../scenario/scenario.ts';
import { captureBytesOf, checkReply, readsHeaders } from './check.ts';

type Reply = { status?: number; headers?: string; body?: string };

const reasonFor = (checks: ScenarioChecks, { status = 200, headers = '', body = '' }: Reply) =>
  checkReply(compileCheck(checks, 'checks').check, {
    status,
    headerText: `HTTP/1.1 ${status} X\r\n${headers}\r\n`,
    body: Buffer.from(body),
  });

const ROWS: [name: string, checks: ScenarioChecks, good: Reply[], bad: Reply[], reason: string][] = [
  [
    'default',
    {},
    [{}, { status: 304 }, { status: 0 }],
    [{ status: 400 }, { status: 503 }],
    'status 400 or above',
  ],
  ['status', { status: 201 }, [{ status: 201 }], [{}, { status: 202 }], 'status not 201'],
  [
    'statuses',
    { status: ['2xx', '400-404', 500] },
    [{ status: 299 }, { status: 400 }, { status: 404 }, { status: 500 }],
    [{ status: 199 }, { status: 300 }, { status: 405 }, { status: 501 }],
    'status not 2xx, 400-404, 500',
  ],
  [
    'header present',
    { headers: { 'X-Cache': true } },
    [{ headers: 'x-cache:\r\n' }, { headers: 'A: b\r\nX-CACHE: HIT\r\n' }],
    [{}, { headers: 'X-Cache-Key: 1\r\n' }, { headers: 'A: X-Cache: 1\r\n' }],
    'no header X-Cache',
  ],
  ['header absent', { headers: { Age: false } }, [{}], [{ headers: 'age: 1\r\n' }], 'header Age is there'],
  [
    'header equals',
    { headers: { 'X-Cache': 'HIT' } },
    [{ headers: 'X-Cache:  HIT  \r\n' }, { headers: 'X-Cache: MISS\r\nX-Cache: HIT\r\n' }],
    [{}, { headers: 'X-Cache: hit\r\n' }, { headers: 'X-Cache: HIT, MISS\r\n' }],
    'header X-Cache not "HIT"',
  ],
  [
    'header matches',
    { headers: { 'Content-Type': { matches: '^text/' } } },
    [{ headers: 'content-type: text/html\r\n' }],
    [{}, { headers: 'Content-Type: application/text/\r\n' }],
    'header Content-Type does not match "^text/"',
  ],
  ['equals', { body: { equals: 'pöng' } }, [{ body: 'pöng' }], [{ body: 'pöng ' }, {}], 'body not "pöng"'],
  ['contains', { body: { contains: ['a', 'b'] } }, [{ body: 'xbxa' }], [{ body: 'b' }], 'body without "a"'],
  [
    'bytes',
    { body: { bytes: { min: 2, max: 3 } } },
    [{ body: 'ab' }, { body: 'abc' }],
    [{ body: 'a' }, { body: 'abcd' }],
    'body not 2 to 3 bytes',
  ],
  [
    'json',
    { body: { json: { '$.a.b[1]': { x: 1, y: [null, 'z'] } } } },
    [{ body: '{"a":{"b":[0,{"y":[null,"z"],"x":1}]}}' }],
    [
      { body: '{"a":{"b":[0,{"y":["z",null],"x":1}]}}' },
      { body: '{"a":{"b":[0]}}' },
      { body: '{"a":{"b":{"1":{"x":1,"y":[null,"z"]}}}}' },
      { body: 'not json' },
      { body: '' },
    ],
    'body $.a.b[1] not {"x":1,"y":[null,"z"]}',
  ],
  [
    'has',
    { body: { has: ["$['odd key']", '$.n'] } },
    [{ body: '{"odd key":1,"n":null}' }],
    [{ body: '{"n":1}' }, { body: '[]' }, { body: 'null' }],
    "body without $['odd key']",
  ],
  [
    'prototype',
    { body: { has: '$.constructor' } },
    [{ body: '{"constructor":1}' }],
    [{ body: '{}' }],
    'body without $.constructor',
  ],
  [
    'root',
    { body: { json: { $: [1] } } },
    [{ body: ' [1] ' }],
    [{ body: '[1,2]' }, { body: '1' }],
    'body $ not [1]',
  ],
];

for (const [name, checks, good, bad, reason] of ROWS) {
  test(`check: ${name}`, () => {
    for (const reply of good) assert.equal(reasonFor(checks, reply), null, JSON.stringify(reply));
    for (const reply of bad) assert.equal(reasonFor(checks, reply), reason, JSON.stringify(reply));
  });
}

test('a check is plain data, and a clone of it checks the same', () => {
  const check = structuredClone(
    compileCheck({ headers: { a: { matches: '^x$' } }, body: { contains: 'y', has: '$.b' } }, 'checks').check,
  );
  const reply = { status: 200, headerText: 'a: x\r\n', body: Buffer.from('{"b":"y"}') };
  assert.equal(checkReply(check, reply), null);
  assert.equal(checkReply(check, { ...reply, headerText: 'a: xx\r\n' }), 'header a does not match "^x$"');
});

test('what a parser must keep: no more than the checks look at, and enough to see that a body is longer', () => {
  const needed = (checks: ScenarioChecks, captureBytes?: number) =>
    compileCheck(checks, 'c', { captureBytes }).check.captureBytes;
  assert.equal(needed({ status: 200, headers: { a: true } }), 0);
  assert.equal(needed({ body: { equals: 'abc' } }), 4);
  assert.equal(needed({ body: { bytes: 10 } }), 11);
  assert.equal(needed({ body: { bytes: { min: 10 } } }), 10);
  assert.equal(needed({ body: { contains: 'a' } }), 65_536);
  assert.equal(needed({ body: { contains: 'a' } }, 100), 100);
  const checks = [
    null,
    compileCheck({ body: { equals: 'abc' } }, 'c').check,
    compileCheck({ headers: { a: true } }, 'c').check,
  ];
  assert.equal(captureBytesOf(checks), 4);
  assert.deepEqual([readsHeaders(checks), readsHeaders(checks.slice(0, 2))], [true, false]);
});

test('of a reply only what a check looks at is read', () => {
  const read: string[] = [];
  const reply = {
    status: 200,
    get headerText() {
      read.push('headers');
      return 'a: x\r\n';
    },
    get body() {
      read.push('body');
      return Buffer.from('y');
    },
  };
  const reads = (checks: ScenarioChecks) => {
    read.length = 0;
    checkReply(compileCheck(checks, 'c').check, reply);
    return read.join();
  };
  assert.equal(reads({ status: 200 }), '');
  assert.equal(reads({ status: 500, body: { equals: 'y' } }), '');
  assert.equal(reads({ headers: { a: true } }), 'headers');
  assert.equal(reads({ headers: { a: 'z' }, body: { equals: 'y' } }), 'headers');
  assert.equal(reads({ body: { equals: 'y', contains: 'y' } }), 'body');
});
