// Goal: a check with variables passes the reply to its own request, and no other; what cannot be looked up is refused
// before the run. Method: small scenarios with rows, their replies written by hand; a property over rows; mistakes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Codec } from '../../wire/codec.ts';
import { frame } from '../../wire/frame/frame.ts';
import { http1 } from '../../wire/http1/http1.ts';
import { checkReply } from '../requests/check.ts';
import { OwnValuesReader } from '../requests/own-values.ts';
import { encodeScenario } from './compile.ts';
import type { JsonObject, ScenarioChecks, ScenarioKind } from './scenario.ts';
import { validateScenario } from './schema.ts';

type Rows = JsonObject[] | string;

/** `check(row, reply)`: what a reply to the row's request comes to. A text is the CSV file that holds the rows. */
function compile(data: Rows, checks: ScenarioChecks, more: Partial<ScenarioKind> = {}, codec: Codec = http1) {
  const path = codec === http1 ? { path: '/{{id|url}}' } : { body: '{{id}}' };
  const csv = typeof data === 'string' ? data : null;
  const kind = { ...path, data: csv === null ? data : 'rows.csv', checks, ...more };
  const scenario = validateScenario({ kinds: [kind] }, 's.json');
  const base = { path: '/', host: 'h' };
  const readFile = () => Buffer.from(csv!);
  const encoded = encodeScenario(scenario, { codec, base, where: 's.json', readFile });
  const check = structuredClone(encoded.checks[0]!);
  const own = new OwnValuesReader(encoded.ownArena, encoded.ownOffsets);
  return {
    captureBytes: check.captureBytes,
    check: (row: number, body: string, headers = '') =>
      checkReply(
        check,
        { status: 200, headerText: `HTTP/1.1 200 OK\r\n${headers}\r\n`, body: Buffer.from(body) },
        own.of(encoded.order[row]!),
      ),
  };
}

const ROWS = [
  { id: 'a', n: 1, word: 'one' },
  { id: 'b', n: 2, word: 'twö' },
];

const CASES: [
  name: string,
  checks: ScenarioChecks,
  own: [body: string, headers?: string][],
  reason: string,
][] = [
  ['equals', { body: { equals: '{{word}}!' } }, [['one!'], ['twö!']], 'body not "{{word}}!"'],
  ['contains', { body: { contains: ['-', '{{word}}'] } }, [['-one'], ['twö-']], 'body without "{{word}}"'],
  [
    'json',
    { body: { json: { '$.got': { n: '{{n}}', said: '<{{word}}>' } } } },
    [['{"got":{"n":1,"said":"<one>"}}'], ['{"got":{"said":"<twö>","n":2}}']],
    'body $.got not {"n":"{{n}}","said":"<{{word}}>"}',
  ],
  [
    'header',
    { headers: { 'X-Id': '{{id}}' } },
    [
      ['', 'x-id: a\r\n'],
      ['', 'X-Id:b\r\n'],
    ],
    'header X-Id not "{{id}}"',
  ],
  [
    'a header in UTF-8',
    { headers: { 'X-Word': '{{word}}' } },
    [
      ['', 'X-Word: one\r\n'],
      ['', `X-Word: ${Buffer.from('twö').toString('latin1')}\r\n`],
    ],
    'header X-Word not "{{word}}"',
  ],
];

for (const [name, checks, own, reason] of CASES) {
  test(`${name}: the reply to the same row passes, the reply to another does not`, () => {
    const { check } = compile(ROWS, checks);
    const answers = own.map((reply) => own.map((_, row) => check(row, ...reply)));
    assert.deepEqual(answers, [
      [null, reason],
      [reason, null],
    ]);
  });
}

test('any rows, several checks: each passes its own reply, and another only if that is the same', () => {
  const word = fc.string({ minLength: 1, maxLength: 4, unit: fc.constantFrom('a', 'b', '{', '"', 'é') });
  const rows = fc.array(fc.record({ id: word, word }), { minLength: 1, maxLength: 8 });
  const checks = { body: { contains: '"{{id|json}}"', json: { '$.word': '{{word}}', '$.id': '{{id}}' } } };
  fc.assert(
    fc.property(rows, (given) => {
      const { check } = compile(given, checks, { path: '/', body: { a: '{{id}}' } });
      for (const [row, asked] of given.entries()) {
        for (const other of given) {
          const isSame = asked.id === other.id && asked.word === other.word;
          const reply = JSON.stringify({ word: other.word, id: other.id });
          assert.equal(check(row, reply) === null, isSame, `${JSON.stringify(asked)} answered by ${reply}`);
        }
      }
    }),
    { numRuns: 50 },
  );
});

test('a number from CSV, which has only text, is one when asked for; so in a request', () => {
  const json = (value: string) => compile('id,n\n7,3.50\n', { body: { json: { '$.n': value } } });
  assert.equal(json('{{n}}').check(0, '{"n":"3.50"}'), null);
  assert.equal(json('{{n|number}}').check(0, '{"n":3.5}'), null);
  assert.equal(json('{{n|number}} kg').check(0, '{"n":"3.5 kg"}'), null);
  assert.equal(json('{{n|number}}').check(0, '{"n":"3.5"}'), 'body $.n not "{{n|number}}"');
});

test('as much of a body is kept as the longest value of any row needs', () => {
  assert.equal(compile(ROWS, { body: { equals: '{{word}}' } }).captureBytes, 'twö'.length + 1 + 1);
});

test('protocols that have a payload alone: the same', () => {
  const { check } = compile(ROWS, { body: { equals: '{{word}}' } }, {}, frame);
  assert.deepEqual([check(0, 'one'), check(1, 'one')], [null, 'body not "{{word}}"']);
});

test('literal braces are written as everywhere else', () => {
  const { check } = compile(ROWS, { body: { contains: '\\{{id}}' } });
  assert.deepEqual([check(0, 'x{{id}}'), check(0, 'xa')], [null, 'body without "\\\\{{id}}"']);
});

const MISTAKES: [data: Rows | null, checks: ScenarioChecks, message: RegExp][] = [
  [ROWS, { body: { equals: '{{wrod}}' } }, /checks\.body\.equals: {{wrod}}: .* has id, n, word/],
  [ROWS, { body: { json: { '$.a': ['{{x}}'] } } }, /checks\.body\.json\["\$\.a"\]\[0\]: {{x}}: /],
  [ROWS, { headers: { A: '{{id|loud}}' } }, /checks\.headers\.A: .*"loud" is none of raw, url, json, number/],
  [null, { body: { contains: '{{id}}' } }, /checks\.body\.contains: uses {{id}}, and its kind has no data/],
  [
    ROWS,
    { headers: { A: { matches: '^{{id}}$' } } },
    /headers\.A\.matches: a regular expression cannot have v/,
  ],
  [ROWS, { body: { has: "$['{{id}}']" } }, /checks\.body\.has: a path cannot have variables/],
  [ROWS, { body: { json: { "$['{{id}}']": 1 } } }, /checks\.body\.json: a path cannot have variables/],
  [[{ id: '1' }], { body: { equals: '{{n}}' } }, /checks\.body\.equals: {{n}}: .* has id$/],
  [
    [{ id: '1', n: 1 }, { id: '2' }],
    { body: { equals: '{{n}}' } },
    /data:2: has no "n", which .*equals needs/,
  ],
  ['id,n\na,\n', { body: { contains: '{{n}}' } }, /rows\.csv:2: .*contains: {{n}} is empty here/],
  ['id,n\na,one\n', { body: { equals: '{{n|number}}' } }, /rows\.csv:2: "n" is no number, .*: "one"/],
];

test('what cannot be looked up or compared is refused before the run', () => {
  for (const [data, checks, message] of MISTAKES) {
    const compiled = () =>
      data === null ? compile([], checks, { data: undefined, path: '/' }) : compile(data, checks);
    assert.throws(compiled, { code: 'USAGE', message }, String(message));
  }
});

test('rows that only a check would use are refused: all requests would be the same', () => {
  assert.throws(() => compile(ROWS, { body: { equals: '{{id}}' } }, { path: '/' }), {
    message: /data: no variable of the request uses it/,
  });
});
