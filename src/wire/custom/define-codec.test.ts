// Goal: two functions of a user make a whole codec, and nothing they do breaks a run. Method: the parser contract over
// protocols framed by length and by a delimiter; tables of mistakes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cut, parseAll, parserContract } from '../codec.contract.ts';
import { PARSED, type ParserOptions, type ReplyParser } from '../codec.ts';
import type { CodecDefinition } from './codec-definition.ts';
import { defineCodec } from './define-codec.ts';

const encode = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'));
const describe = (parser: unknown) => {
  const { body, wrongReason } = parser as ReplyParser;
  return `${Buffer.from(body).toString('latin1')}|${wrongReason}`;
};

const byLength: CodecDefinition = {
  name: 'by-length',
  headerBytes: 2,
  encodeRequest: (request) => request.body ?? encode('x'),
  replyLength: (bytes, start) => (bytes[start] === 7 ? 2 + bytes[start + 1]! : -1),
  check: (bytes, start, end) => (end - start > 2 && bytes[start + 2] === 33 ? 'begins with !' : null),
};

const byDelimiter: CodecDefinition = {
  name: 'by-delimiter',
  encodeRequest: () => encode('x\0'),
  replyLength(bytes, start, end) {
    for (let at = start; at < end; at++) if (bytes[at] === 0) return at + 1 - start;
    return 0;
  },
};

for (const [definition, wrap] of [
  [byLength, (text: string) => `\x07${String.fromCharCode(text.length)}${text}`],
  [byDelimiter, (text: string) => `${text.replaceAll('\0', 'x')}\0`],
] as const) {
  for (const captureBytes of [0, 8, 300]) {
    parserContract({
      name: `${definition.name}, capturing ${captureBytes}`,
      create: (connectionLimit) =>
        defineCodec(definition).createReplyParser({ connectionLimit, captureBytes, maxPayloadBytes: 200 }),
      describe,
      streams: fc
        .array(fc.string({ maxLength: 150 }), { minLength: 1, maxLength: 6 })
        .map((texts) => texts.map((text) => wrap(Buffer.from(text).toString('latin1').slice(0, 150))))
        .map((texts) => ({ bytes: encode(texts.join('')), messageCount: texts.length })),
    });
  }
}

test('defined codec: a reply that the check refuses is wrong, and the next is not', () => {
  const parser = defineCodec(byLength).createReplyParser({ connectionLimit: 1 });
  const stream = encode('\x07\x03!ab\x07\x02ok');
  for (let at = 0; at < stream.length; at++) {
    assert.deepEqual(parseAll(parser, 0, cut(stream, [at]), describe), [
      `${PARSED.message} |begins with !`,
      `${PARSED.message} |`,
      'idle',
    ]);
  }
});

const mistaken = (replyLength: CodecDefinition['replyLength'], more: Partial<CodecDefinition> = {}) =>
  ({ name: 'm', encodeRequest: () => encode('x'), replyLength, ...more }) satisfies CodecDefinition;

const MISTAKES: [
  name: string,
  definition: CodecDefinition,
  problem: string,
  options?: Partial<ParserOptions>,
][] = [
  ['refuses', mistaken(() => -1), 'replyLength refused it'],
  ['says -2', mistaken(() => -2), 'replyLength returned neither a length nor 0 nor -1'],
  ['says NaN', mistaken(() => Number.NaN), 'replyLength returned neither a length nor 0 nor -1'],
  ['says half a byte', mistaken(() => 0.5), 'replyLength returned neither a length nor 0 nor -1'],
  ['says nothing', mistaken(() => undefined as never), 'replyLength returned neither a length nor 0 nor -1'],
  ['says a text', mistaken(() => '3' as never), 'replyLength returned neither a length nor 0 nor -1'],
  ['says too much', mistaken(() => 1e9), 'reply too long'],
  ['says more than everything', mistaken(() => 2 ** 40), 'reply too long'],
  [
    'throws',
    mistaken(() => {
      throw new Error('oops');
    }),
    'replyLength threw Error: oops',
  ],
  [
    'throws in its check',
    mistaken(() => 1, {
      check: () => {
        throw new TypeError('no');
      },
    }),
    'check threw TypeError: no',
  ],
];

for (const [name, definition, problem] of MISTAKES) {
  test(`defined codec: a function that ${name} ends in a bad reply`, () => {
    const codec = defineCodec(definition);
    const parser = codec.createReplyParser({ connectionLimit: 2 });
    assert.deepEqual(parseAll(parser, 0, [encode('hello')], describe), [`bad: ${problem}`]);
    assert.deepEqual(parseAll(parser, 1, [encode('h'), encode('ello')], describe), [`bad: ${problem}`]);
  });
}

test('defined codec: a length that never comes is given up after 64 KiB, in whatever pieces', () => {
  const never = defineCodec(mistaken(() => 0));
  const whole = new Uint8Array(70_000);
  for (const size of [70_000, 40_000, 1000]) {
    const parser = never.createReplyParser({ connectionLimit: 1 });
    const pieces = Array.from({ length: Math.ceil(whole.length / size) }, (_, i) =>
      whole.subarray(i * size, (i + 1) * size),
    );
    assert.deepEqual(parseAll(parser, 0, pieces, describe), ['bad: reply too long']);
  }
});

test('defined codec: a stream that ends inside a reply is truncated', () => {
  const parser = defineCodec(byLength).createReplyParser({ connectionLimit: 1 });
  assert.equal(parser.endOfStream(0), PARSED.more);
  for (const part of ['\x07', '\x07\x05ab']) {
    parser.reset(0);
    parseAll(parser, 0, [encode(part)], describe);
    assert.equal(parser.endOfStream(0), PARSED.bad);
    assert.equal(parser.problem, 'truncated reply');
  }
});

for (const [name, definition, message] of [
  ['no object', 'x', /it is a string, not an object/],
  ['no name', { encodeRequest() {}, replyLength() {} }, /name is missing, not a string/],
  ['an empty name', { name: '', encodeRequest() {}, replyLength() {} }, /name is empty/],
  ['no way to ask', { name: 'x', replyLength() {} }, /encodeRequest is missing, not a function/],
  [
    'no way to read',
    { name: 'x', encodeRequest() {}, replyLength: 4 },
    /replyLength is a number, not a function/,
  ],
  [
    'a check that is none',
    { name: 'x', encodeRequest() {}, replyLength() {}, check: [] },
    /check is an array/,
  ],
  [
    'too long a header',
    { name: 'x', encodeRequest() {}, replyLength() {}, headerBytes: 1e6 },
    /headerBytes is 1/,
  ],
  [
    'a limit of zero',
    { name: 'x', encodeRequest() {}, replyLength() {}, maxReplyBytes: 0 },
    /maxReplyBytes is 0/,
  ],
] as const) {
  test(`defined codec: ${name} is refused`, () => {
    assert.throws(() => defineCodec(definition as never), { code: 'USAGE', message });
  });
}

test('defined codec: a check sees the request that was answered, in one piece or in many, on each connection', () => {
  const codec = defineCodec({
    ...byLength,
    check: (bytes, start, end, request) =>
      Buffer.from(bytes.subarray(start, end)).equals(request) ? null : 'another payload',
  });
  const arena = Uint8Array.from([...encode('\x07\x05hello'), ...encode('\x07\x06world!')]);
  const [first, second] = [encode('\x07\x05hello'), encode('\x07\x06world!')];
  for (const cut of [0, 1, 3]) {
    const parser = codec.createReplyParser({ connectionLimit: 2 });
    const replyTo = (conn: number, from: number, to: number, reply: Uint8Array) => {
      parser.expectRequest!(conn, arena, from, to);
      const whole = Uint8Array.from(reply);
      if (cut > 0) assert.equal(parser.feed(conn, whole, 0, cut), PARSED.more);
      assert.equal(parser.feed(conn, whole, cut, whole.length), PARSED.message);
      return parser.wrongReason;
    };
    assert.equal(replyTo(0, 0, first.length, first), '');
    assert.equal(replyTo(1, first.length, arena.length, second), '');
    assert.equal(replyTo(0, first.length, arena.length, first), 'another payload');
    assert.equal(replyTo(0, 0, first.length, first), '');
  }
});

test('defined codec: without a check nobody has to say which request it was', () => {
  assert.equal(defineCodec(byDelimiter).createReplyParser({ connectionLimit: 1 }).expectRequest, undefined);
});
