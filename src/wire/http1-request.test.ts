// Goal: requests are framed as RFC 9112 says, and what could be read two ways is refused. Method: a table of cases,
// and the parser contract over generated streams.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cut, parseAll, parserContract } from './codec.contract.ts';
import { PARSED } from './codec.ts';
import { Http1RequestParser, targetIs } from './http1-request.ts';

const encode = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'));

function describe(parser: unknown): string {
  const { method, targetBytes, targetStart, targetEnd } = parser as Http1RequestParser;
  return `${method} ${Buffer.from(targetBytes.subarray(targetStart, targetEnd)).toString('latin1')}`;
}

const GET = 'GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n';
const M = `${PARSED.message} `;
const L = `${PARSED.lastMessage} `;

const CASES: [name: string, bytes: string, found: string[]][] = [
  ['a GET', GET, [`${M}GET /a?b=c`, 'idle']],
  ['several in one buffer', GET + GET, [`${M}GET /a?b=c`, `${M}GET /a?b=c`, 'idle']],
  ['empty lines before it', `\r\n\r\n${GET}`, [`${M}GET /a?b=c`, 'idle']],
  [
    'a body by length',
    `POST /p HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc${GET}`,
    [`${M}POST /p`, `${M}GET /a?b=c`, 'idle'],
  ],
  [
    'a chunked body',
    'PUT /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n',
    [`${M}PUT /c`, 'idle'],
  ],
  ['a body cut short', 'POST /p HTTP/1.1\r\nContent-Length: 3\r\n\r\nab', ['mid']],
  ['HTTP/1.0', 'GET / HTTP/1.0\r\n\r\n', [`${L}GET /`, 'idle']],
  ['Connection: close', 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n', [`${L}GET /`, 'idle']],
  ["a method of one's own", 'BREW / HTTP/1.1\r\n\r\n', [`${M}OTHER /`, 'idle']],
  [
    'both framings',
    'POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n',
    ['bad: not HTTP'],
  ],
  ['an unknown coding', 'POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n', ['bad: not HTTP']],
  ['a blank in the target', 'GET /a b HTTP/1.1\r\n\r\n', ['bad: not HTTP']],
  ['no version', 'GET /\r\n\r\n', ['bad: not HTTP']],
  ['a TLS hello', '\x16\x03\x01\x02\x00\x01\n\n', ['bad: not HTTP']],
  ['headers past the limit', `GET / HTTP/1.1\r\nX: ${'a'.repeat(3000)}\r\n\r\n`, ['bad: headers too long']],
];

for (const [name, bytes, found] of CASES) {
  test(`http1 request: ${name}`, () => {
    const parser = new Http1RequestParser({ connectionLimit: 3, maxHeaderBytes: 2048 });
    const all = encode(bytes);
    assert.deepEqual(parseAll(parser, 0, [all], describe), found);
    assert.deepEqual(parseAll(parser, 1, cut(all, [3, 20, 41]), describe), found);
    assert.deepEqual(
      parseAll(
        parser,
        2,
        [...all].map((byte) => Uint8Array.of(byte)),
        describe,
      ),
      found,
    );
  });
}

test('targetIs compares the path without its query', () => {
  const parser = new Http1RequestParser({ connectionLimit: 1 });
  parser.feed(0, encode(GET), 0, GET.length);
  assert.equal(targetIs(parser, '/a'), true);
  assert.equal(targetIs(parser, '/'), false);
  assert.equal(targetIs(parser, '/a?b=c'), true);
  assert.equal(targetIs(parser, '/a?b=cd'), false);
});

const oneRequest = fc
  .record({
    method: fc.constantFrom('GET', 'HEAD', 'POST', 'PURGE'),
    target: fc.stringMatching(/^\/[a-z0-9/?&=]{0,20}$/),
    header: fc.stringMatching(/^[a-zA-Z0-9 :]{0,20}$/),
    body: fc.stringMatching(/^[a-z0-9\r\n ]{0,40}$/),
    chunked: fc.boolean(),
  })
  .map(({ method, target, header, body, chunked }) => {
    const start = `${method} ${target} HTTP/1.1\r\nHost: h\r\nX: ${header}\r\n`;
    if (method !== 'POST') return `${start}\r\n`;
    if (!chunked) return `${start}Content-Length: ${body.length}\r\n\r\n${body}`;
    const text = body === '' ? '' : `${body.length.toString(16)}\r\n${body}\r\n`;
    return `${start}Transfer-Encoding: chunked\r\n\r\n${text}0\r\n\r\n`;
  });

parserContract({
  name: 'http1 request',
  create: (connectionLimit) => new Http1RequestParser({ connectionLimit, maxHeaderBytes: 2048 }),
  describe,
  streams: fc
    .array(oneRequest, { minLength: 1, maxLength: 6 })
    .map((list) => ({ bytes: encode(list.join('')), messageCount: list.length })),
});
