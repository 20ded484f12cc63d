// Goal: frames are counted, kept and bounded exactly. Method: a table of formats, and the parser contract.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseAll, parserContract } from '../codec.contract.ts';
import { type FrameFormat, PARSED, type ReplyParser } from '../codec.ts';
import { frame } from './frame.ts';
import { frameFormat } from './frame-format.ts';
import { FrameParser } from './frame-parser.ts';

const describe = (parser: unknown) => Buffer.from((parser as ReplyParser).body).toString('hex');

const WIDTHS = [1, 2, 3, 4, 8] as const;
const COUNTS = ['payload', 'payload+header', 'everything'] as const;
const FORMATS: FrameFormat[] = [
  ...WIDTHS.flatMap((lengthBytes) =>
    [false, true].flatMap((littleEndian) =>
      COUNTS.map((counts) => frameFormat({ lengthBytes, littleEndian, counts })),
    ),
  ),
  frameFormat({ magic: '4c53' }),
  frameFormat({ magic: '4c53', lengthOffset: 5, headerBytes: 12, counts: 'everything', littleEndian: true }),
  frameFormat({
    lengthBytes: 2,
    headerBytes: 8,
    header: '0000aabb',
    counts: 'payload+header',
    adjustment: 3,
  }),
  frameFormat({ lengthBytes: 4, headerBytes: 9, adjustment: -1, lengthOffset: 3 }),
];

for (const format of FORMATS) {
  const least = format.adjustment < 0 ? 1 : 0;
  parserContract({
    name: `frame ${JSON.stringify(format)}`,
    create: (connectionLimit) =>
      new FrameParser({ connectionLimit, captureBytes: 300, maxPayloadBytes: 300, frame: format }),
    describe,
    streams: fc
      .array(fc.uint8Array({ minLength: least, maxLength: format.lengthBytes === 1 ? 200 : 300 }), {
        minLength: 1,
        maxLength: 6,
      })
      .map((bodies) => ({
        bytes: Uint8Array.from(bodies.flatMap((body) => [...frame.encodeRequest({ body, frame: format })])),
        messageCount: bodies.length,
      })),
  });
}

for (const [name, parts, hex] of [
  ['the default: four bytes of length, big-endian', {}, '00000003 070809'],
  ['little-endian', { littleEndian: true }, '03000000 070809'],
  ['two bytes, counting everything', { lengthBytes: 2, counts: 'everything' }, '0005 070809'],
  ['three bytes', { lengthBytes: 3 }, '000003 070809'],
  ['eight bytes, little-endian', { lengthBytes: 8, littleEndian: true }, '0300000000000000 070809'],
  ['magic before the length', { magic: '4c53', lengthBytes: 1 }, '4c53 03 070809'],
  ['a longer header, counted', { headerBytes: 6, counts: 'payload+header' }, '00000005 0000 070809'],
  ['a header filled in', { header: '00000000aabb', counts: 'payload' }, '00000003 aabb 070809'],
  [
    'the length in the middle',
    { lengthBytes: 2, lengthOffset: 2, header: '0102ffff03' },
    '0102 0003 03 070809',
  ],
  ['an adjustment', { lengthBytes: 1, adjustment: 10 }, '0d 070809'],
  ['a negative adjustment', { lengthBytes: 1, adjustment: -1 }, '02 070809'],
] as const) {
  test(`frame: ${name}`, () => {
    const format = frameFormat(parts);
    const bytes = frame.encodeRequest({ body: Uint8Array.of(7, 8, 9), frame: format });
    assert.equal(Buffer.from(bytes).toString('hex'), hex.replaceAll(' ', ''));
    const parser = new FrameParser({ connectionLimit: 1, captureBytes: 10, frame: format });
    assert.deepEqual(parseAll(parser, 0, [bytes], describe), [`${PARSED.message} 070809`, 'idle']);
  });
}

for (const [name, parts, message] of [
  ['a width that is none', { lengthBytes: 5 }, /width is 5/],
  ['magic that is not hexadecimal', { magic: 'xyz' }, /magic is "xyz"/],
  ['a length inside the magic', { magic: '4c53', lengthOffset: 1 }, /offset is 1/],
  ['a header shorter than the length', { lengthOffset: 4, headerBytes: 6 }, /headerBytes is 6/],
  ['a header that denies the magic', { magic: '4c53', header: '4c54' }, /header is "4c54"/],
  ['an unknown way of counting', { counts: 'bits' }, /counts is "bits"/],
  ['a limit without end', { maxPayloadBytes: Number.POSITIVE_INFINITY }, /max is/],
] as const) {
  test(`frame: ${name} is refused`, () => {
    assert.throws(() => frameFormat(parts as never), { code: 'USAGE', message });
  });
}

test('frame: payloads come back as sent, and are not kept when nobody wants them', () => {
  const body = Uint8Array.of(1, 2, 3, 4, 5);
  const bytes = frame.encodeRequest({ body });
  const pieces = [bytes.subarray(0, 6), bytes.subarray(6)];
  for (const [captureBytes, seen] of [
    [100, '0102030405'],
    [3, '010203'],
    [0, ''],
  ] as const) {
    const parser = new FrameParser({ connectionLimit: 1, captureBytes });
    assert.deepEqual(parseAll(parser, 0, pieces, describe), [`${PARSED.message} ${seen}`, 'idle']);
    assert.deepEqual(parseAll(parser, 0, [bytes], describe), [`${PARSED.message} ${seen}`, 'idle']);
  }
});

test('frame: a length over the limit is bad before a byte of it is kept', () => {
  const parser = new FrameParser({ connectionLimit: 1, maxPayloadBytes: 1000, captureBytes: 1000 });
  assert.deepEqual(parseAll(parser, 0, [Uint8Array.of(0xff, 0xff, 0xff, 0xff)], describe), [
    'bad: frame length out of bounds',
  ]);
  const tooSmall = new FrameParser({ connectionLimit: 1, frame: frameFormat({ counts: 'everything' }) });
  assert.deepEqual(parseAll(tooSmall, 0, [Uint8Array.of(0, 0, 0, 3)], describe), [
    'bad: frame length out of bounds',
  ]);
});

test('frame: wrong magic is a bad reply, at its first byte', () => {
  const parser = new FrameParser({ connectionLimit: 1, frame: frameFormat({ magic: '4c53' }) });
  for (const bytes of [Uint8Array.of(0x4c, 0x54), Uint8Array.of(0, 0, 0, 0, 0, 0, 0)]) {
    parser.reset(0);
    assert.deepEqual(parseAll(parser, 0, [bytes], describe), ['bad: wrong magic bytes']);
  }
});

test('frame: a stream that ends inside a frame is truncated', () => {
  const parser = new FrameParser({ connectionLimit: 2 });
  assert.equal(parser.endOfStream(0), PARSED.more);
  for (const part of [Uint8Array.of(0), Uint8Array.of(0, 0, 0, 2, 1)]) {
    parser.reset(0);
    parser.feed(0, part, 0, part.length);
    assert.equal(parser.endOfStream(0), PARSED.bad);
    assert.equal(parser.problem, 'truncated reply');
  }
});

test('frame: a payload too long, or too short, for its length field is refused', () => {
  const one = frameFormat({ lengthBytes: 1, counts: 'everything' });
  assert.equal(frame.encodeRequest({ body: new Uint8Array(254), frame: one }).length, 255);
  assert.throws(() => frame.encodeRequest({ body: new Uint8Array(255), frame: one }), { code: 'USAGE' });
  const minus = frameFormat({ adjustment: -2 });
  assert.throws(() => frame.encodeRequest({ body: new Uint8Array(1), frame: minus }), { code: 'USAGE' });
});
