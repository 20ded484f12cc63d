// Goal: no regular expression that takes more than linear time over text that others wrote. Method: every literal of
// the sources is looked at for the two shapes that do; each that has one and is harmless is listed with its reason.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { test } from 'node:test';
import { root, sourceFiles } from '../helpers/source-files.ts';

/** What precedes the repetition cannot stand in it, so that it is begun once and not at each place; or it is our text. */
const HARMLESS: Record<string, string> = {
  '/(^|\\/)(node|nodejs|electron)[^/]*$/': 'a slash ends it',
  '/0x([0-9a-f]+) 0x([0-9a-f]+)\\s*$/': 'x and the space are no hexadecimal digits, and the kernel wrote it',
  '/\\.llvm\\.\\w+$/': 'a dot ends it',
  '/\\.cold(\\.\\d+)?$/': 'each begins with a dot',
  '/\\+0x[\\da-f]+$/i': 'a plus ends it',
  '/\\b(E[A-Z0-9]+)$/': 'a word begins once',
  '/,\\s*$/': 'a comma is no space',
  '/\\.([a-z]+)$/i': 'a dot ends it',
  '/(^|:)0(:0)+(:|$)/': 'eight groups of an address',
  '/(?:^|:)0(?::0)+(?=:|$)/g': 'eight groups of an address',
};

const LITERAL =
  /(?<=[(,=:[!&|?{;]\s*|return |^\s*)\/(?![*/])((?:[^/\\[\n]|\\.|\[(?:[^\]\\]|\\.)*\])+)\/([a-z]*)/g;
const REPEATED = /(?<!\\)(?:[*+]|\{\d+,\})/;

/** Why a literal may take quadratic time or worse; null when neither shape is in it. Text is `source` without slashes. */
function danger(source: string, flags: string): string | null {
  const plain = source.replaceAll(/\[(?:[^\]\\]|\\.)*\]/g, '[]').replaceAll(/\\./g, '\\x');
  const isAnchored = flags.includes('y') || (plain.startsWith('^') && !hasAlternatives(plain));
  const end = plain.lastIndexOf('$');
  if (!isAnchored && end >= 0 && REPEATED.test(plain.slice(0, end)))
    return 'a repetition before $, and no ^ before it: begun anew at every place';
  if (/\((?:\?:)?(?:\[\]|\\x|[^()\\[])[*+][^()]*\)(?:[*+]|\{\d+,\})/.test(plain))
    return 'a repetition that begins with a repetition';
  return null;
}

/** "^a|b$" has an anchor in one alternative only; a bar inside parentheses is another matter. */
function hasAlternatives(plain: string): boolean {
  let depth = 0;
  for (const char of plain) {
    if (char === '(') depth++;
    else if (char === ')') depth--;
    else if (char === '|' && depth === 0) return true;
  }
  return false;
}

/** Literals of one of the two shapes, and where each is. */
function dangerous(): Map<string, string> {
  const found = new Map<string, string>();
  for (const path of sourceFiles('src')) {
    if (/\.(test|ktest|contract)\.ts$/.test(path) || path.includes('/testing/')) continue;
    readFileSync(path, 'utf8')
      .split('\n')
      .forEach((line, index) => {
        if (/^\s*(\/\/|\/?\*)/.test(line)) return;
        for (const [literal, source, flags] of line.matchAll(LITERAL)) {
          const reason = danger(source!, flags!);
          if (reason) found.set(literal, `${relative(root, path)}:${index + 1}: ${literal}: ${reason}`);
        }
      });
  }
  return found;
}

test('no regular expression backtracks over hostile text', () => {
  const wrong = [...dangerous()].filter(([literal]) => !(literal in HARMLESS)).map(([, where]) => where);
  assert.deepEqual(wrong, []);
});

test('the list of harmless ones names no other', () => {
  const found = dangerous();
  assert.deepEqual(
    Object.keys(HARMLESS).filter((literal) => !found.has(literal)),
    [],
  );
});

test('the dangerous shapes are found, and their cures are not taken for them', () => {
  for (const source of [
    '\\0+$',
    '@.*$',
    '^\\/+|\\/+$',
    '\\s+$',
    '(-[\\d.]+)?\\.so.*$',
    '(a+)+',
    '(?:\\w*x)*y',
  ])
    assert.ok(danger(source, ''), source);
  assert.ok(danger('(\\.a(\\.\\d+)*)*$', ''));
  for (const source of ['^\\d+$', '^(\\.a(\\.\\d+)*)*$', '\\d+', ' \\(deleted\\)$', '^[^*]$'])
    assert.equal(danger(source, ''), null, source);
  assert.equal(danger('\\d+$', 'y'), null);
});
