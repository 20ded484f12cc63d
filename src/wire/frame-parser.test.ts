// Goal: frames are counted, kept and bounded exactly. Method: a table of formats, and the parser contract.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseAll, parserContract } from './codec.contract.ts';
import { type FrameFormat, PARSED } from './codec.ts';
import { frame } from './frame.ts';
import { FrameParser } from './frame-parser.ts';

function describe(parser: unknown): string {
  const { payloadBytes, payloadStart, payloadEnd } = parser as FrameParser;
  return Buffer.from(payloadBytes.subarray(payloadStart, payloadEnd)).toString('hex');
}

const FORMATS: FrameFormat[] = [1, 2, 4].flatMap((lengthBytes) =>
  [false, true].flatMap((littleEndian) =>
    [false, true].map((countsItself) => ({ lengthBytes, littleEndian, countsItself }) as FrameFormat),
  ),
);

for (const format of FORMATS) {
  parserContract({
    name: `frame ${JSON.stringify(format)}`,
    create: (connectionLimit) =>
      new FrameParser({ connectionLimit, keepPayload: true, maxPayloadBytes: 300, frame: format }),
    describe,
    streams: fc
      .array(fc.uint8Array({ maxLength: format.lengthBytes === 1 ? 200 : 300 }), {
        minLength: 1,
        maxLength: 6,
      })
      .map((bodies) => ({
        bytes: Uint8Array.from(bodies.flatMap((body) => [...frame.encodeRequest({ body, frame: format })])),
        messageCount: bodies.length,
      })),
  });
}

test('frame: the default is four bytes of length, big-endian', () => {
  const bytes = frame.encodeRequest({ body: Uint8Array.of(7, 8, 9) });
  assert.deepEqual([...bytes], [0, 0, 0, 3, 7, 8, 9]);
});

test('frame: payloads come back as sent, and are not kept when nobody wants them', () => {
  const body = Uint8Array.of(1, 2, 3, 4, 5);
  const bytes = frame.encodeRequest({ body });
  const keeping = new FrameParser({ connectionLimit: 1, keepPayload: true });
  assert.deepEqual(parseAll(keeping, 0, [bytes.subarray(0, 6), bytes.subarray(6)], describe), [
    `${PARSED.message} 0102030405`,
    'idle',
  ]);
  const counting = new FrameParser({ connectionLimit: 1 });
  assert.deepEqual(parseAll(counting, 0, [bytes], describe), [`${PARSED.message} `, 'idle']);
});

test('frame: a length over the limit is bad before a byte of it is kept', () => {
  const parser = new FrameParser({ connectionLimit: 1, maxPayloadBytes: 1000, keepPayload: true });
  assert.deepEqual(parseAll(parser, 0, [Uint8Array.of(0xff, 0xff, 0xff, 0xff)], describe), [
    'bad: frame too long',
  ]);
  const tooSmall = new FrameParser({
    connectionLimit: 1,
    frame: { lengthBytes: 4, littleEndian: false, countsItself: true },
  });
  assert.deepEqual(parseAll(tooSmall, 0, [Uint8Array.of(0, 0, 0, 3)], describe), ['bad: frame too long']);
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

test('frame: a payload too long for its length field is refused', () => {
  const format: FrameFormat = { lengthBytes: 1, littleEndian: false, countsItself: true };
  assert.equal(frame.encodeRequest({ body: new Uint8Array(254), frame: format }).length, 255);
  assert.throws(() => frame.encodeRequest({ body: new Uint8Array(255), frame: format }), { code: 'USAGE' });
});
