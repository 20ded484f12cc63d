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
