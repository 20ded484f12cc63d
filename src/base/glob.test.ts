// Goal: patterns with stars match as a shell's do, and many stars cost no more than one. Method: a table; arbitrary
// texts against the regular expression they mean; growth on a text that nearly matches.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertLinear } from '../../test/helpers/growth.ts';
import { matchesGlob } from './glob.ts';
import { createPrng } from './prng.ts';

test('stars and question marks', () => {
  const cases: [text: string, pattern: string, matches: boolean][] = [
    ['malloc', 'malloc', true],
    ['malloc', 'mallo', false],
    ['malloc', 'm*c', true],
    ['malloc', '*', true],
    ['', '*', true],
    ['', '?', false],
    ['malloc', 'mall?c', true],
    ['malloc', 'malloc?', false],
    ['abcabd', '*ab?', true],
    ['abcabd', 'a**d', true],
    ['a.b', 'a?b', true],
    ['axb', 'a.b', false],
    ['a\nb', 'a*b', true],
    ['f(int) [clone]', 'f(*) [*]', true],
  ];
  for (const [text, pattern, matches] of cases)
    assert.equal(matchesGlob(text, pattern), matches, `${text} against ${pattern}`);
});

test('as the regular expression that it means', () => {
  const random = createPrng(7);
  const word = (letters: string, length: number): string =>
    Array.from({ length }, () => letters[random.below(letters.length)]).join('');
  for (let i = 0; i < 5000; i++) {
    const text = word('ab', i % 9);
    const pattern = word('ab*?', i % 7);
    const meant = new RegExp(`^${pattern.replaceAll('*', '.*').replaceAll('?', '.')}$`);
    assert.equal(matchesGlob(text, pattern), meant.test(text), `${text} against ${pattern}`);
  }
});

test('many stars on a name that nearly matches', () => {
  assertLinear((size) => matchesGlob('a'.repeat(size), '*a*a*a*a*a*b'));
});
