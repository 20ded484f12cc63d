// Goal: an echo is as long as what was sent, and the same when that is asked. Method: a table, and the parser contract.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cut, parseAll, parserContract } from '../codec.contract.ts';
import { PARSED, type ReplyParser } from '../codec.ts';
import { loadCodec } from '../custom/load-codec.ts';
import { echo } from './echo.ts';
import { EchoParser } from './echo-parser.ts';

const request = new Uint8Array(Buffer.from('echo this'));
const describe = (parser: unknown) => {
  const { body, wrongReason } = parser as ReplyParser;
  return `${Buffer.from(body).toString('latin1')}|${wrongReason}`;
};

for (const compares of [false, true]) {
  parserContract({
    name: `echo, ${compares ? '' : 'not '}compared`,
    create: (connectionLimit) => new EchoParser({ connectionLimit, request, captureBytes: 5 }, compares),
    describe,
    streams: fc.integer({ min: 1, max: 6 }).map((count) => ({
      bytes: Uint8Array.from(Array.from({ length: count }, () => [...request]).flat()),
      messageCount: count,
    })),
  });
}

test('echo: a difference is a wrong reply, wherever it is cut, and does not stick', async () => {
  const comparing = await loadCodec('echo:compare');
  const other = request.slice();
  other[3]! ^= 1;
  const stream = Uint8Array.from([...other, ...request]);
  for (let at = 0; at < stream.length; at++) {
    const pieces = cut(stream, [at]);
    const parser = comparing.createReplyParser({ connectionLimit: 1, request });
    const reasons = parseAll(parser, 0, pieces, () => parser.wrongReason);
    assert.deepEqual(reasons, [`${PARSED.message} echo differs`, `${PARSED.message} `, 'idle']);
    const careless = echo.createReplyParser({ connectionLimit: 1, request });
    assert.deepEqual(
      parseAll(careless, 0, pieces, () => careless.wrongReason),
      [`${PARSED.message} `, `${PARSED.message} `, 'idle'],
    );
  }
});

test('echo: each reply answers the request named before it', () => {
  const arena = new Uint8Array(Buffer.from('--abc--defgh'));
  const parser = new EchoParser({ connectionLimit: 2, captureBytes: 9 }, true);
  for (const [start, end] of [
    [2, 5],
    [7, 12],
  ] as const) {
    parser.expectRequest(1, arena, start, end);
    const reply = arena.slice(start, end);
    assert.deepEqual(parseAll(parser, 1, cut(reply, [1, 2]), describe), [
      `${PARSED.message} ${Buffer.from(reply)}|`,
      'idle',
    ]);
  }
});

test('echo: bytes that nobody asked for are bad, half an echo is truncated', () => {
  const parser = new EchoParser({ connectionLimit: 1 }, true);
  assert.deepEqual(parseAll(parser, 0, [request], describe), ['bad: bytes without a request']);
  parser.expectRequest(0, request, 0, request.length);
  assert.deepEqual(parseAll(parser, 0, [request.subarray(1)], describe), ['mid']);
  assert.equal(parser.endOfStream(0), PARSED.bad);
  parser.reset(0);
  assert.equal(parser.midMessage(0), false);
});

test('echo: an empty request is refused', () => {
  assert.throws(() => echo.encodeRequest({}), { code: 'USAGE', message: /at least one byte/ });
});
