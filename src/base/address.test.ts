// Goal: every documented form of a target is read, everything else is refused with the forms shown. Method: tables.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { runs } from '../../test/helpers/depth.ts';
import { formatAddress, parseTarget } from './address.ts';
import { LoopscopeError } from './errors.ts';

test('targets', () => {
  const rows: [string, string, string, string, string][] = [
    ['http://127.0.0.1:8080/a?b=c', 'http', '127.0.0.1:8080', '/a?b=c', '127.0.0.1:8080'],
    ['http://localhost', 'http', 'localhost:80', '/', 'localhost'],
    ['http://[::1]:81/', 'http', '[::1]:81', '/', '[::1]:81'],
    ['tcp://127.0.0.1:9000', 'frame', '127.0.0.1:9000', '', ''],
    ['unix:/tmp/a.sock', 'frame', 'unix:/tmp/a.sock', '', ''],
    ['unix+http:/tmp/a.sock', 'http', 'unix:/tmp/a.sock', '/', 'localhost'],
    ['unix+http:/tmp/a.sock:/x?y', 'http', 'unix:/tmp/a.sock', '/x?y', 'localhost'],
    ['unix+http:/tmp/a:b:1.sock', 'http', 'unix:/tmp/a:b:1.sock', '/', 'localhost'],
    ['unix+http:/tmp/a:b.sock:/x?u=c:/d', 'http', 'unix:/tmp/a:b.sock', '/x?u=c:/d', 'localhost'],
    ['unix:/tmp/a:b.sock', 'frame', 'unix:/tmp/a:b.sock', '', ''],
    ['http://h/a/../b/./c//d', 'http', 'h:80', '/a/../b/./c//d', 'h'],
    ['http://h/%2e%2E/%41?q=%20+\\|{}"<>^`', 'http', 'h:80', '/%2e%2E/%41?q=%20+\\|{}"<>^`', 'h'],
    ['http://h:80?q', 'http', 'h:80', '/?q', 'h'],
    ['HTTP://H/A#part', 'http', 'h:80', '/A', 'h'],
    ['tcp://[::1]:80/', 'frame', '[::1]:80', '', ''],
    ['http://8080/', 'http', '0.0.31.144:80', '/', '0.0.31.144'],
    ['tcp://h:80', 'frame', 'h:80', '', ''],
  ];
  for (const [text, protocol, address, path, host] of rows) {
    const target = parseTarget(text);
    assert.deepEqual(
      [target.protocol, formatAddress(target.address), target.httpPath, target.httpHost],
      [protocol, address, path, host],
      text,
    );
  }
});

test('what is not a target is refused', () => {
  for (const text of [
    '',
    'nginx',
    'https://example.com/',
    'ftp://a/',
    'tcp://127.0.0.1',
    'unix:',
    'http://',
    'http://user:secret@127.0.0.1/',
    'tcp://127.0.0.1:9000/path',
    'http://h/a b',
    'http://h/a\tb',
    'http://h/a\nb',
    'http://h/ü',
    'http://h/\ud800',
    'http://h\\a',
    'http://a b/',
    'http://h:99999/',
    'tcp://h',
    'unix+http:/s:/a b',
  ]) {
    assert.throws(
      () => parseTarget(text),
      (error) => error instanceof LoopscopeError && error.code === 'TARGET_INVALID' && error.hint !== '',
      text,
    );
  }
});

test('forms of other tools, and slips, are answered with ours', () => {
  const rows: [string, string][] = [
    ['http://unix:/run/a.sock:/x', 'write unix+http:/run/a.sock:/x'],
    ['http://unix:/run/a.sock:', 'write unix+http:/run/a.sock:/'],
    ['http://unix:/run/a.sock', 'write unix+http:/run/a.sock:/'],
    ['http+unix://%2Frun%2Fa.sock/x', 'write unix+http:/run/a.sock:/x'],
    ['http://h/a b', 'paths are sent as they are typed: write it %20'],
    ['http://h/ü', 'paths are sent as they are typed: write it %C3%BC'],
    ['127.0.0.1:8080/x', 'try http://127.0.0.1:8080/x, or '],
    ['localhost:8080', 'try http://localhost:8080, or '],
  ];
  for (const [text, hint] of rows) {
    assert.throws(
      () => parseTarget(text),
      (error) => error instanceof LoopscopeError && error.hint.startsWith(hint),
      text,
    );
  }
});

test('whatever is typed is a target, or refused as none', () => {
  const piece = fc.constantFrom(
    'http://',
    'unix+http:',
    'tcp://',
    'unix:',
    'a',
    ':',
    '/',
    '[',
    ']',
    '?',
    '#',
    '%',
    '@',
    ' ',
    '9',
  );
  const words = fc.array(piece).map((parts) => parts.join(''));
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), words), (text) => {
      try {
        assert.match(parseTarget(text).httpPath, /^(\/[\x21-\x7e]*)?$/);
      } catch (error) {
        assert.ok(error instanceof LoopscopeError && error.code === 'TARGET_INVALID', String(error));
      }
    }),
    { numRuns: runs(3000) },
  );
});
