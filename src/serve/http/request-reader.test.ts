// Goal: requests are framed as RFC 9112 says, what could be read two ways is refused with the fitting status, and no
// limit can be passed. Method: a table of cases, each whole, in pieces and byte by byte; random streams and splits.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PathTable } from './path-table.ts';
import { GOT, RequestReader, ROUTE_SERVER } from './request-reader.ts';

const PATHS = ['/a', '/', '/long/er'];
const LIMITS = { maxHeaderBytes: 2048, maxBodyBytes: 1000 };
const encode = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'));

function createReader(connectionLimit = 4): RequestReader {
  return new RequestReader({ connectionLimit, ...LIMITS, paths: new PathTable(PATHS) });
}

/** What a reader makes of a stream in pieces, in words. Ends at a refusal. */
function readAll(reader: RequestReader, conn: number, pieces: Uint8Array[]): string[] {
  const found: string[] = [];
  for (const piece of pieces) {
    let at = 0;
    while (at < piece.length) {
      const got = reader.feed(conn, piece, at, piece.length);
      if (got === GOT.refused) return [...found, `${reader.status}`];
      assert.ok(reader.next > at && reader.next <= piece.length, 'goes on, and not too far');
      at = reader.next;
      if (got === GOT.request) found.push(describe(reader));
      else assert.equal(at, piece.length);
      if (got === GOT.wantsContinue) found.push('continue?');
    }
  }
  if (reader.isMidRequest(conn)) found.push('mid');
  return found;
}

function describe({ route, isHeadMethod, closes }: RequestReader): string {
  const where = route === ROUTE_SERVER ? 'server' : (PATHS[route] ?? 'nowhere');
  return `${isHeadMethod ? 'head ' : ''}${where}${closes ? ' closes' : ''}`;
}

const HOST = 'Host: h\r\n';
const GET = `GET /a?b=c HTTP/1.1\r\n${HOST}\r\n`;
const post = (fields: string, body = '') => `POST / HTTP/1.1\r\n${HOST}${fields}\r\n\r\n${body}`;
const withField = (field: string) => `GET / HTTP/1.1\r\n${HOST}${field}\r\n\r\n`;
const CHUNKED = 'Transfer-Encoding: chunked';

const CASES: [name: string, bytes: string, found: string[]][] = [
  ['a GET', GET, ['/a']],
  ['several at once', GET + GET + GET, ['/a', '/a', '/a']],
  ['HEAD', `HEAD /long/er HTTP/1.1\r\n${HOST}\r\n`, ['head /long/er']],
  ['a path nobody serves', `GET /b HTTP/1.1\r\n${HOST}\r\n`, ['nowhere']],
  ['the absolute form', `GET http://h:80/a?x HTTP/1.1\r\n${HOST}\r\n`, ['/a']],
  ['the absolute form without a path', `GET HTTP://h HTTP/1.1\r\n${HOST}\r\n`, ['/']],
  ['OPTIONS *', `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`, ['server']],
  ['empty lines before', `\r\n\r\n${GET}`, ['/a']],
  ['an empty line between', `${GET}\r\n${GET}`, ['/a', '/a']],
  ['a body by length', post('Content-Length: 3', 'abc') + GET, ['/', '/a']],
  ['a body of no length', post('Content-Length: 0') + GET, ['/', '/a']],
  ['a body that looks like a request', post(`Content-Length: ${GET.length}`, GET) + GET, ['/', '/a']],
  ['chunks', post(CHUNKED, '2\r\nab\r\nA;x="y"\r\n0123456789\r\n0\r\n\r\n') + GET, ['/', '/a']],
  ['chunks with a trailer', post(CHUNKED, '1\r\na\r\n00\r\nX-Sum: 1\r\nY: 2\r\n\r\n') + GET, ['/', '/a']],
  ['a body cut short', post('Content-Length: 3', 'ab'), ['mid']],
  ['a head cut short', GET.slice(0, -1), ['mid']],
  ['HTTP/1.0', 'GET / HTTP/1.0\r\n\r\n', ['/ closes']],
  ['HTTP/1.0 that stays', 'GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n', ['/']],
  ['a later minor version', `GET / HTTP/1.7\r\n${HOST}\r\n`, ['/']],
  ['Connection: close among others', withField('Connection: foo,\tClose , bar'), ['/ closes']],
  ['blanks round a value', withField('X: \t a \t'), ['/']],
  ['an empty value', withField('X:'), ['/']],
  ['opaque bytes in a value', withField('X: \xe9\xff'), ['/']],

  // Two readings of one message: how requests are smuggled.
  ['length and chunks', post(`Content-Length: 3\r\n${CHUNKED}`, 'abc'), ['400']],
  ['chunks and length', post(`${CHUNKED}\r\nContent-Length: 3`, 'abc'), ['400']],
  ['two lengths that differ', post('Content-Length: 3\r\nContent-Length: 4'), ['400']],
  ['two lengths that agree', post('Content-Length: 3\r\nContent-Length: 3'), ['400']],
  ['a list of lengths', post('Content-Length: 3, 3'), ['400']],
  ['a length with a sign', post('Content-Length: +3'), ['400']],
  ['a negative length', post('Content-Length: -3'), ['400']],
  ['a length in hexadecimal', post('Content-Length: 0x3'), ['400']],
  ['an empty length', post('Content-Length: '), ['400']],
  ['a length of twenty digits', post('Content-Length: 10000000000000000003'), ['400']],
  ['a blank before the colon', withField('Content-Length : 3'), ['400']],
  ['a tab before the colon', withField('Transfer-Encoding\t: chunked'), ['400']],
  ['a folded line', withField('X: a\r\n b'), ['400']],
  ['a blank line head', `GET / HTTP/1.1\r\n ${HOST}\r\n`, ['400']],
  ['a bare LF after a field', `GET / HTTP/1.1\r\n${HOST}X: a\nY: b\r\n\r\n`, ['400']],
  ['a bare LF after the request line', `GET / HTTP/1.1\n${HOST}\r\n`, ['400']],
  ['bare LFs at the end', `GET / HTTP/1.1\r\nHost: h\n\n`, ['400']],
  ['a bare CR in a value', withField('X: a\rY: b'), ['400']],
  ['a NUL in a value', withField('X: a\0b'), ['400']],
  ['a NUL in a name', withField('X\0: b'), ['400']],
  ['a field without a colon', withField('nonsense'), ['400']],
  ['a field without a name', withField(': x'), ['400']],
  ['chunked twice', post('Transfer-Encoding: chunked, chunked'), ['501']],
  ['chunked in two fields', post(`${CHUNKED}\r\n${CHUNKED}`), ['400']],
  ['a coding before chunked', post('Transfer-Encoding: gzip, chunked'), ['501']],
  ['no final chunked', post('Transfer-Encoding: chunked, gzip'), ['400']],
  ['an unknown coding', post('Transfer-Encoding: xchunked'), ['400']],
  ['identity', post('Transfer-Encoding: identity'), ['400']],
  ['chunked behind a vertical tab', post('Transfer-Encoding: \x0bchunked'), ['400']],
  ['chunks from HTTP/1.0', `POST / HTTP/1.0\r\n${CHUNKED}\r\n\r\n`, ['400']],
  ['a chunk size of nonsense', post(CHUNKED, 'zz\r\n'), ['400']],
  ['a chunk size with a sign', post(CHUNKED, '+1\r\na\r\n0\r\n\r\n'), ['400']],
  ['a chunk size with 0x', post(CHUNKED, '0x1\r\na\r\n0\r\n\r\n'), ['400']],
  ['a chunk size with a blank', post(CHUNKED, '1 \r\na\r\n0\r\n\r\n'), ['400']],
  ['a chunk size ended by LF', post(CHUNKED, '1\na\r\n0\r\n\r\n'), ['400']],
  ['a bare LF in a chunk extension', post(CHUNKED, '1;a\nb\r\na\r\n0\r\n\r\n'), ['400']],
  ['a chunk longer than its size', post(CHUNKED, '1\r\nab\r\n0\r\n\r\n'), ['400']],
  ['a trailer without a colon', post(CHUNKED, '0\r\nGET / HTTP/1.1\r\n\r\n'), ['400']],
  ['a folded trailer', post(CHUNKED, '0\r\nX: a\r\n b\r\n\r\n'), ['400']],

  // What is not understood, and says so.
  ['no Host', 'GET / HTTP/1.1\r\n\r\n', ['400']],
  ['two Hosts', withField('Host: other'), ['400']],
  ['a TLS hello', '\x16\x03\x01\x02\x00\x01', ['400']],
  ['one word', 'GET\r\n\r\n', ['400']],
  ['no version', 'GET /\r\n\r\n', ['400']],
  ['two blanks', `GET  / HTTP/1.1\r\n${HOST}\r\n`, ['400']],
  ['a blank in the target', `GET /a b HTTP/1.1\r\n${HOST}\r\n`, ['400']],
  ['a target of another kind', `GET a HTTP/1.1\r\n${HOST}\r\n`, ['400']],
  ['GET *', `GET * HTTP/1.1\r\n${HOST}\r\n`, ['400']],
  ['bytes above ASCII in the target', `GET /\xe9 HTTP/1.1\r\n${HOST}\r\n`, ['400']],
  ['a method of lower case', `get / HTTP/1.1\r\n${HOST}\r\n`, ['501']],
  ['CONNECT', `CONNECT h:80 HTTP/1.1\r\n${HOST}\r\n`, ['501']],
  ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', ['505']],
  ['HTTP/0.9 with a version', 'GET / HTTP/0.9\r\n\r\n', ['505']],
  ['another protocol', 'GET / RTSP/1.0\r\n\r\n', ['400']],
  ['an unknown expectation', withField('Expect: miracles'), ['417']],
  ['empty lines without end', '\r\n'.repeat(100), ['400']],

  // Limits.
  ['a body said to be too long', post('Content-Length: 1001'), ['413']],
  ['chunks that add up', post(CHUNKED, `${`200\r\n${'x'.repeat(512)}\r\n`.repeat(3)}0\r\n\r\n`), ['413']],
  ['a chunk said to be huge', post(CHUNKED, 'fffffffffffffffff\r\n'), ['413']],
  ['chunk extensions without end', post(CHUNKED, `1;${'x'.repeat(3000)}\r\n`), ['413']],
  ['trailers without end', post(CHUNKED, `0\r\n${'X: y\r\n'.repeat(600)}\r\n`), ['413']],
  ['a header too long', withField(`X: ${'a'.repeat(3000)}`), ['431']],
  ['a header without end', `GET / HTTP/1.1\r\nX: ${'a'.repeat(5000)}`, ['431']],
  ['too many fields', withField('X: y\r\n'.repeat(120).trim()), ['431']],
  ['a target without end', `GET /${'a'.repeat(5000)}`, ['414']],
];

for (const [name, bytes, found] of CASES) {
  test(`http request: ${name}`, () => {
    const reader = createReader();
    const all = encode(bytes);
    const cut = [3, 20, 41, all.length].filter((at) => at <= all.length);
    assert.deepEqual(readAll(reader, 0, [all]), found, 'whole');
    assert.deepEqual(readAll(reader, 1, piecesOf(all, cut)), found, 'in pieces');
    assert.deepEqual(readAll(reader, 2, piecesOf(all, [...all.keys()])), found, 'byte by byte');
    const later = encode(`${GET}${bytes}`);
    assert.deepEqual(readAll(reader, 3, [later]), ['/a', ...found], 'after another');
  });
}

function piecesOf(all: Uint8Array, cuts: number[]): Uint8Array[] {
  const ends = [...cuts, all.length];
  return ends.map((end, i) => all.slice(i === 0 ? 0 : ends[i - 1], end)).filter(({ length }) => length > 0);
}

test('a client that asks may send its body; one that sent it already is not told', () => {
  const expecting = post('Expect: 100-continue\r\nContent-Length: 3');
  const reader = createReader();
  assert.deepEqual(readAll(reader, 0, [encode(expecting), encode('abc')]), ['continue?', '/']);
  assert.deepEqual(readAll(reader, 0, [encode(`${expecting}abc`)]), ['/']);
  const none = withField('Expect: 100-continue');
  assert.deepEqual(readAll(reader, 0, [encode(none)]), ['/'], 'no body, nothing to wait for');
});

test('a head known by heart means what it meant, beside others that differ in one byte', () => {
  const reader = createReader();
  const heads = ['/a', '/', '/long/er', '/b', '/c', '/d'].map(
    (path) => `GET ${path} HTTP/1.1\r\n${HOST}\r\n`,
  );
  heads.push(
    `HEAD /a HTTP/1.1\r\n${HOST}\r\n`,
    post('Content-Length: 2', 'xy'),
    withField('Connection: close'),
  );
  const expected = ['/a', '/', '/long/er', 'nowhere', 'nowhere', 'nowhere', 'head /a', '/', '/ closes'];
  for (let round = 0; round < 300; round++) {
    for (const [i, head] of heads.entries()) {
      assert.deepEqual(readAll(reader, 0, [encode(head)]), [expected[i]], head);
    }
  }
});

test('memory for heads in pieces is bounded, and given back', () => {
  const limit = 5000;
  const paths = new PathTable(PATHS);
  const reader = new RequestReader({
    connectionLimit: limit,
    maxHeaderBytes: 65_536,
    maxBodyBytes: 10,
    paths,
  });
  const half = encode(`GET / HTTP/1.1\r\nX: ${'a'.repeat(40_000)}`);
  const refused: number[] = [];
  for (let conn = 0; conn < limit; conn++) {
    if (reader.feed(conn, half, 0, half.length) === GOT.refused) refused.push(reader.status);
  }
  assert.ok(refused.length > 0);
  assert.deepEqual(new Set(refused), new Set([503]));
  for (let conn = 0; conn < limit; conn++) reader.reset(conn);
  assert.equal(reader.feed(0, half, 0, half.length), GOT.more);
});

const someRequest = fc
  .record({
    path: fc.constantFrom('/a', '/', '/long/er?x=y'),
    body: fc.stringMatching(/^[a-z0-9\r\n ]{0,40}$/),
    framing: fc.constantFrom('none', 'length', 'chunked'),
  })
  .map(({ path, body, framing }) => {
    const start = `PUT ${path} HTTP/1.1\r\n${HOST}`;
    if (framing === 'none') return `${start}\r\n`;
    if (framing === 'length') return `${start}Content-Length: ${body.length}\r\n\r\n${body}`;
    const chunk = body === '' ? '' : `${body.length.toString(16)}\r\n${body}\r\n`;
    return `${start}${CHUNKED}\r\n\r\n${chunk}0\r\n\r\n`;
  });

test('however a stream is cut, it holds the same requests', () => {
  fc.assert(
    fc.property(
      fc.array(someRequest, { minLength: 1, maxLength: 5 }),
      fc.array(fc.nat(400)),
      (list, cuts) => {
        const all = encode(list.join(''));
        const ends = [...new Set(cuts.filter((at) => at < all.length))].sort((a, b) => a - b);
        const reader = createReader();
        const whole = readAll(reader, 0, [all]);
        assert.equal(whole.length, list.length);
        assert.deepEqual(readAll(reader, 1, piecesOf(all, ends)), whole);
      },
    ),
    { numRuns: 300 },
  );
});

test('no bytes whatever make it throw or stand still', () => {
  const bit = fc.oneof(
    fc.uint8Array({ maxLength: 30 }),
    fc.constantFrom(GET, post(CHUNKED), '\r\n', '\n', ' ', ':', '0\r\n\r\n', 'Host: h\r\n').map(encode),
  );
  fc.assert(
    fc.property(fc.array(bit, { maxLength: 12 }), (pieces) => {
      const reader = createReader();
      const found = readAll(reader, 0, pieces);
      const joined = readAll(reader, 1, [encode(Buffer.concat(pieces).toString('latin1'))]);
      assert.deepEqual(found.filter(isFinal), joined.filter(isFinal));
    }),
    { numRuns: 500 },
  );
});

/** What does not depend on how the bytes were cut. */
const isFinal = (what: string) => what !== 'continue?' && what !== 'mid';
