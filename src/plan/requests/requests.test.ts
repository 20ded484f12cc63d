// Goal: mixes are exact and spread, every row comes round, equal requests are kept once. Method: properties against the
// definition, and a codec that writes a request down as text.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LoopscopeError } from '../../base/errors.ts';
import type { Codec } from '../../wire/codec.ts';
import { http1 } from '../../wire/http1/http1.ts';
import { cycleCounts, type MixEntry, mixOrder } from './mix.ts';
import { OwnValuesReader } from './own-values.ts';
import { type EncodedRequests, encodeRequests, plainRequest, type RequestKind } from './requests.ts';

const entry = (weight: number, rowCount = 1, pick: MixEntry['pick'] = 'sequential'): MixEntry => ({
  name: `weight ${weight}`,
  weight,
  rowCount,
  pick,
});

/** Kinds by request number. */
function kindsOf(mix: readonly MixEntry[], seed: number): number[] {
  const { order, useKind } = mixOrder(mix, seed);
  return [...order].map((use) => useKind[use]!);
}

test('a mix is exact over its cycle and never more than a request off before', () => {
  const weights = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(weights, fc.nat(), (given, seed) => {
      const total = given.reduce((sum, weight) => sum + weight, 0);
      const order = kindsOf(
        given.map((weight) => entry(weight)),
        seed,
      );
      const counts = given.map(() => 0);
      order.forEach((kind, i) => {
        counts[kind]!++;
        given.forEach((weight, k) => {
          const share = ((i + 1) * weight) / total;
          assert.ok(
            Math.abs(counts[k]! - share) < 1 + 1e-9,
            `kind ${k} after ${i + 1}: ${counts[k]} of ${share}`,
          );
        });
      });
      assert.equal(order.length % total === 0 || total % order.length === 0, true);
      given.forEach((weight, k) => {
        assert.equal(counts[k]! * total, weight * order.length);
      });
    }),
    { numRuns: 200 },
  );
});

test('the seed decides ties, and nothing else', () => {
  const mix = [entry(1), entry(1), entry(1)];
  assert.deepEqual(kindsOf(mix, 5), kindsOf(mix, 5));
  const orders = new Set(Array.from({ length: 40 }, (_, seed) => kindsOf(mix, seed).join('')));
  assert.equal(orders.size, 6);
});

test('weights come down to the smallest whole numbers', () => {
  const counts = (...weights: number[]) => cycleCounts(weights.map((weight) => entry(weight)));
  assert.deepEqual(counts(70, 20, 10), [7, 2, 1]);
  assert.deepEqual(counts(0.5, 0.25), [2, 1]);
  assert.deepEqual(counts(2.5), [1]);
  assert.throws(() => counts(1e9, 7), /repeat only after .* requests/);
  assert.throws(() => counts(0, 1), /weight 0/);
  assert.throws(() => counts(Number.NaN), /weight NaN/);
  assert.throws(() => counts(), /from 1 to 1000 kinds/);
});

test('rows: in order and each kind from its own place, or any of them', () => {
  const { order, useKind, useRow } = mixOrder([entry(2, 5), entry(1, 3, 'random')], 1);
  const rows = (kind: number) => [...order].filter((use) => useKind[use] === kind).map((use) => useRow[use]!);
  assert.deepEqual(rows(0).slice(0, 7), [0, 1, 2, 3, 4, 0].slice(0, rows(0).length));
  assert.equal(order.length, 9);
  assert.ok(rows(1).every((row) => row >= 0 && row < 3));
  assert.deepEqual(mixOrder([entry(1, 50, 'random')], 3), mixOrder([entry(1, 50, 'random')], 3));
  assert.notDeepEqual(mixOrder([entry(1, 50, 'random')], 3), mixOrder([entry(1, 50, 'random')], 4));
  assert.throws(
    () => mixOrder([entry(1, 100_000), entry(999)], 1),
    /100000 rows come round only after 100000000/,
  );
});

const text: Codec = {
  ...http1,
  name: 'text',
  encodeRequest: ({ path = '' }) => Buffer.from(path),
};

const kind = (name: string, paths: readonly string[], rest: Partial<RequestKind> = {}): RequestKind => ({
  name,
  rowCount: paths.length,
  pick: 'sequential',
  requestOf: (row) => ({ path: paths[row]! }),
  ...rest,
});

const at = ({ arena, offsets, lengths, order }: EncodedRequests, n: number) => {
  const variant = order[n % order.length]!;
  return Buffer.from(arena.subarray(offsets[variant]!, offsets[variant]! + lengths[variant]!)).toString();
};

test('what is sent is what the rows say, in their order; equal bytes are kept once', () => {
  const paths = fc.array(fc.string({ maxLength: 5 }), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(paths, (rows) => {
      const encoded = encodeRequests(text, [kind('a', rows)]);
      for (let n = 0; n < 2 * rows.length; n++) {
        const expected = Buffer.from(rows[n % rows.length]!).toString();
        assert.equal(at(encoded, n), expected);
      }
      const distinct = new Set(rows.map((row) => Buffer.from(row).toString('hex')));
      assert.equal(encoded.offsets.length, distinct.size);
    }),
    { numRuns: 200 },
  );
});

test('kinds keep their names, checks and variants apart, also where bytes are equal', () => {
  const encoded = encodeRequests(text, [kind('a', ['x', 'x']), kind('b', ['x'])]);
  assert.deepEqual([...encoded.kindOf].sort(), [0, 1]);
  assert.deepEqual(encoded.kindNames, ['a', 'b']);
  assert.deepEqual(encoded.checks, [null, null]);
  assert.equal(structuredClone(encoded).arena.length, 2);
});

test('equal bytes whose checks compare with other values are kept apart, and each finds its own', () => {
  const rows = fc.array(fc.tuple(fc.constantFrom('x', 'y'), fc.string({ maxLength: 3 }), fc.string()), {
    minLength: 1,
    maxLength: 20,
  });
  fc.assert(
    fc.property(rows, (given) => {
      const ownOf = (row: number) => given[row]!.slice(1).map((value) => Buffer.from(value));
      const paths = given.map(([path]) => path);
      const encoded = encodeRequests(text, [kind('a', paths, { ownOf }), kind('b', ['x'])]);
      const reader = new OwnValuesReader(encoded.ownArena, encoded.ownOffsets);
      const seen = new Set<string>();
      for (const variant of encoded.order) {
        if (encoded.kindOf[variant] === 1) continue;
        const own = reader.of(variant);
        const { offsets, lengths, arena } = encoded;
        const bytes = arena.subarray(offsets[variant]!, offsets[variant]! + lengths[variant]!);
        seen.add(
          JSON.stringify([bytes, own.bytes(0), own.bytes(1)].map((part) => Buffer.from(part).toString())),
        );
      }
      const utf8 = (value: string) => Buffer.from(value).toString();
      assert.deepEqual(seen, new Set(given.map((row) => JSON.stringify(row.map(utf8)))));
      assert.equal(encoded.offsets.length, seen.size + 1);
    }),
    { numRuns: 100 },
  );
});

test('the plain request of a run is one variant; HEAD replies have no body', () => {
  const encoded = encodeRequests(http1, [plainRequest({ path: '/x', host: 'h', method: 'HEAD' })]);
  assert.equal(encoded.order.length, 1);
  assert.deepEqual([...encoded.noBody], [1]);
  assert.match(at(encoded, 7), /^HEAD \/x HTTP\/1.1\r\n/);
  assert.deepEqual([...encodeRequests(http1, [plainRequest({ method: 'GET' })]).noBody], [0]);
});

test('only idempotent methods of HTTP may be sent twice', () => {
  const repeatable = (method: string) =>
    encodeRequests(http1, [plainRequest({ ...(method && { method }) })]).repeatable[0];
  for (const method of ['', 'GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']) {
    assert.equal(repeatable(method), 1, method);
  }
  for (const method of ['POST', 'PATCH', 'get', 'PURGE']) assert.equal(repeatable(method), 0, method);
  assert.equal(encodeRequests(text, [kind('a', ['x'])]).repeatable[0], 0);
});

test('a memory limit is met by an error that says what to reduce; long work shows its progress', () => {
  const large = kind(
    'large',
    Array.from({ length: 100 }, (_, i) => String(i).padEnd(1000, 'x')),
  );
  assert.throws(
    () => encodeRequests(text, [large], { memoryLimitBytes: 10_000 }),
    (error) =>
      error instanceof LoopscopeError &&
      /10 of 100 variants fill/.test(error.message) &&
      /about 10 fit/.test(error.hint),
  );
  const seen: [number, number][] = [];
  const many = kind(
    'many',
    Array.from({ length: 10_000 }, (_, i) => String(i)),
  );
  encodeRequests(text, [many], { onProgress: (...progress) => seen.push(progress) });
  assert.deepEqual(seen, [
    [4096, 10_000],
    [8192, 10_000],
  ]);
});

test('a request that says Connection: close is known as its connection’s last', () => {
  const says = (...headers: [string, string][]) =>
    encodeRequests(http1, [plainRequest({ headers })]).closes[0];
  assert.equal(says(), 0);
  assert.equal(says(['Connection', 'keep-alive']), 0);
  assert.equal(says(['X-Connection', 'close']), 0);
  assert.equal(says(['Connection', 'close']), 1);
  assert.equal(says(['connection', 'TE, Close']), 1);
});
