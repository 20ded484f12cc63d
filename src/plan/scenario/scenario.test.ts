// Goal: a scenario file becomes the requests it describes, and a wrong one an error that points at the field. Method: the
// documented and the example scenarios are loaded and encoded; tables of mistakes.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { frame } from '../../wire/frame/frame.ts';
import { http1 } from '../../wire/http1/http1.ts';
import type { EncodedRequests } from '../requests/requests.ts';
import { encodeScenario } from './compile.ts';
import { loadScenario } from './load-scenario.ts';
import { validateScenario } from './schema.ts';

const EXAMPLES = fileURLToPath(new URL('../../../examples/scenarios/', import.meta.url));
const DOCS = new URL('../../../docs/reference/scenarios.md', import.meta.url);

const scratch = mkdtempSync(join(tmpdir(), 'loopscope-scenario-'));
after(() => rmSync(scratch, { recursive: true }));

async function encode(path: string, codec = http1 as typeof http1 | typeof frame): Promise<EncodedRequests> {
  const loaded = await loadScenario(path);
  return encodeScenario(loaded.scenario, { ...loaded, codec, base: { path: '/', host: 'h' }, seed: 1 });
}

function write(name: string, text: string): string {
  const path = join(scratch, name);
  writeFileSync(path, text);
  return path;
}

/** Of a JSON scenario with one kind. */
const encodeKind = (kind: object, codec?: typeof frame) =>
  encode(write('one.json', JSON.stringify({ kinds: [kind] })), codec);

/** All requests of one round, as text. */
function texts({ arena, offsets, lengths, order }: EncodedRequests): string[] {
  return [...order].map((variant) =>
    Buffer.from(arena.subarray(offsets[variant]!, offsets[variant]! + lengths[variant]!)).toString(),
  );
}

test('the documented scenario is the example, and its requests are those it describes', async () => {
  const block = /```json\n([\s\S]*?)```/.exec(readFileSync(DOCS, 'utf8'))![1]!;
  assert.deepEqual(JSON.parse(block), JSON.parse(readFileSync(join(EXAMPLES, 'shop.json'), 'utf8')));
  const encoded = await encode(join(EXAMPLES, 'shop.json'));
  assert.deepEqual(encoded.kindNames, ['product', 'search', 'order', 'avatar']);
  const all = texts(encoded);
  const share = (start: string) => all.filter((text) => text.startsWith(start)).length / all.length;
  assert.deepEqual(
    ['GET /products/', 'GET /search', 'POST /orders', 'PUT /me/'].map(share),
    [0.7, 0.2, 0.09, 0.01],
  );
  const products = all.filter((text) => text.startsWith('GET /products/'));
  assert.deepEqual(
    products.slice(0, 4).map((text) => text.split(' ')[1]),
    ['/products/17', '/products/18', '/products/19', '/products/17'],
  );
  assert.ok(all.some((text) => text.startsWith('GET /search?q=red%20shoes HTTP/1.1\r\nHost: h\r\n')));
  const order = all.find((text) => text.startsWith('POST'))!;
  assert.match(order, /\r\nX-User: ada\r\n/);
  assert.match(order, /\r\nUser-Agent: loopscope\r\n/);
  assert.match(order, /\r\nContent-Type: application\/json\r\n/);
  assert.equal(order.split('\r\n\r\n')[1], '{"user":"ada","age":36,"note":"for ada","items":[17,18]}');
  const avatar = all.find((text) => text.startsWith('PUT'))!;
  assert.equal(avatar.split('\r\n\r\n')[1], readFileSync(join(EXAMPLES, 'avatar.svg'), 'utf8'));
  assert.deepEqual(encoded.checks[2]!.status, [
    [201, 201],
    [202, 202],
  ]);
});

test('every example can be loaded and encoded', async () => {
  for (const name of readdirSync(EXAMPLES).filter((file) => /\.(json|ts)$/.test(file))) {
    const encoded = await encode(join(EXAMPLES, name), name === 'agent.json' ? frame : http1);
    assert.ok(encoded.offsets.length > 1, name);
  }
});

test('every field is documented, and nothing else', () => {
  const text = readFileSync(DOCS, 'utf8');
  const documented = [...text.matchAll(/^\| `(?:kinds\[\]\.)?(\w+)` \|/gm)].map((match) => match[1]);
  const message = (value: unknown) => {
    try {
      validateScenario(value, 'x');
    } catch (error) {
      return (error as { hint: string }).hint.replace('known here: ', '').split(', ');
    }
    throw new Error('must be refused');
  };
  const real = [...message({ kinds: [{}], zzzzzzzzzzzz: 1 }), ...message({ kinds: [{ zzzzzzzzzzzz: 1 }] })];
  assert.deepEqual([...documented].sort(), real.sort());
});

const REFUSED: [value: unknown, message: RegExp, hint?: RegExp][] = [
  [5, /^x: must be an object, got 5/],
  [[{ path: '/' }], /^x: must be an object, got a list/, /kinds/],
  [{}, /^x: kinds: is missing/],
  [{ kinds: [] }, /^x: kinds: must have at least one kind, got \[\]/],
  [{ kinds: 3 }, /^x: kinds: must be a list of kinds of requests, got 3/],
  [{ kinds: [{}, {}, { weight: 'x' }] }, /^x: kinds\[2\]\.weight: must be a positive number, got "x"/],
  [{ kinds: [{ weight: 0 }] }, /kinds\[0\]\.weight: must be a positive number, got 0/],
  [{ kinds: [{ wieght: 1 }] }, /kinds\[0\]\.wieght: no such field/, /did you mean weight\?/],
  [{ kinds: [{}], failIff: [] }, /^x: failIff: no such field/, /did you mean failIf\?/],
  [{ kind: [] }, /^x: kind: no such field/, /did you mean kinds\?/],
  [{ kinds: [{ path: 'x' }] }, /kinds\[0\]\.path: must begin with \/, got "x"/],
  [{ kinds: [{ headers: { a: 1 } }] }, /kinds\[0\]\.headers\.a: must be text, got 1/],
  [{ kinds: [{ headers: ['a: b'] }] }, /kinds\[0\]\.headers: must be an object of header names/],
  [{ kinds: [{ body: 5 }] }, /kinds\[0\]\.body: must be text, or an object or list/],
  [{ kinds: [{ data: 5 }] }, /kinds\[0\]\.data: must be a file name/],
  [{ kinds: [{ data: [] }] }, /kinds\[0\]\.data: must have at least one row/],
  [
    { kinds: [{ data: { file: 'a.csv', pick: 'any' } }] },
    /data\.pick: must be "sequential" or "random", got "any"/,
  ],
  [{ kinds: [{ data: { fiel: 'a' } }] }, /data\.fiel: no such field/, /did you mean file\?/],
  [{ kinds: [{ checks: { staus: 1 } }] }, /checks\.staus: no such field/, /did you mean status\?/],
  [{ kinds: [{ checks: { status: [200, 'ok'] } }] }, /checks\.status\[1\]: must be a status .*, got "ok"/],
  [
    { kinds: [{ checks: { headers: { a: { matches: '(' } } } }] },
    /headers\.a\.matches: is not a regular expression/,
  ],
  [{ kinds: [{ checks: { body: { bytes: -1 } } }] }, /body\.bytes: must be a whole number of bytes, got -1/],
  [{ kinds: [{}], captureBytes: 1e12 }, /captureBytes: must be at most/],
  [JSON.parse('{"kinds":[{"headers":{"__proto__":"x"}}]}'), /kinds\[0\]\.headers: must be an object/],
  [{ kinds: [{ body: () => 1 }] }, /kinds\[0\]\.body: .* got a function/],
];

for (const [value, message, hint] of REFUSED) {
  test(`refused: ${JSON.stringify(value)}`, () => {
    assert.throws(
      () => validateScenario(value, 'x'),
      (error) => {
        const { code, message: text, hint: help } = error as { code: string; message: string; hint: string };
        assert.equal(code, 'USAGE');
        assert.match(text, message);
        if (hint) assert.match(help, hint);
        return true;
      },
    );
  });
}

test('any value is a scenario, or is refused by a message that names a place', () => {
  const names = fc.constantFrom(
    'kinds',
    'path',
    'checks',
    'body',
    'headers',
    'data',
    'json',
    'bytes',
    'x',
    '__proto__',
  );
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'medium' },
      fc.constantFrom(null, 0, -1, 1.5, '', '/x', '{{a}}', '2xx', true),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(names, tie('value'), { maxKeys: 4 }),
    ),
  }));
  fc.assert(
    fc.property(value, (kind) => {
      for (const candidate of [
        kind,
        { kinds: [kind] },
        { kinds: [{ checks: kind }] },
        { kinds: [{ data: kind }] },
      ]) {
        try {
          validateScenario(candidate, 'x');
        } catch (error) {
          const { code, message } = error as { code: string; message: string };
          assert.equal(code, 'USAGE', message);
          assert.match(message, /^x: /);
        }
      }
    }),
    { numRuns: 500 },
  );
  const circular: Record<string, unknown> = {};
  circular.self = circular;
  assert.throws(() => validateScenario({ kinds: [{ body: circular }] }, 'x'), {
    message: /refers to itself/,
  });
});

test('a mix of any kinds: each request is the one that its row and weight call for', () => {
  const word = fc.string({ minLength: 1, maxLength: 6 });
  const kinds = fc.array(
    fc.record({
      weight: fc.integer({ min: 1, max: 9 }),
      rows: fc.array(word, { minLength: 1, maxLength: 12 }),
    }),
    { minLength: 1, maxLength: 5 },
  );
  fc.assert(
    fc.property(kinds, fc.nat(), (given, seed) => {
      const scenario = validateScenario(
        {
          kinds: given.map(({ weight, rows }, i) => ({
            name: `k${i}`,
            weight,
            path: `/${i}?v={{v|url}}`,
            body: { v: '{{v}}' },
            data: rows.map((v) => ({ v })),
          })),
        },
        'x',
      );
      const readFile = () => assert.fail('no file is named');
      const encoded = encodeScenario(scenario, {
        codec: http1,
        base: { host: 'h' },
        where: 'x',
        readFile,
        seed,
      });
      const taken = given.map(() => 0);
      for (const text of texts(encoded)) {
        const kind = Number(/^POST \/(\d)/.exec(text)![1]);
        const value = given[kind]!.rows[taken[kind]!++ % given[kind]!.rows.length]!;
        assert.ok(text.startsWith(`POST /${kind}?v=${encodeURIComponent(value)} HTTP/1.1\r\n`), text);
        assert.deepEqual(JSON.parse(text.split('\r\n\r\n')[1]!), { v: value });
      }
      const total = taken.reduce((sum, count) => sum + count, 0);
      const weights = given.reduce((sum, { weight }) => sum + weight, 0);
      given.forEach(({ weight, rows }, kind) => {
        assert.equal(taken[kind]! * weights, weight * total);
        assert.ok(taken[kind]! >= rows.length);
      });
    }),
    { numRuns: 100 },
  );
});

test('what only compiling finds out is refused by field too', async () => {
  const table: [object, RegExp][] = [
    [{ path: '/{{x}}' }, /one\.json: kinds\[0\]\.path: uses {{x}}, and its kind has no data/],
    [{ path: '/{{q}}', data: [{ q: 'a b' }] }, /kinds\[0\] "GET \/{{q}}", .*data:1: the path "\/a b"/],
    [{ path: '/', data: [{ a: 1 }] }, /kinds\[0\]\.data: no variable of the request uses it/],
    [{ path: '/', data: 'x.txt' }, /kinds\[0\]\.data: "x\.txt" ends in neither/],
    [{ body: 'x', bodyFile: 'y' }, /kinds\[0\]: has both body and bodyFile/],
    [{ checks: { status: '299-200' } }, /kinds\[0\]\.checks\.status: "299-200" runs backwards/],
    [{ checks: { body: { has: 'a' } } }, /checks\.body\.has: a path begins with \$/],
    [
      { checks: { body: { json: { '$.a[*]': 1 } } } },
      /checks\.body\.json: "\$\.a\[\*\]" cannot be read from column 4/,
    ],
  ];
  for (const [kind, message] of table) await assert.rejects(encodeKind(kind), { code: 'USAGE', message });
  await assert.rejects(encodeKind({ data: 'none.csv' }), {
    code: 'FILE_UNREADABLE',
    message: /kinds\[0\]\.data: cannot read/,
  });
  await assert.rejects(encodeKind({ bodyFile: '.' }), {
    code: 'FILE_UNREADABLE',
    message: /it is a directory/,
  });
  await assert.rejects(encodeKind({ method: 'GET', body: 'x' }, frame), {
    message: /method: the frame protocol has none/,
  });
  await assert.rejects(encodeKind({ checks: { status: 200 } }, frame), {
    message: /checks\.status: .* frame protocol/,
  });
  const twice = write('twice.json', JSON.stringify({ kinds: [{ path: '/a' }, { path: '/a' }] }));
  await assert.rejects(encode(twice), { message: /kinds\[1\]\.name: two kinds are called "GET \/a"/ });
  writeFileSync(join(scratch, 'latin.csv'), Buffer.from('a\n\xe9\n', 'latin1'));
  await assert.rejects(encodeKind({ data: 'latin.csv' }), { message: /"latin\.csv" is not UTF-8 text/ });
});

test('files that are no scenario: the line, the export, or the ending', async () => {
  const table: [name: string, text: string, message: RegExp][] = [
    ['broken.json', '{\n  "kinds": [,]\n}', /^broken\.json:2:13: not JSON/],
    [
      'throws.ts',
      'const x: number[] = [];\n\nthrow new RangeError("no " + x.length);\n',
      /^throws\.ts:3:7: RangeError: no 0/,
    ],
    ['late.ts', 'function f(): never {\n  throw new Error("deep");\n}\nf();\n', /^late\.ts:2:9: Error: deep/],
    ['syntax.ts', 'export const scenario = {\n  kinds: [\n};\n', /^syntax\.ts(:3(:\d+)?)?: /],
    ['value.ts', 'throw 5;', /^value\.ts: threw 5/],
    ['nothing.ts', 'export const other = 1;', /^nothing\.ts: exports other, and no scenario/],
    [
      'wrong.mjs',
      'export const scenario = { kinds: [{ weight: -1 }] };',
      /^wrong\.mjs: kinds\[0\]\.weight: /,
    ],
    ['scenario.yaml', 'kinds:', /ends in none of \.json/],
  ];
  for (const [name, text, message] of table) {
    await assert.rejects(loadScenario(write(name, text)), { code: 'USAGE', message }, name);
  }
  await assert.rejects(loadScenario(join(scratch, 'none.json')), { code: 'FILE_UNREADABLE' });
  await assert.rejects(loadScenario(join(scratch, 'none.ts')), { code: 'FILE_UNREADABLE' });
});
