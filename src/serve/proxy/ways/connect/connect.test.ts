// Goal: CONNECT is read strictly, and what follows its head is the tunnel's. Method: requests as text, one step each.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ascii } from '../testing/converse.ts';
import type { Refusal, WayStep } from '../way.ts';
import { connect } from './connect.ts';

const LIMITS = { headBytes: 4096, asksWho: false };
const HOST = 'Host: example.com:443\r\n';

function step(text: string, limits = LIMITS): WayStep {
  return connect.begin(limits).step(ascii(text), 0, text.length);
}

const asText = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');

/** Of a step that is wrong: its status. */
function statusOf(text: string, limits = LIMITS): number | string {
  const got = step(text, limits);
  return got.kind === 'wrong' ? Number(asText(got.reply).slice(9, 12)) : got.kind;
}

test('targets, and the bytes behind the head', () => {
  const rows: [string, string, number][] = [
    ['server.example.com:80', 'server.example.com', 80],
    ['EXAMPLE.com.:443', 'example.com', 443],
    ['10.0.0.1:1', '10.0.0.1', 1],
    ['[::1]:65535', '::1', 65_535],
    ['[2001:DB8:0::1]:443', '2001:db8::1', 443],
    ['[::ffff:10.0.0.1]:443', '10.0.0.1', 443],
  ];
  for (const [authority, host, port] of rows) {
    const head = `CONNECT ${authority} HTTP/1.1\r\n${HOST}\r\n`;
    const got = step(`${head}\x16\x03\x01GET / HTTP/1.1\r\n\r\n`);
    assert.equal(got.kind, 'wants', authority);
    if (got.kind !== 'wants') continue;
    assert.deepEqual(got.destination, { host, port });
    assert.equal(got.consumed, head.length, 'the head and not a byte more');
    assert.equal(got.credentials, null);
    assert.equal(
      asText(got.established({ host: '', port: 0 })),
      'HTTP/1.1 200 Connection established\r\n\r\n',
    );
  }
});

test('targets that are none', () => {
  const rows = [
    'example.com',
    'example.com:',
    ':443',
    'example.com:0',
    'example.com:65536',
    'example.com:99999',
  ];
  const ports = [
    'example.com:443x',
    'example.com:+443',
    'example.com:0443',
    'example.com:4430000',
    'a:1:2',
    '::1:443',
  ];
  const hosts = [
    'user@example.com:443',
    'user:pass@example.com:443',
    'http://example.com:443/',
    '/',
    '*',
    '[::1]',
    '[::1',
  ];
  const others = [
    '[::1]443',
    '[::1%25lo]:443',
    '[example.com]:443',
    '0177.0.0.1:80',
    '127.1:80',
    'exa%6dple.com:80',
  ];
  for (const target of [...rows, ...ports, ...hosts, ...others, 'a..b:80', '[10.0.0.1]:80', 'a/b:80'])
    assert.equal(statusOf(`CONNECT ${target} HTTP/1.1\r\n${HOST}\r\n`), 400, target);
});

test('heads that two readers could read in two ways', () => {
  const line = 'CONNECT example.com:443 HTTP/1.1\r\n';
  const rows: [string, number | string][] = [
    [`${line}${HOST}\r\n`, 'wants'],
    ['CONNECT example.com:443 HTTP/1.0\r\n\r\n', 'wants'],
    [`${line}\r\n`, 400],
    [`${line}${HOST}${HOST}\r\n`, 400],
    [`${line}${HOST}Content-Length: 0\r\n\r\n`, 'wants'],
    [`${line}${HOST}Content-Length: 5\r\n\r\n`, 400],
    [`${line}${HOST}Content-Length: 05\r\n\r\n`, 400],
    [`${line}${HOST}Transfer-Encoding: chunked\r\n\r\n`, 400],
    [`${line}${HOST}A : b\r\n\r\n`, 400],
    [`${line}${HOST} folded\r\n\r\n`, 400],
    [`${line}${HOST}A: b\rc\r\n\r\n`, 400],
    [`${line}${HOST}A: b\0c\r\n\r\n`, 400],
    [`${line}${HOST}no colon\r\n\r\n`, 400],
    [`${line}${HOST}: empty\r\n\r\n`, 400],
    [`CONNECT example.com:443 HTTP/1.1\n${HOST}\r\n`, 400],
    [`${line}${HOST}A: b\n\r\n`, 400],
    [`${line}${HOST}\n`, 400],
    [`\r\n${line}${HOST}\r\n`, 400],
    [`CONNECT  example.com:443 HTTP/1.1\r\n${HOST}\r\n`, 400],
    [`CONNECT example.com:443  HTTP/1.1\r\n${HOST}\r\n`, 400],
    [`CONNECT example.com:443\r\n\r\n`, 400],
    [`CONNECT example.com:443 HTTP/1.1 \r\n${HOST}\r\n`, 400],
    [`CONNECT example.com:443 HTTP/2.0\r\n${HOST}\r\n`, 505],
    [`connect example.com:443 HTTP/1.1\r\n${HOST}\r\n`, 405],
    [`CONNECTED example.com:443 HTTP/1.1\r\n${HOST}\r\n`, 405],
    [`GET http://example.com/ HTTP/1.1\r\n${HOST}\r\n`, 405],
    ['\x16\x03\x01\x02', 400],
    ['\x05\x01\x00', 400],
    ['CONNECT example.com:443 HT', 'more'],
    ['', 'more'],
  ];
  for (const [text, status] of rows) assert.equal(statusOf(text), status, JSON.stringify(text));
});

test('limits: bytes of the head, the tunnel not counted, and fields', () => {
  const head = (bytes: number) => {
    const start = `CONNECT example.com:443 HTTP/1.1\r\n${HOST}`;
    return `${start}X: ${'a'.repeat(bytes - start.length - 7)}\r\n\r\n`;
  };
  assert.equal(statusOf(head(4096)), 'wants');
  assert.equal(statusOf(head(4096) + 'tunnel'.repeat(1000)), 'wants');
  assert.equal(statusOf(head(4097)), 431);
  assert.equal(statusOf(head(4097).slice(0, 4096)), 431, 'without waiting for its end');
  assert.equal(statusOf(head(4097).slice(0, 4095)), 'more');
  const fields = (count: number) => `CONNECT a:1 HTTP/1.0\r\n${'A:b\r\n'.repeat(count)}\r\n`;
  assert.equal(statusOf(fields(100)), 'wants');
  assert.equal(statusOf(fields(101)), 431);
});

test('Proxy-Authorization: Basic, once', () => {
  const credentials = (...values: string[]) => {
    const fields = values.map((value) => `Proxy-Authorization: ${value}\r\n`).join('');
    const got = step(`CONNECT a:1 HTTP/1.0\r\n${fields}\r\n`);
    if (got.kind !== 'wants') return got.kind;
    return got.credentials && `${got.credentials.name}|${Buffer.from(got.credentials.password)}`;
  };
  const basic = (text: string) => Buffer.from(text).toString('base64');
  const rows: [string[], string | null][] = [
    // RFC 7617 §2 and §2.1.
    [['Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=='], 'Aladdin|open sesame'],
    [['Basic dGVzdDoxMjPCow=='], 'test|123£'],
    [[`basic  ${basic('a:b:c')}`], 'a|b:c'],
    [[`Basic ${basic('a:')}`], 'a|'],
    [[`Basic ${basic(':')}`], '|'],
    [[`Basic ${basic('no colon')}`], null],
    [[`Basic ${basic('a\n:b')}`], null],
    [['Basic YTpi='], null],
    [['Basic YTpj*'], null],
    [['Basic YTp='], null],
    [['Basic /////w=='], null],
    [['Basic'], null],
    [['Bearer abc'], null],
    [[''], null],
    [[`Basic ${basic(`a:${'b'.repeat(1000)}`)}`], null],
    [[`Basic ${basic('a:b')}`, `Basic ${basic('a:b')}`], 'wrong'],
  ];
  for (const [values, wanted] of rows) assert.equal(credentials(...values), wanted, String(values));
});

test('refusals say what happened, for people and for machines', () => {
  const got = step('CONNECT a:1 HTTP/1.0\r\n\r\n');
  assert.ok(got.kind === 'wants');
  const statuses: Record<Refusal, number> = {
    'not-authenticated': 407,
    'not-allowed': 403,
    'no-such-host': 502,
    'connect-refused': 502,
    unreachable: 502,
    'timed-out': 504,
    'no-upstream': 502,
    internal: 500,
  };
  for (const [why, status] of Object.entries(statuses)) {
    const [head, body]: string[] = asText(got.refused(why as Refusal)).split('\r\n\r\n');
    assert.match(
      head!,
      new RegExp(`^HTTP/1.1 ${status} [A-Z][A-Za-z ]+\r\nProxy-Status: loopscope; error=[a-z_]+\r\n`),
    );
    assert.match(head!, new RegExp(`\r\nContent-Length: ${body!.length}\r\nConnection: close$`));
    assert.equal(head!.includes('Proxy-Authenticate: Basic '), status === 407);
  }
});
