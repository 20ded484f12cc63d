// Goal: Redis replies of both versions are counted exactly, and its errors are named. Method: tables, and the contract.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cut, parseAll, parserContract } from '../codec.contract.ts';
import { PARSED, type ParserOptions, type ReplyParser } from '../codec.ts';
import { MAX_REASON_COUNT, OTHER_REASON } from '../parsing/reasons.ts';
import { resp } from './resp.ts';
import { RespParser } from './resp-parser.ts';

const encode = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'));
const describe = (parser: unknown) => {
  const { body, wrongReason } = parser as ReplyParser;
  return `${Buffer.from(body).toString('latin1')}|${wrongReason}`;
};
const M = `${PARSED.message} `;

type Case = { name: string; bytes: string; found: string[]; options?: Partial<ParserOptions> };

const CASES: Case[] = [
  { name: 'a simple string', bytes: '+OK\r\n', found: [`${M}OK|`, 'idle'] },
  { name: 'an empty one', bytes: '+\r\n', found: [`${M}|`, 'idle'] },
  { name: 'carriage returns inside', bytes: '+a\rb\r\r\n', found: [`${M}a\rb\r|`, 'idle'] },
  { name: 'an integer', bytes: ':-12\r\n', found: [`${M}-12|`, 'idle'] },
  { name: 'a bulk string', bytes: '$5\r\nhe\r\no\r\n', found: [`${M}he\r\no|`, 'idle'] },
  { name: 'an empty bulk string', bytes: '$0\r\n\r\n', found: [`${M}|`, 'idle'] },
  { name: 'nothing there', bytes: '$-1\r\n*-1\r\n_\r\n', found: [`${M}|`, `${M}*-1\r\n|`, `${M}|`, 'idle'] },
  { name: 'an array', bytes: '*2\r\n+a\r\n$1\r\nb\r\n', found: [`${M}*2\r\n+a\r\n$1\r\nb\r\n|`, 'idle'] },
  { name: 'an empty array', bytes: '*0\r\n+x\r\n', found: [`${M}*0\r\n|`, `${M}x|`, 'idle'] },
  {
    name: 'arrays in arrays',
    bytes: `*2\r\n*1\r\n*1\r\n*0\r\n*-1\r\n+x\r\n`,
    found: [`${M}*2\r\n*1\r\n*1\r\n*0\r\n*-1\r\n|`, `${M}x|`, 'idle'],
  },
  {
    name: 'maps, sets, doubles, booleans, big numbers, verbatim strings',
    bytes: '%1\r\n+k\r\n~2\r\n,1.5\r\n#t\r\n(123456789012345678901234567890\r\n=7\r\ntxt:abc\r\n',
    found: [
      `${M}%1\r\n+k\r\n~2\r\n,1.5\r\n#t\r\n|`,
      `${M}123456789012345678901234567890|`,
      `${M}txt:abc|`,
      'idle',
    ],
  },
  {
    name: 'pushes and attributes are passed over',
    bytes: '>2\r\n+invalidate\r\n*1\r\n+k\r\n|1\r\n+ttl\r\n:3\r\n$1\r\nv\r\n>1\r\n+x\r\n:7\r\n',
    found: [`${M}v|`, `${M}7|`, 'idle'],
  },
  { name: 'a push alone is no reply', bytes: '>1\r\n+x\r\n', found: ['idle'] },
  {
    name: 'an attribute inside',
    bytes: '*2\r\n|1\r\n+a\r\n+b\r\n:1\r\n:2\r\n+next\r\n',
    found: [`${M}*2\r\n|1\r\n+a\r\n+b\r\n:1\r\n:2\r\n|`, `${M}next|`, 'idle'],
  },
  {
    name: 'errors have their first word as reason',
    bytes: '-ERR unknown command\r\n+OK\r\n-WRONGTYPE Operation\r\n!10\r\nSYNTAX bad\r\n-\r\n',
    found: [
      `${M}ERR unknown command|ERR`,
      `${M}OK|`,
      `${M}WRONGTYPE Operation|WRONGTYPE`,
      `${M}SYNTAX bad|SYNTAX`,
      `${M}|error`,
      'idle',
    ],
  },
  {
    name: 'an error inside a transaction',
    bytes: '*3\r\n+OK\r\n-ERR no\r\n-OTHER\r\n',
    found: [`${M}*3\r\n+OK\r\n-ERR no\r\n-OTHER\r\n|ERR`, 'idle'],
  },
  { name: 'half', bytes: '*2\r\n+a\r\n', found: ['mid'] },
  ...[
    'HTTP/1.1 200 OK\r\n',
    'x',
    '$x\r\n',
    '$\r\n',
    '$-2\r\n',
    '$--1\r\n',
    '$1-\r\n',
    ':1\n'.repeat(30_000),
    '$1\r\nab\r\n',
    '$1\r\na\rb',
    '$1\rx',
    '$?\r\n',
    '*4294967296\r\n',
    '*99999999999\r\n',
    '%-1\r\n',
    `+${'a'.repeat(70_000)}\r\n`,
  ].map((bytes) => ({ name: JSON.stringify(bytes.slice(0, 20)), bytes, found: ['bad: not RESP'] })),
  {
    name: 'a bulk string over the limit',
    bytes: '$101\r\n',
    found: ['bad: not RESP'],
    options: { maxPayloadBytes: 100 },
  },
];

for (const { name, bytes, found, options } of CASES) {
  test(`resp reply: ${name}`, () => {
    const parser = new RespParser({ connectionLimit: 3, captureBytes: 100, ...options });
    const all = encode(bytes);
    assert.deepEqual(parseAll(parser, 0, [all], describe), found);
    assert.deepEqual(parseAll(parser, 1, cut(all, [1, 3, 4, 9]), describe), found);
    if (all.length > 1000) return;
    const bytewise = Array.from(all, (byte) => Uint8Array.of(byte));
    assert.deepEqual(parseAll(parser, 2, bytewise, describe), found);
  });
}

test('resp reply: the end of the stream', () => {
  const parser = new RespParser({ connectionLimit: 1 });
  assert.equal(parser.endOfStream(0), PARSED.more);
  parseAll(parser, 0, [encode('+OK\r\n$3\r\na')], describe);
  assert.equal(parser.endOfStream(0), PARSED.bad);
  assert.equal(parser.problem, 'truncated reply');
});

test('resp reply: captures what was asked for, and no more', () => {
  const parser = new RespParser({ connectionLimit: 1, captureBytes: 4 });
  assert.deepEqual(parseAll(parser, 0, [encode('$10\r\n0123'), encode('456789\r\n')], describe), [
    `${M}0123|`,
    'idle',
  ]);
});

test('resp reply: a hostile server cannot make endless reasons', () => {
  const parser = new RespParser({ connectionLimit: 1 });
  const reasons = new Set<string>();
  for (let i = 0; i < 1000; i++) {
    parseAll(parser, 0, [encode(`-E${i}${'x'.repeat(i)} because\r\n`)], () => '');
    reasons.add(parser.wrongReason);
  }
  assert.equal(reasons.size, MAX_REASON_COUNT);
  assert.ok(reasons.has(OTHER_REASON));
  for (const reason of reasons) assert.ok(reason.length <= 40);
});

const scalar = fc.oneof(
  fc.stringMatching(/^[a-z ]{0,20}$/).map((text) => `+${text}\r\n`),
  fc.stringMatching(/^[A-Z]{1,9} [a-z]{0,9}$/).map((text) => `-${text}\r\n`),
  fc.integer().map((value) => `:${value}\r\n`),
  fc.string({ maxLength: 40 }).map((text) => {
    const ascii = text.replace(/[^\x20-\x7e]/g, '\r');
    return `$${ascii.length}\r\n${ascii}\r\n`;
  }),
  fc.constantFrom('$-1\r\n', '*-1\r\n', '_\r\n', '#f\r\n', ',inf\r\n', '!3\r\nERR\r\n'),
);
const { reply } = fc.letrec<{ reply: string }>((tie) => ({
  reply: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    scalar,
    fc.array(tie('reply'), { maxLength: 4 }).map((list) => `*${list.length}\r\n${list.join('')}`),
    fc
      .array(tie('reply'), { maxLength: 3 })
      .map((list) => `%${list.length}\r\n${[...list, ...list].join('')}`),
    tie('reply').map((value) => `|1\r\n+a\r\n+b\r\n${value}`),
    tie('reply').map((value) => `>1\r\n+push\r\n${value}`),
  ),
}));

parserContract({
  name: 'resp reply',
  create: (connectionLimit) => new RespParser({ connectionLimit, captureBytes: 50, maxPayloadBytes: 1000 }),
  describe,
  streams: fc
    .array(reply, { minLength: 1, maxLength: 6 })
    .map((list) => ({ bytes: encode(list.join('')), messageCount: list.length })),
});

const command = (text: string) =>
  Buffer.from(resp.encodeRequest({ body: Buffer.from(text) })).toString('latin1');

for (const [name, text, expected] of [
  ['nothing is a PING', '', '*1\r\n$4\r\nPING\r\n'],
  ['words', '  SET key  value ', '*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$5\r\nvalue\r\n'],
  ['double quotes', 'SET k "a b\\n\\x00\\""', '*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$6\r\na b\n\0"\r\n'],
  ['single quotes', "ECHO 'it\\'s \\n'", "*2\r\n$4\r\nECHO\r\n$7\r\nit's \\n\r\n"],
  ['an empty word', 'SET k ""', '*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n'],
  ['a JSON array', '["INCRBY", "k", 5]', '*3\r\n$6\r\nINCRBY\r\n$1\r\nk\r\n$1\r\n5\r\n'],
  ['more bytes than letters', 'ECHO ä', '*2\r\n$4\r\nECHO\r\n$2\r\n\xc3\xa4\r\n'],
  ['RESP as it is', '*1\r\n$4\r\nPING\r\n', '*1\r\n$4\r\nPING\r\n'],
] as const) {
  test(`resp request: ${name}`, () => assert.equal(command(text), expected));
}

for (const [name, text, message] of [
  ['a quote without end', 'SET "a', /quote " does not end/],
  ['a word behind a quote', 'SET "a"b', /goes on after its quote/],
  ['only blanks', '  ', /no word/],
  ['JSON that is none', '[x', /no JSON/],
  ['an array of something else', '[["a"]]', /not an array of strings/],
  ['half a command', '*2\r\n$4\r\nPING\r\n', /not one whole RESP command/],
  ['two commands', '*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPING\r\n', /not one whole RESP command/],
] as const) {
  test(`resp request: ${name} is refused`, () => {
    assert.throws(() => command(text), { code: 'USAGE', message });
  });
}
