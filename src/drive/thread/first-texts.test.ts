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
});

test('bounded in length and in number, empty ones left out', () => {
  assert.equal(said(['A', `A${'b'.repeat(5000)}`]).A!.length, 200);
  const many = Array.from({ length: 50 }, (_, i): [string, string] => [`K${i} `, `K${i} text`]);
  assert.equal(Object.keys(said(...many)).length, 32);
  assert.deepEqual(said(['not HTTP', '\r\n', true]), {});
});

test('of a reply that a check refused: 64 bytes of its body, else of its headers, nothing unprintable in them', () => {
  const texts = new FirstTexts();
  const hear = (reason: string, body: string | Uint8Array, headerText = '') =>
    texts.hearRefused(reason, { body: Buffer.from(body as string), headerText });
  hear('body $.state not "ok"', 'oops\r\n\x1b[31m\\\0é');
  hear('body $.state not "ok"', 'a later one');
  hear('long', 'x'.repeat(65));
  hear('just', 'x'.repeat(64));
  hear('status not 200', '', 'HTTP/1.1 503 Busy\r\nA: b\r\n');
  hear('nothing', '');
  assert.deepEqual(Object.fromEntries(texts.byKind), {
    'body $.state not "ok"': 'oops\\r\\n\\x1b[31m\\\\\\x00\\xc3\\xa9',
    long: `${'x'.repeat(64)}…`,
    just: 'x'.repeat(64),
    'status not 200': 'HTTP/1.1 503 Busy\\r\\nA: b\\r\\n',
  });
});
