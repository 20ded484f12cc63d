// Goal: the bytes of a request, and no way to smuggle others in. Method: a table.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { http1 } from './http1.ts';

const text = (options: Parameters<typeof http1.encodeRequest>[0]) =>
  Buffer.from(http1.encodeRequest(options)).toString('latin1');

test('http1: a plain GET', () => {
  assert.equal(text({ path: '/x?y', host: 'h:8080' }), 'GET /x?y HTTP/1.1\r\nHost: h:8080\r\n\r\n');
});

test('http1: headers keep their order, a given Host wins', () => {
  assert.equal(
    text({
      host: 'h',
      headers: [
        ['Accept', '*/*'],
        ['host', 'other'],
      ],
    }),
    'GET / HTTP/1.1\r\nAccept: */*\r\nhost: other\r\n\r\n',
  );
});

test('http1: header values are sent as UTF-8, and the path as it is', () => {
  const bytes = http1.encodeRequest({ path: '/a/../b%2e//c', host: 'h', headers: [['X', 'Zoë €']] });
  const expected = 'GET /a/../b%2e//c HTTP/1.1\r\nHost: h\r\nX: Zoë €\r\n\r\n';
  assert.deepEqual(Buffer.from(bytes), Buffer.from(expected, 'utf8'));
});

test('http1: a body has its length', () => {
  const body = new Uint8Array(Buffer.from('hello'));
  assert.equal(
    text({ method: 'POST', body }),
    'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello',
  );
  assert.match(text({ method: 'POST' }), /Content-Length: 0/);
});

for (const [name, options, message] of [
  ['a line break in a value', { headers: [['X', 'a\r\nY: b']] }, /--header: "X: a/],
  ['a blank in a name', { headers: [['X Y', 'a']] }, /--header/],
  ['a blank in the path', { path: '/a b' }, /the path "\/a b"/],
  ['a method that is none', { method: 'GE T' }, /--method: "GE T"/],
  ['a transfer coding', { headers: [['Transfer-Encoding', 'chunked']] }, /Transfer-Encoding/],
] as const) {
  test(`http1: ${name} is refused`, () => {
    assert.throws(() => http1.encodeRequest(options), { code: 'USAGE', message });
  });
}
