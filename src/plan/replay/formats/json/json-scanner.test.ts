// Goal: what JSON.parse takes for an object is read, with the same values, and nothing else is. Method: properties against
// JSON.parse over any JSON, and over mutations of it; deep, long and cut texts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { runs } from '../../../../../test/helpers/depth.ts';
import { DEPTH_MAX, JsonScanner, KIND } from './json-scanner.ts';

const PATHS = ['a', 'b.c', 'b.d.e', 'f g', 'long', 'b.c.x'];

/** What a scan found, as JSON.parse gives it. */
function found(scanner: JsonScanner, bytes: Buffer): unknown[] {
  return PATHS.map((_, i) => {
    const text = bytes.toString('utf8', scanner.ranges[2 * i]!, scanner.ranges[2 * i + 1]!);
    if (scanner.kinds[i] === KIND.absent) return null;
    return JSON.parse(scanner.kinds[i] === KIND.text ? `"${text}"` : text);
  });
}

/** The same by looking into what JSON.parse made: dots go down, or are the key's own; the last one written counts. */
function expected(value: Record<string, unknown>, path: string): unknown {
  let at: unknown = value;
  for (const key of path.split('.')) at = isObject(at) && Object.hasOwn(at, key) ? at[key] : null;
  while (Array.isArray(at)) at = at[0];
  return at === undefined || isObject(at) ? null : at;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parsed(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

const keys = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'x', 'f g', 'long', 'other');
const leaves = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
);
const { object } = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 5 }, leaves, tie('object'), fc.array(tie('value'), { maxLength: 3 })),
  object: fc.dictionary(keys, tie('value'), { maxKeys: 6 }),
})) as { object: fc.Arbitrary<Record<string, unknown>> };
const indents = fc.constantFrom(undefined, 1, '\t');

test('any object gives the values that JSON.parse gives', () => {
  const scanner = new JsonScanner(PATHS);
  fc.assert(
    fc.property(object, indents, (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      const bytes = Buffer.from(`junk${text}junk`);
      assert.ok(scanner.scan(bytes, 4, bytes.length - 4), text);
      const back = JSON.parse(text);
      assert.deepEqual(
        found(scanner, bytes),
        PATHS.map((path) => expected(back, path)),
      );
    }),
    { numRuns: runs(2000) },
  );
});

test('a text that has been tampered with is JSON exactly when JSON.parse says so', () => {
  const scanner = new JsonScanner(PATHS);
  const bytes = fc.constantFrom(...'{}[]:,"\\ 0123456789.eE+-truefalsn\t\x01\u00ffu');
  const change = fc.record({
    at: fc.nat(),
    remove: fc.nat({ max: 2 }),
    insert: fc.array(bytes, { maxLength: 2 }),
  });
  let brokenCount = 0;
  fc.assert(
    fc.property(object, fc.array(change, { minLength: 1, maxLength: 3 }), (value, changes) => {
      let text = JSON.stringify(value);
      for (const { at, remove, insert } of changes) {
        const from = at % (text.length + 1);
        text = text.slice(0, from) + insert.join('') + text.slice(from + remove);
      }
      const asBytes = Buffer.from(text);
      const back = parsed(asBytes.toString());
      if (back === null) brokenCount++;
      assert.equal(scanner.scan(asBytes, 0, asBytes.length), back !== null, text);
      if (back === null) return;
      assert.deepEqual(
        found(scanner, asBytes),
        PATHS.map((path) => expected(back, path)),
        text,
      );
    }),
    { numRuns: runs(10_000) },
  );
  assert.ok(brokenCount > 100, String(brokenCount));
});

const HOSTILE: [name: string, text: string | Buffer, isJson: boolean][] = [
  ['a bomb of brackets', `{"a":${'['.repeat(1_000_000)}`, false],
  ['a bomb of objects', `{"a":1,${'"b":{'.repeat(100_000)}`, false],
  ['as deep as may be', `${'{"a":'.repeat(DEPTH_MAX)}1${'}'.repeat(DEPTH_MAX)}`, true],
  ['one deeper', `${'{"a":'.repeat(DEPTH_MAX + 1)}1${'}'.repeat(DEPTH_MAX + 1)}`, false],
  ['a string without an end', '{"a":"x', false],
  ['a key without an end', '{"a', false],
  ['an escape without an end', '{"a":"\\', false],
  ['a number too large', '{"a":1e999}', true],
  ['a number with nothing behind its dot', '{"a":1.}', false],
  ['a leading zero', '{"a":01}', false],
  ['a minus alone', '{"a":-}', false],
  ['broken UTF-8', Buffer.from('7b2261223a22ff80c3227d', 'hex'), true],
  ['half a surrogate', '{"a":"\\ud800"}', true],
  ['a control character', '{"a":"\x01"}', false],
  ['two objects', '{}{}', false],
  ['a list', '[{"a":1}]', false],
  ['brackets that do not match', '{"a":[1}}', false],
  ['a comma too many', '{"a":1,}', false],
  ['nothing', '', false],
  ['an empty value, as servers write of what they do not know', '{"a":,"b":1}', false],
];

for (const [name, text, isJson] of HOSTILE) {
  test(`hostile JSON: ${name}`, () => {
    const bytes = Buffer.from(text as string);
    assert.equal(new JsonScanner(PATHS).scan(bytes, 0, bytes.length), isJson);
  });
}

test('of a key that comes twice the last one counts, and what was below the first is forgotten', () => {
  const scanner = new JsonScanner(PATHS);
  const bytes = Buffer.from('{"a":1,"b":{"c":1,"d":{"e":2}},"b":{"c":3},"a":null}');
  assert.ok(scanner.scan(bytes, 0, bytes.length));
  assert.deepEqual(found(scanner, bytes), [null, 3, null, null, null, null]);
});

test('a path is found as a key that has dots of its own, too', () => {
  const scanner = new JsonScanner(PATHS);
  const bytes = Buffer.from('{"b":{"c":["first","second"]},"b.d.e":"x"}');
  assert.ok(scanner.scan(bytes, 0, bytes.length));
  assert.deepEqual(found(scanner, bytes), [null, 'first', 'x', null, null, null]);
});
