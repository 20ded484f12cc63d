// Goal: lines are the same however the stream is cut, and none, however long, is held whole or lost. Method: properties
// over texts and cuts, and lines at the limit.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { REFUSAL } from '../lines/refusal.ts';
import { createLineSplitter } from './line-splitter.ts';
import { createLogRecord, parseRecord, RECORD_BYTES_MAX } from './splitter.ts';
import { split } from './testing/split.ts';

const texts = fc.string({ unit: fc.constantFrom('a', 'b', '\n', '\n', '\r\n', '\r', '\0'), maxLength: 60 });
const cuts = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 8 });

test('any text, cut anywhere, gives the lines that splitting it whole gives', () => {
  fc.assert(
    fc.property(texts, cuts, (text, lengths) => {
      const lines = text.split('\n').map((line) => line.replace(/\r$/, ''));
      // What follows the last line end is a line only when there is something.
      const hasRest = !text.endsWith('\n') && text !== '';
      if (!hasRest) lines.pop();
      const pieces = split(createLineSplitter(), Buffer.from(text, 'latin1'), lengths);
      assert.deepEqual(
        pieces.map((piece) => piece.text),
        lines,
      );
      pieces.forEach(({ number, unfinished }, i) => {
        assert.equal(number, i + 1);
        assert.equal(unfinished, hasRest && i === lines.length - 1);
      });
    }),
    { numRuns: 500 },
  );
});

for (const [name, lengths] of [
  ['in one chunk', []],
  ['in chunks of 64 KiB', [65_536]],
] as const) {
  test(`a line longer than 1 MiB is refused and the next one read, ${name}`, () => {
    const long = (bytes: number) => Buffer.concat([Buffer.alloc(bytes, 0x61), Buffer.from('\n')]);
    const parts = [long(RECORD_BYTES_MAX), long(RECORD_BYTES_MAX + 1), long(5 * RECORD_BYTES_MAX)];
    const text = Buffer.concat([...parts, Buffer.from('short\n'), Buffer.alloc(2 * RECORD_BYTES_MAX)]);
    const pieces = split(createLineSplitter(), text, lengths);
    const { none, tooLong } = REFUSAL;
    assert.deepEqual(
      pieces.map(({ refusal, text: line }) => [refusal, line.length]),
      [
        [none, RECORD_BYTES_MAX],
        [tooLong, 0],
        [tooLong, 0],
        [none, 5],
        [tooLong, 0],
      ],
    );
    assert.deepEqual(
      pieces.map(({ number }) => number),
      [1, 2, 3, 4, 5],
    );
  });
}

test('a last line without an end is cut short only where it cannot be read', () => {
  const record = { ...createLogRecord(), unfinished: true };
  const answering = (refusal: (typeof REFUSAL)[keyof typeof REFUSAL]) =>
    parseRecord({ parse: () => refusal }, record, undefined as never);
  assert.equal(answering(REFUSAL.none), REFUSAL.none);
  assert.equal(answering(REFUSAL.layout), REFUSAL.cutShort);
  assert.equal(answering(REFUSAL.aside), REFUSAL.aside);
  record.refusal = REFUSAL.tooLong;
  assert.equal(answering(REFUSAL.none), REFUSAL.tooLong);
});
