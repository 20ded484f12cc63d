// Goal: replies are counted exactly, by every way HTTP/1.1 has to end one. Method: a table of cases, and the
// parser contract over generated streams.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cut, parseAll, parserContract } from '../codec.contract.ts';
import { PARSED, type ParserOptions, type ReplyParser } from '../codec.ts';
import { http1 } from './http1.ts';
import { Http1ReplyParser } from './http1-reply.ts';

const encode = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'));
const describe = (parser: unknown) => String((parser as ReplyParser).status);
const MESSAGE = `${PARSED.message} `;
const LAST = `${PARSED.lastMessage} `;

type Case = { name: string; bytes: string; found: string[]; options?: Partial<ParserOptions> };

const BAD_LENGTH = 'bad: conflicting or malformed Content-Length';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello';

const CASES: Case[] = [
  { name: 'a body by length', bytes: OK, found: [`${MESSAGE}200`, 'idle'] },
  {
    name: 'no body',
    bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
    found: [`${MESSAGE}200`, 'idle'],
  },
  { name: 'several in one buffer', bytes: OK + OK + OK, found: [...Array(3).fill(`${MESSAGE}200`), 'idle'] },
  { name: 'half a reply', bytes: OK.slice(0, -2), found: ['mid'] },
  {
    name: 'names in any case, blanks round values',
    bytes: 'HTTP/1.1 404 Not Found\r\ncOnTeNt-LeNgTh: \t 1 \r\n\r\nx',
    found: [`${MESSAGE}404`, 'idle'],
  },
  { name: 'no reason phrase', bytes: 'HTTP/1.1 204\r\n\r\n', found: [`${MESSAGE}204`, 'idle'] },
  {
    name: 'bare line feeds',
    bytes: 'HTTP/1.1 200 OK\nContent-Length: 1\n\nx',
    found: [`${MESSAGE}200`, 'idle'],
  },
  {
    name: '204 and 304 have no body whatever they say',
    bytes: `HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n${OK}`,
    found: [`${MESSAGE}304`, `${MESSAGE}200`, 'idle'],
  },
  {
    name: 'replies to HEAD have no body',
    bytes:
      'HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
    found: [`${MESSAGE}200`, `${MESSAGE}200`, 'idle'],
    options: { headOnly: true },
  },
  {
    name: 'chunks with extensions and trailers',
    bytes:
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\nA\r\n0123456789\r\n0\r\nX: y\r\nZ: w\r\n\r\n',
    found: [`${MESSAGE}200`, 'idle'],
  },
  {
    name: 'gzip, chunked is chunked',
    bytes: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
    found: [`${MESSAGE}200`, 'idle'],
  },
  {
    name: 'chunked beats a length, and ends the connection',
    bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n',
    found: [`${LAST}200`, 'idle'],
  },
  {
    name: 'interim replies are passed over',
    bytes: `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${OK}`,
    found: [`${MESSAGE}200`, 'idle'],
  },
  {
    name: 'Connection: close',
    bytes: 'HTTP/1.1 200 OK\r\nConnection: foo, Close\r\nContent-Length: 1\r\n\r\nx',
    found: [`${LAST}200`, 'idle'],
  },
  {
    name: 'HTTP/1.0 closes',
    bytes: 'HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx',
    found: [`${LAST}200`, 'idle'],
  },
  {
    name: 'HTTP/1.0 with keep-alive',
    bytes: 'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx',
    found: [`${MESSAGE}200`, 'idle'],
  },
  { name: 'a body ended by closing', bytes: 'HTTP/1.1 200 OK\r\n\r\nanything', found: ['mid'] },
  {
    name: 'equal lengths twice',
    bytes: `HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n`,
    found: [`${MESSAGE}200`, 'idle'],
  },
  { name: 'another protocol', bytes: 'SSH-2.0-OpenSSH_9.2\r\n', found: ['bad: not HTTP'] },
  { name: 'garbage at once', bytes: 'xyz', found: ['bad: not HTTP'] },
  { name: 'HTTP/2', bytes: 'HTTP/2 200 OK\r\n\r\n', found: ['bad: not HTTP'] },
  { name: 'a status of two digits', bytes: 'HTTP/1.1 20 OK\r\n\r\n', found: ['bad: not HTTP'] },
  {
    name: 'a negative length',
    bytes: 'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n',
    found: [BAD_LENGTH],
  },
  { name: 'an empty length', bytes: 'HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n', found: [BAD_LENGTH] },
  {
    name: 'a length past counting',
    bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999\r\n\r\n',
    found: [BAD_LENGTH],
  },
  {
    name: 'two lengths',
    bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
    found: [BAD_LENGTH],
  },
  { name: 'a line without a colon', bytes: 'HTTP/1.1 200 OK\r\nhello\r\n\r\n', found: ['bad: not HTTP'] },
  {
    name: 'a folded line goes on with its value',
    bytes: 'HTTP/1.1 200 OK\r\nX: a\r\n b: c\r\nContent-Length:\r\n 1\r\n\r\nx',
    found: [`${MESSAGE}200`, 'idle'],
  },
  {
    name: 'a fold in a length makes two numbers of it',
    bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n 0\r\n\r\n',
    found: [BAD_LENGTH],
  },
  {
    name: 'a folded line with nothing before it',
    bytes: 'HTTP/1.1 200 OK\r\n X: a\r\n\r\n',
    found: ['bad: not HTTP'],
  },
  {
    name: 'a list of equal lengths',
    bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nxy',
    found: [`${MESSAGE}200`, 'idle'],
  },
  {
    name: 'a list of different lengths',
    bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\nxy',
    found: [BAD_LENGTH],
  },
  {
    name: 'a coding that only ends like chunked runs until the end',
    bytes: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n',
    found: ['mid'],
  },
  {
    name: 'chunked before another coding runs until the end',
    bytes: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n',
    found: ['mid'],
  },
  {
    name: 'codings over several fields are one list',
    bytes: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\ntransfer-encoding: Chunked\r\n\r\n0\r\n\r\n',
    found: [`${MESSAGE}200`, 'idle'],
  },
  {
    name: 'a coding in HTTP/1.0 ends the connection',
    bytes: 'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    found: [`${LAST}200`, 'idle'],
  },
  ...['X : a', ': a', 'X\u007f: a', 'X: a\0b', 'X: a\rb', 'X: a\u0001b'].map((lineText) => ({
    name: `the line ${JSON.stringify(lineText)}`,
    bytes: `HTTP/1.1 200 OK\r\n${lineText}\r\n\r\n`,
    found: ['bad: not HTTP'],
  })),
  {
    name: 'a carriage return in the reason',
    bytes: 'HTTP/1.1 200 O\rK\r\n\r\n',
    found: ['bad: not HTTP'],
  },
  {
    name: 'as many headers as allowed',
    bytes: `HTTP/1.1 200 OK\r\n${'a:\r\n'.repeat(9)}Content-Length: 0\r\n\r\n`,
    found: [`${MESSAGE}200`, 'idle'],
    options: { maxHeaderCount: 10 },
  },
  {
    name: 'one header too many',
    bytes: `HTTP/1.1 200 OK\r\n${'a:\r\n'.repeat(11)}\r\n`,
    found: ['bad: too many headers'],
    options: { maxHeaderCount: 10 },
  },
  ...[
    '1\nx\r\n0\r\n\r\n',
    '1\r\nx\n0\r\n\r\n',
    '1 x\r\n',
    ';a\r\n',
    '-1\r\n',
    '1;\u0001\r\n',
    '1;a\rb\r\n',
    '0\r\nX\r\n\r\n',
    '0\r\n X: y\r\n\r\n',
    '0\r\nX: \0\r\n\r\n',
    '0\r\n\rx',
    '10000000000000000\r\n',
    `${'0'.repeat(2000)}`,
    `1;${'a'.repeat(2000)}`,
    `0\r\n${'a:\r\n'.repeat(300)}\r\n`,
  ].map((chunkText) => ({
    name: `the chunks ${JSON.stringify(chunkText.slice(0, 40))}`,
    bytes: `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunkText}`,
    found: ['bad: malformed chunk'],
    options: { maxHeaderBytes: 1900 },
  })),
  {
    name: 'blanks behind a size, a folded trailer, a trailer ended by a bare line feed',
    bytes:
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0000000000000000000000001 \t\r\nx\r\n0 ; a="b"\r\nX: y\r\n z\r\nY:\n\r\n',
    found: [`${MESSAGE}200`, 'idle'],
  },
  {
    name: 'an upgrade nobody asked for',
    bytes: 'HTTP/1.1 101 Switching Protocols\r\n\r\n',
    found: ['bad: unexpected upgrade'],
  },
  {
    name: 'a chunk size that is no number',
    bytes: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
    found: ['bad: malformed chunk'],
  },
  {
    name: 'an endless chunk size',
    bytes: `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${'1'.repeat(99)}`,
    found: ['bad: malformed chunk'],
  },
  {
    name: 'a chunk longer than it said',
    bytes: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n',
    found: ['bad: malformed chunk'],
  },
  {
    name: 'headers without end',
    bytes: `HTTP/1.1 200 OK\r\nX: ${'a'.repeat(2000)}`,
    found: ['bad: headers too long'],
    options: { maxHeaderBytes: 1000 },
  },
  {
    name: 'headers past the limit',
    bytes: `HTTP/1.1 200 OK\r\nX: ${'a'.repeat(2000)}\r\n\r\n`,
    found: ['bad: headers too long'],
    options: { maxHeaderBytes: 1000 },
  },
  {
    name: 'trailers without end',
    bytes: `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ${'a'.repeat(2000)}`,
    found: ['bad: malformed chunk'],
    options: { maxHeaderBytes: 1000 },
  },
];

for (const { name, bytes, found, options } of CASES) {
  test(`http1 reply: ${name}`, () => {
    const parser = new Http1ReplyParser({ connectionLimit: 4, ...options });
    const all = encode(bytes);
    assert.deepEqual(parseAll(parser, 0, [all], describe), found);
    assert.deepEqual(parseAll(parser, 1, cut(all, [3, 17, 40]), describe), found);
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

test('http1 reply: the end of the stream completes a body without length, and cuts short any other', () => {
  const parser = http1.createReplyParser({ connectionLimit: 3 });
  parseAll(parser, 0, [encode('HTTP/1.1 200 OK\r\n\r\nanything')], describe);
  assert.equal(parser.endOfStream(0), PARSED.lastMessage);
  assert.equal(parser.status, 200);
  assert.equal(parser.midMessage(0), false);
  for (const part of ['H', 'HTTP/1.1 200 OK\r\n', OK.slice(0, -1)]) {
    parser.reset(1);
    parseAll(parser, 1, [encode(part)], describe);
    assert.equal(parser.endOfStream(1), PARSED.bad);
    assert.equal(parser.problem, 'truncated reply');
  }
  assert.equal(parser.endOfStream(2), PARSED.more, 'an idle connection may close');
});

test('http1 reply: the shortcut for repeated headers sees every change', () => {
  const parser = new Http1ReplyParser({ connectionLimit: 2 });
  const reply = (status: number, length: number, date: string, extra = '') =>
    `HTTP/1.1 ${status} X\r\nDate: ${date}\r\n${extra}Content-Length: ${length}\r\n\r\n${'b'.repeat(length)}`;
  const stream = [
    reply(200, 5, 'Mon, 01 Jan 2024 00:00:00 GMT'),
    reply(200, 5, 'Mon, 01 Jan 2024 00:00:01 GMT'),
    reply(200, 5, 'Tue, 02 Jan 2024 00:00:01 GMT'),
    reply(503, 5, 'Tue, 02 Jan 2024 00:00:01 GMT'),
    reply(200, 7, 'Tue, 02 Jan 2024 00:00:01 GMT'),
    reply(200, 5, 'Tue, 02 Jan 2024 00:00:01 GMT', 'Connection: close\r\n'),
  ];
  const found = stream.flatMap((text) => parseAll(parser, 0, [encode(text)], describe).slice(0, -1));
  const expected = [200, 200, 200, 503, 200].map((status) => `${MESSAGE}${status}`);
  assert.deepEqual(found, [...expected, `${LAST}200`]);
});

test('http1 reply: bodies and headers are kept when asked for, however they arrive', () => {
  const replies = [
    ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', 'hello', 'hello'],
    [
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
      '2\r\nhe\r\n3\r\nllo\r\n0\r\nX: y\r\n\r\n',
      'hello',
    ],
    ['HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n', 'hello, world', 'hello, wor'],
    ['HTTP/1.1 204 OK\r\n\r\n', '', ''],
    ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', 'again', 'again'],
  ] as const;
  const stream = encode(
    replies.map(([head, body]) => `HTTP/1.1 103 Hints\r\nA: b\r\n\r\n${head}${body}`).join(''),
  );
  const plain = encode(replies.map(([head, body]) => head + body).join(''));
  const see = (parser: unknown) => {
    const { headerText, body } = parser as ReplyParser;
    return `${headerText}|${Buffer.from(body).toString('latin1')}`;
  };
  const expected = [...replies.map(([head, , body]) => `${MESSAGE}${head}|${body}`), 'idle'];
  for (const bytes of [stream, plain]) {
    for (let size = 1; size <= bytes.length; size++) {
      const parser = new Http1ReplyParser({ connectionLimit: 1, captureBytes: 10 });
      const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
        bytes.subarray(i * size, (i + 1) * size),
      );
      assert.deepEqual(parseAll(parser, 0, pieces, see), expected, `pieces of ${size}`);
    }
  }
  const parser = new Http1ReplyParser({ connectionLimit: 1, captureBytes: 10 });
  parseAll(parser, 0, [encode('HTTP/1.1 200 OK\r\n\r\nuntil '), encode('the end')], see);
  assert.equal(parser.endOfStream(0), PARSED.lastMessage);
  assert.equal(see(parser), 'HTTP/1.1 200 OK\r\n\r\n|until the ');
  const without = new Http1ReplyParser({ connectionLimit: 1 });
  parseAll(without, 0, [plain], see);
  assert.equal(see(without), '|');
});

test('http1 reply: no body is expected of one reply alone, and is not learned', () => {
  const bytes = encode(OK.slice(0, -5));
  const parser = new Http1ReplyParser({ connectionLimit: 2 });
  for (const pieces of [[bytes], cut(bytes, [1, 20, 30])]) {
    parser.expectNoBody(0);
    assert.equal(parser.midMessage(0), false);
    assert.deepEqual(parseAll(parser, 0, pieces, describe), [`${MESSAGE}200`, 'idle']);
    assert.deepEqual(parseAll(parser, 0, [encode(OK), encode(OK)], describe), [
      `${MESSAGE}200`,
      `${MESSAGE}200`,
      'idle',
    ]);
    // With the block learned: still none is expected.
    parser.expectNoBody(0);
    assert.deepEqual(parseAll(parser, 0, [bytes], describe), [`${MESSAGE}200`, 'idle']);
    parser.expectNoBody(0);
    parser.reset(0);
    assert.deepEqual(parseAll(parser, 0, [bytes], describe), ['mid']);
    parser.reset(0);
  }
});

const headerNames = fc.constantFrom('X-A', 'Server', 'Date', 'ETag', 'Vary', 'Content-Type');
const fields = fc
  .array(fc.tuple(headerNames, fc.stringMatching(/^[a-zA-Z0-9 ,:]{0,20}$/)), { maxLength: 5 })
  .map((list) => list.map(([name, value]) => `${name}: ${value}\r\n`).join(''));
const bodies = fc.string({ maxLength: 60 }).map((text) => text.replace(/[^\x20-\x7e]/g, '?'));
const oneReply = fc
  .record({
    status: fc.constantFrom(200, 200, 200, 201, 204, 304, 404, 500),
    fields,
    body: bodies,
    interim: fc.nat(9),
    chunk: fc.nat(8),
  })
  .map(({ status, fields: lines, body, interim, chunk }) => {
    const before = interim === 0 ? 'HTTP/1.1 100 Continue\r\n\r\n' : '';
    const start = `${before}HTTP/1.1 ${status} Reason\r\n${lines}`;
    if (status === 204 || status === 304) return `${start}\r\n`;
    if (chunk === 0) return `${start}Content-Length: ${body.length}\r\n\r\n${body}`;
    if (chunk > 4) return `${start}content-length:${body.length}\r\n\r\n${body}`;
    const chunks = body.match(new RegExp(`[^]{1,${chunk}}`, 'g')) ?? [];
    const text = chunks.map((part) => `${part.length.toString(16)}\r\n${part}\r\n`).join('');
    return `${start}Transfer-Encoding: chunked\r\n\r\n${text}0\r\n\r\n`;
  });

parserContract({
  name: 'http1 reply',
  create: (connectionLimit) => new Http1ReplyParser({ connectionLimit, maxHeaderBytes: 2048 }),
  describe,
  streams: fc
    .array(oneReply, { minLength: 1, maxLength: 6 })
    .map((list) => ({ bytes: encode(list.join('')), messageCount: list.length })),
});
