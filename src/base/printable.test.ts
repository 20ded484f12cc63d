// Goal: text from other processes cannot steer a terminal or a page. Method: a table of hostile strings.
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { anyText } from '../../test/helpers/any-text.ts';
import { printable } from './printable.ts';

const CASES: [name: string, input: string, output: string][] = [
  ['plain names pass', 'nginx: worker process', 'nginx: worker process'],
  ['letters of other alphabets pass', 'сервер-日本', 'сервер-日本'],
  ['an escape sequence is defused', '\u001b[2Jgone', '·[2Jgone'],
  ['a line break cannot forge a second line', 'a\nverdict: healthy', 'a·verdict: healthy'],
  ['C1 controls are control characters too', 'a\u009b31m', 'a·31m'],
  ['a right-to-left override cannot reverse a path', 'a\u202egnp.exe', 'a·gnp.exe'],
  ['zero-width characters are made visible', 'ngi\u200bnx', 'ngi·nx'],
  ['a lone surrogate is replaced', 'x\ud800y', 'x·y'],
];

for (const [name, input, output] of CASES) {
  test(name, () => assert.equal(printable(input), output));
}

test('long text is cut, and says so', () => {
  assert.equal(printable('abcdef', 3), 'abc…');
  assert.equal(printable('abc', 3), 'abc');
});

test('whatever comes in, no control character comes out and the length is bounded', () => {
  fc.assert(
    fc.property(anyText(300), (text) => {
      const out = printable(text, 100);
      assert.ok([...out].length <= 101);
      assert.doesNotMatch(out, /\p{Cc}/u);
    }),
  );
});
