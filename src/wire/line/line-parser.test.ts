// Goal: lines end at their terminator, wherever the bytes are cut. Method: the parser contract for several terminators.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseAll, parserContract } from '../codec.contract.ts';
import { PARSED, type ReplyParser } from '../codec.ts';
import { loadCodec } from '../custom/load-codec.ts';
import { line } from './line.ts';
import { LineParser } from './line-parser.ts';

const describe = (parser: unknown) => Buffer.from((parser as ReplyParser).body).toString('latin1');
const encode = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'));

for (const terminator of ['\n', '\r\n', '\r\n.\r\n', 'aab', '\0']) {
  parserContract({
    name: `line ended by ${JSON.stringify(terminator)}`,
    create: (connectionLimit) =>
      new LineParser(
        { connectionLimit, captureBytes: 20 },
        { terminator: encode(terminator), maxLineBytes: 60 },
      ),
    describe,
    streams: fc
      .array(fc.stringMatching(/^[a.\r\n]{0,40}$/), { minLength: 1, maxLength: 6 })
      // A line whose end begins a terminator would end early.
      .map((lines) => lines.map((text) => `${text}x`.replaceAll(terminator, 'x')))
      .map((lines) => ({
        bytes: encode(lines.map((text) => text + terminator).join('')),
        messageCount: lines.length,
      })),
  });
}

test('line: the limit is of the line, not of its terminator', () => {
  const parser = new LineParser({ connectionLimit: 2 }, { terminator: encode('\r\n'), maxLineBytes: 4 });
  assert.deepEqual(parseAll(parser, 0, [encode('abcd\r\n')], describe), [`${PARSED.message} `, 'idle']);
  assert.deepEqual(parseAll(parser, 0, [encode('abcd\r'), encode('\n')], describe), [
    `${PARSED.message} `,
    'idle',
  ]);
  for (const pieces of [['abcde\r\n'], ['abcdef'], ['ab', 'cd', 'ef']]) {
    parser.reset(1);
    assert.deepEqual(parseAll(parser, 1, pieces.map(encode), describe), ['bad: reply too long']);
  }
});

test('line: the end of the stream cuts a line short', () => {
  const parser = new LineParser({ connectionLimit: 1 }, { terminator: encode('\n'), maxLineBytes: 4 });
  assert.equal(parser.endOfStream(0), PARSED.more);
  parseAll(parser, 0, [encode('a\nb')], describe);
  assert.equal(parser.endOfStream(0), PARSED.bad);
});

test('line: a request is its text and the terminator', async () => {
  const text = (body: string, codec: Pick<typeof line, 'encodeRequest'> = line) =>
    Buffer.from(codec.encodeRequest({ body: encode(body) })).toString('latin1');
  assert.equal(text('stats'), 'stats\n');
  assert.equal(text('stats\n'), 'stats\n');
  assert.equal(text(''), '\n');
  assert.throws(() => text('a\nb'), { code: 'USAGE', message: /several requests/ });
  assert.throws(() => text('a\n\n'), { code: 'USAGE' });
  const crlf = await loadCodec('line:terminator=\\r\\n');
  assert.equal(text('stats', crlf), 'stats\r\n');
  const odd = await loadCodec('line:terminator=\\x2c\\0\\\\ü');
  assert.equal(text('x', odd), 'x,\0\\\xc3\xbc');
});
