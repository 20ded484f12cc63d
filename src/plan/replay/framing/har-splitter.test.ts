// Goal: the entries of a HAR file come one by one, the same wherever it is cut, without what replies contained, and the
// memory is bounded. Method: a property over made files and cuts, and broken files.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { runs } from '../../../../test/helpers/depth.ts';
import { REFUSAL } from '../lines/refusal.ts';
import { createHarSplitter } from './har-splitter.ts';
import { RECORD_BYTES_MAX } from './splitter.ts';
import { split } from './testing/split.ts';

const texts = fc.string({
  unit: fc.constantFrom('a', '"', '\\', '{', '}', '[', ']', ',', ':', 'é', '\n'),
  maxLength: 9,
});
const values: fc.Arbitrary<unknown> = fc.oneof(
  { maxDepth: 2 },
  texts,
  fc.integer(),
  fc.constant(null),
  fc.array(texts, { maxLength: 3 }),
  fc.dictionary(fc.oneof(texts, fc.constantFrom('text', 'content', 'log')), texts, { maxKeys: 3 }),
);
const entries = fc.record({
  request: values,
  text: texts,
  response: fc.record({
    status: fc.nat(),
    content: fc.record({ size: fc.nat(), text: texts, mimeType: texts }),
  }),
  extra: values,
});
const items = fc.oneof({ weight: 4, arbitrary: entries }, values);
const files = fc.record({
  before: values,
  log: fc.record({
    creator: values,
    pages: values,
    entries: fc.array(items, { maxLength: 5 }),
    after: values,
  }),
});

/** What is left of an item: everything but what its reply contained. */
function kept(item: unknown): unknown {
  const copy = structuredClone(item) as { response?: { content?: { text?: unknown } } } | null;
  const content = copy?.response?.content;
  if (typeof content?.text === 'string') content.text = '';
  return copy;
}

test('every item of log.entries is a record, wherever the file is cut and however it is laid out', () => {
  fc.assert(
    fc.property(
      files,
      fc.constantFrom(undefined, 2),
      fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 }),
      (file, indent, lengths) => {
        const pieces = split(createHarSplitter(), Buffer.from(JSON.stringify(file, null, indent)), lengths);
        assert.deepEqual(
          pieces.map(({ text }) => JSON.parse(Buffer.from(text, 'latin1').toString())),
          file.log.entries.map(kept),
        );
        assert.deepEqual(
          pieces.map(({ number, refusal, unfinished }) => [number, refusal, unfinished]),
          file.log.entries.map((_, i) => [i + 1, REFUSAL.none, false]),
        );
      },
    ),
    { numRuns: runs(1000) },
  );
});

const entry = (content: string) => `{"request":{},"response":{"content":{"text":"${content}"}}}`;
const { none, json, cutShort, layout, tooLong } = REFUSAL;
const BROKEN: [name: string, text: string, refusals: number[]][] = [
  ['an empty list', '{"log":{"entries":[]}}', []],
  ['nothing', '', []],
  ['another JSON file', '{"a":[1,2]}', [layout]],
  ['no JSON at all', 'GET / HTTP/1.1\n', [layout]],
  ['a file that ends between two entries', `{"log":{"entries":[${entry('x')},`, [none, cutShort]],
  ['a file that ends in an entry', `{"log":{"entries":[${entry('x')},{"request":`, [none, none]],
  ['a file that ends before its entries', '{"log":{"creator":{', [cutShort]],
  ['brackets that do not match', `{"log":{"entries":[${entry('x')},{]}}`, [none, json]],
  ['one brace too many', '{"log":{"entries":[]}}}', [json]],
  ['a string without an end', `{"log":{"entries":[${entry('x')},{"a":"${'y'.repeat(100)}`, [none, none]],
  ['a bomb of brackets', `{"log":{"entries":[${'['.repeat(100_000)}`, [none]],
  ['a bomb that closes', `{"log":{"entries":[${'[{"a":'.repeat(2000)}1${'}]'.repeat(2000)}]}}`, [none]],
  ['two files, one behind the other', `{"log":{"entries":[${entry('x')}]}}`.repeat(2), [none, none]],
];

for (const [name, text, refusals] of BROKEN) {
  for (const lengths of [[1], [17], [1 << 20]]) {
    test(`a HAR file, ${name}, in pieces of ${lengths}`, () => {
      const pieces = split(createHarSplitter(), Buffer.from(text), lengths);
      assert.deepEqual(
        pieces.map(({ refusal }) => refusal),
        refusals,
      );
    });
  }
}

test('what replies contained is not held, and an entry that is too long without it is refused', () => {
  const long = 'x'.repeat(3 * RECORD_BYTES_MAX);
  const text = `{"log":{"entries":[${entry(long)},{"a":"${long}"},${entry('y')}]}}`;
  const pieces = split(createHarSplitter(), Buffer.from(text), [65_536]);
  assert.deepEqual(
    pieces.map(({ refusal, text: record }) => [refusal, record.length]),
    [
      [none, entry('').length],
      [tooLong, 0],
      [none, entry('').length],
    ],
  );
});
