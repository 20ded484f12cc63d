// Goal: of each kind of error the first whole line is kept, and none is made up. Method: replies as they come.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FirstTexts } from './first-texts.ts';

function said(...heard: [kind: string, text: string, isWhole?: boolean][]): Record<string, string> {
  const texts = new FirstTexts();
  for (const [kind, text, isWhole = false] of heard) {
    const bytes = new TextEncoder().encode(`xx${text}yy`);
    texts.hear(kind, bytes, 2, bytes.length - 2, isWhole);
  }
  return Object.fromEntries(texts.byKind);
}

test('the first line of the first of each kind', () => {
  const full = '-ERR max number of clients reached';
  assert.deepEqual(said(['ERR', `${full}\r\n`], ['ERR', '-ERR other\r\n'], ['OOM', '-OOM used\r\n']), {
    ERR: full.slice(1),
    OOM: 'OOM used',
  });
});

test('a bulk error has its text in the second line', () => {
  assert.deepEqual(said(['SYNTAX', '!21\r\nSYNTAX invalid syntax\r\n']), { SYNTAX: 'SYNTAX invalid syntax' });
});

test('the end of a reply that began in an earlier read names no kind, and is not taken for the whole', () => {
  assert.deepEqual(said(['ERR', 'clients reached\r\n'], ['ERR', '-ERR no\r\n']), { ERR: 'ERR no' });
  assert.deepEqual(said(['not HTTP', '@@@ garbage', true]), { 'not HTTP': '@@@ garbage' });
  assert.deepEqual(said(['not HTTP', '@@@ garbage']), {});
});

test('a reply that is no text is told as bytes: a server that speaks TLS is known by its first', () => {
  assert.deepEqual(said(['not HTTP', '\x15\x03\x03\0\x02\x02P', true]), {
    'not HTTP': '\\x15\\x03\\x03\\x00\\x02\\x02P',
  });
  assert.deepEqual(said(['other payload', 'à b\n', true]), { 'other payload': 'à b' });
});

test('bounded in length and in number, empty ones left out', () => {
  assert.equal(said(['A', `A${'b'.repeat(5000)}`]).A!.length, 200);
  const many = Array.from({ length: 50 }, (_, i): [string, string] => [`K${i} `, `K${i} text`]);
  assert.equal(Object.keys(said(...many)).length, 32);
  assert.deepEqual(said(['not HTTP', '\r\n', true]), {});
});

const NONE = new Uint8Array(0);

/** What is kept of a refused reply: by its parser, or `raw` as it came. */
function refused(body: string | Uint8Array, headerText = '', raw = ''): string | undefined {
  const texts = new FirstTexts();
  const bytes = Buffer.from(`xx${raw}yy`);
  const whole = raw === '' ? NONE : bytes;
  const kept = { body: Buffer.from(body as string), headerText };
  texts.hearRefused('why', kept, whole, 2, bytes.length - 2);
  return texts.byKind.get('why');
}

test('of a refused reply: 64 bytes of its body, else of its head, nothing unprintable in them', () => {
  assert.equal(refused('oops\r\n\x1b[31m\\\0é'), 'oops\\r\\n\\x1b[31m\\\\\\x00\\xc3\\xa9');
  assert.equal(refused('x'.repeat(65)), `${'x'.repeat(64)}…`);
  assert.equal(refused('x'.repeat(64)), 'x'.repeat(64));
  assert.equal(refused('', 'HTTP/1.1 503 Busy\r\nA: b\r\n'), 'HTTP/1.1 503 Busy\\r\\nA: b\\r\\n');
  assert.equal(refused(''), undefined);
});

test('of a refused reply of which nothing was kept: the same, found in it as it came', () => {
  const head = 'HTTP/1.1 503 Busy\r\nA: b';
  const chunked = `${head}\r\nTransfer-Encoding: gzip, chunked\r\n\r\n`;
  const rows: [raw: string, text: string | undefined][] = [
    [`${head}\r\n\r\ncome again`, 'come again'],
    [`${head}\r\n\r\n`, 'HTTP/1.1 503 Busy\\r\\nA: b\\r\\n\\r\\n'],
    [`${chunked}5;x=y\r\nagain\r\n0\r\n\r\n`, 'again'],
    [`${chunked}0\r\n\r\n`, `${`${chunked}0\r\n`.replaceAll('\r\n', '\\r\\n')}…`],
    ['not a head at all', 'not a head at all'],
    ['', undefined],
  ];
  for (const [raw, text] of rows) assert.equal(refused('', '', raw), text, raw);
});

test('the first refused reply of each reason stays, and one that cannot be told leaves its place to the next', () => {
  const texts = new FirstTexts();
  const hear = (body: string) =>
    texts.hearRefused('status 503', { body: Buffer.from(body), headerText: '' }, NONE, 0, 0);
  assert.deepEqual([hear(''), hear('one'), hear('two')], [false, true, true]);
  assert.deepEqual([...texts.byKind], [['status 503', 'one']]);
});
