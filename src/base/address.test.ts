// Goal: every documented form of a target is read, everything else is refused with the forms shown. Method: tables.
import assert from 'node:assert/strict';
import { test } from 'node:test';
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
  ]) {
    assert.throws(
      () => parseTarget(text),
      (error) => error instanceof LoopscopeError && error.code === 'TARGET_INVALID' && error.hint !== '',
      text,
    );
  }
});
