/**
 * Requests that a proxy and a server might read differently, and what RFC 9112 wants of each. Behind many stands a second
 * request: whoever reads the first one's end in the wrong place answers it.
 */
export type HostileCase = {
  name: string;
  bytes: string;
  /** Of the replies, in order; one from 400 on is the last, and the connection ends. */
  statuses: number[];
  /** The first reply answers a HEAD: it has no body. */
  isHead?: boolean;
  /** The client has said that it is the last. */
  ends?: boolean;
};

const HOST = 'Host: h\r\n';
const SMUGGLED = `GET /smuggled HTTP/1.1\r\n${HOST}\r\n`;
const get = (fields: string, target = '/') => `GET ${target} HTTP/1.1\r\n${fields}\r\n`;
const post = (fields: string, body: string) => `POST / HTTP/1.1\r\n${HOST}${fields}\r\n\r\n${body}`;
const CHUNKED = 'Transfer-Encoding: chunked';
const LAST_CHUNK = '0\r\n\r\n';
const bad = (name: string, bytes: string, status = 400): HostileCase => ({ name, bytes, statuses: [status] });
const fine = (name: string, bytes: string, ...statuses: number[]): HostileCase => ({
  name,
  bytes,
  statuses: statuses.length > 0 ? statuses : [200],
});

/** §6: where a body ends. */
const FRAMING: HostileCase[] = [
  bad('CL.TE', post(`Content-Length: 6\r\n${CHUNKED}`, `${LAST_CHUNK}${SMUGGLED}`)),
  bad('TE.CL', post(`${CHUNKED}\r\nContent-Length: 4`, `5c\r\n${SMUGGLED}\r\n${LAST_CHUNK}`)),
  bad('CL.TE with a length of 0', post(`Content-Length: 0\r\n${CHUNKED}`, `${LAST_CHUNK}${SMUGGLED}`)),
  bad('two lengths, different', post('Content-Length: 0\r\nContent-Length: 40', SMUGGLED)),
  bad('two lengths, different, the other way', post('Content-Length: 40\r\nContent-Length: 0', SMUGGLED)),
  bad('two lengths, equal', post('Content-Length: 3\r\nContent-Length: 3', `abc${SMUGGLED}`)),
  bad('a list of equal lengths', post('Content-Length: 3, 3', `abc${SMUGGLED}`)),
  bad('a list of different lengths', post('Content-Length: 3, 40', `abc${SMUGGLED}`)),
  bad('a length with a plus', post('Content-Length: +3', `abc${SMUGGLED}`)),
  bad('a length with a minus', post('Content-Length: -3', SMUGGLED)),
  bad('a length in hexadecimal', post('Content-Length: 0x3', `abc${SMUGGLED}`)),
  bad('a length with a blank within', post('Content-Length: 3 0', `abc${SMUGGLED}`)),
  bad('a length in quotes', post('Content-Length: "3"', `abc${SMUGGLED}`)),
  bad('a length with a fraction', post('Content-Length: 3.0', `abc${SMUGGLED}`)),
  bad('a length past 2^64', post('Content-Length: 18446744073709551619', `abc${SMUGGLED}`)),
  bad('an empty length', post('Content-Length:', SMUGGLED)),
  bad('a length past the limit', post('Content-Length: 999999999', 'abc'), 413),
  fine('a length with leading zeros', post('Content-Length: 0003', 'abc')),
  bad('xchunked', post('Transfer-Encoding: xchunked', `${LAST_CHUNK}${SMUGGLED}`)),
  bad('chunked with a parameter', post('Transfer-Encoding: chunked;q=1', `${LAST_CHUNK}${SMUGGLED}`)),
  bad('identity', post('Transfer-Encoding: identity', SMUGGLED)),
  bad('gzip alone', post('Transfer-Encoding: gzip', SMUGGLED)),
  bad('gzip, then chunked', post('Transfer-Encoding: gzip, chunked', `${LAST_CHUNK}${SMUGGLED}`), 501),
  bad('chunked, then gzip', post('Transfer-Encoding: chunked, gzip', `${LAST_CHUNK}${SMUGGLED}`)),
  bad('chunked twice', post('Transfer-Encoding: chunked, chunked', `${LAST_CHUNK}${SMUGGLED}`), 501),
  bad('two fields of it', post(`${CHUNKED}\r\nTransfer-Encoding: identity`, `${LAST_CHUNK}${SMUGGLED}`)),
  bad('two fields, the other way', post(`Transfer-Encoding: x\r\n${CHUNKED}`, `${LAST_CHUNK}${SMUGGLED}`)),
  bad('an empty coding', post('Transfer-Encoding:', SMUGGLED)),
  bad('behind a vertical tab', post('Transfer-Encoding: \x0bchunked', `${LAST_CHUNK}${SMUGGLED}`)),
  bad('behind a form feed', post('Transfer-Encoding: chunked\x0c', `${LAST_CHUNK}${SMUGGLED}`)),
  bad('in quotes', post('Transfer-Encoding: "chunked"', `${LAST_CHUNK}${SMUGGLED}`)),
  bad('from HTTP/1.0', `POST / HTTP/1.0\r\n${HOST}${CHUNKED}\r\n\r\n${LAST_CHUNK}${SMUGGLED}`),
  fine('in capitals', post('TRANSFER-ENCODING: CHUNKED', `3\r\nabc\r\n${LAST_CHUNK}`)),
  fine('blanks round it', post('Transfer-Encoding: \t chunked \t', `3\r\nabc\r\n${LAST_CHUNK}`)),
];

/** §7.1: chunks. */
const CHUNKS: HostileCase[] = [
  fine(
    'sizes in both cases, an extension, a trailer',
    post(CHUNKED, `A;a="b;c"\r\n0123456789\r\na\r\n0123456789\r\n0\r\nX: y\r\n\r\n`),
  ),
  bad('a size that wraps round 32 bits', post(CHUNKED, `100000003\r\nabc\r\n${LAST_CHUNK}${SMUGGLED}`), 413),
  bad(
    'a size that wraps round 64 bits',
    post(CHUNKED, `10000000000000003\r\nabc\r\n${LAST_CHUNK}${SMUGGLED}`),
    413,
  ),
  bad('a negative size', post(CHUNKED, `-3\r\nabc\r\n${LAST_CHUNK}${SMUGGLED}`)),
  bad('a size with 0x', post(CHUNKED, `0x3\r\nabc\r\n${LAST_CHUNK}${SMUGGLED}`)),
  bad('a size with an underscore', post(CHUNKED, `1_0\r\nabc\r\n${LAST_CHUNK}${SMUGGLED}`)),
  bad('a blank before the size', post(CHUNKED, ` 3\r\nabc\r\n${LAST_CHUNK}${SMUGGLED}`)),
  bad('a blank after the size', post(CHUNKED, `3 \r\nabc\r\n${LAST_CHUNK}${SMUGGLED}`)),
  bad('no size', post(CHUNKED, `\r\n${LAST_CHUNK}${SMUGGLED}`)),
  bad('a size ended by LF', post(CHUNKED, `3\nabc\r\n${LAST_CHUNK}${SMUGGLED}`)),
  bad('a size ended by CR', post(CHUNKED, `3\rabc\r\n${LAST_CHUNK}${SMUGGLED}`)),
  bad('data ended by LF', post(CHUNKED, `3\r\nabc\n${LAST_CHUNK}${SMUGGLED}`)),
  bad('data longer than its size', post(CHUNKED, `3\r\nabcd\r\n${LAST_CHUNK}${SMUGGLED}`)),
  bad('data without its end', post(CHUNKED, `3\r\nabc0\r\n\r\n${SMUGGLED}`)),
  bad('a line feed in an extension', post(CHUNKED, `3;\nabc\r\n${LAST_CHUNK}${SMUGGLED}`)),
  bad('a NUL in an extension', post(CHUNKED, `3;a\0\r\nabc\r\n${LAST_CHUNK}${SMUGGLED}`)),
  bad('the end by LF', post(CHUNKED, `0\r\n\n${SMUGGLED}`)),
  bad('a trailer without a colon', post(CHUNKED, `0\r\n${SMUGGLED}`)),
  bad('a folded trailer', post(CHUNKED, `0\r\nX: a\r\n b\r\n\r\n${SMUGGLED}`)),
  bad('a trailer ended by LF', post(CHUNKED, `0\r\nX: a\n\r\n${SMUGGLED}`)),
];

/** §5: fields. */
const FIELDS: HostileCase[] = [
  bad('a folded line', get(`${HOST}X: a\r\n b\r\n`) + SMUGGLED),
  bad('a folded length', post('Content-Length:\r\n 3', `abc${SMUGGLED}`)),
  bad('a blank before the first field', `GET / HTTP/1.1\r\n ${HOST}\r\n${SMUGGLED}`),
  bad('a blank before the colon', post('Content-Length : 3', `abc${SMUGGLED}`)),
  bad('a tab before the colon', post('Transfer-Encoding\t: chunked', `${LAST_CHUNK}${SMUGGLED}`)),
  bad('no colon', get(`${HOST}nonsense\r\n`) + SMUGGLED),
  bad('no name', get(`${HOST}: a\r\n`) + SMUGGLED),
  bad('a line feed alone', get(`${HOST}X: a\nContent-Length: 40\r\n`) + SMUGGLED),
  bad('line feeds alone throughout', `GET / HTTP/1.1\nHost: h\n\n${SMUGGLED}`),
  bad('a line feed alone at the end', `GET / HTTP/1.1\r\n${HOST}\n${SMUGGLED}`),
  bad('a carriage return alone', get(`${HOST}X: a\rContent-Length: 40\r\n`) + SMUGGLED),
  bad('a carriage return alone at the end', `GET / HTTP/1.1\r\n${HOST}\r\r\n${SMUGGLED}`),
  bad('a NUL in a value', get(`${HOST}X: a\0b\r\n`) + SMUGGLED),
  bad('a NUL in a name', get(`${HOST}Content-Length\0: 40\r\n`) + SMUGGLED),
  bad('a byte above ASCII in a name', get(`${HOST}Content-Length\xa0: 40\r\n`) + SMUGGLED),
  bad('too many fields', get(`${HOST}${'X: y\r\n'.repeat(150)}`) + SMUGGLED, 431),
  bad('fields too long together', get(`${HOST}X: ${'a'.repeat(5000)}\r\n`) + SMUGGLED, 431),
  fine('opaque bytes in a value', get(`${HOST}X: \xe9\xff\r\n`)),
  bad('an unknown expectation', get(`${HOST}Expect: miracles\r\n`) + SMUGGLED, 417),
];

/** §3.2, §7.2 of RFC 9110: the Host. */
const HOSTS: HostileCase[] = [
  bad('no Host', get('') + SMUGGLED),
  bad('two Hosts', get('Host: a\r\nHost: b\r\n') + SMUGGLED),
  bad('two equal Hosts', get('Host: a\r\nHost: a\r\n') + SMUGGLED),
  bad('two Hosts with the absolute form', get('Host: a\r\nHost: b\r\n', 'http://a/') + SMUGGLED),
  bad('a Host of two words', get('Host: a b\r\n') + SMUGGLED),
  bad('a Host with a path', get('Host: a/b\r\n') + SMUGGLED),
  bad('a Host with a user', get('Host: a@b\r\n') + SMUGGLED),
  bad('a Host with a port of letters', get('Host: a:http\r\n') + SMUGGLED),
  bad('a Host with two ports', get('Host: a:1:2\r\n') + SMUGGLED),
  bad('a Host with a bracket open', get('Host: [::1\r\n') + SMUGGLED),
  fine('a Host with a port', get('Host: example.org:8080\r\n')),
  fine('a Host with an address', get('Host: [::1]:8080\r\n')),
  fine('an empty Host', get('Host:\r\n')),
  fine('no Host from HTTP/1.0 that stays', 'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n'),
];

/** §3, §2.2: request lines. */
const LINES: HostileCase[] = [
  bad('a method in lower case', `get / HTTP/1.1\r\n${HOST}\r\n${SMUGGLED}`, 501),
  bad('a method nobody knows', `BREW / HTTP/1.1\r\n${HOST}\r\n${SMUGGLED}`, 501),
  bad('CONNECT', `CONNECT h:443 HTTP/1.1\r\n${HOST}\r\n${SMUGGLED}`, 501),
  bad('TRACE', `TRACE / HTTP/1.1\r\n${HOST}\r\n${SMUGGLED}`, 501),
  bad('no version', `GET /\r\n${HOST}\r\n${SMUGGLED}`),
  bad('another protocol', `GET / RTSP/1.0\r\n${HOST}\r\n${SMUGGLED}`),
  bad('a version in lower case', `GET / http/1.1\r\n${HOST}\r\n${SMUGGLED}`),
  bad('HTTP/0.9', `GET / HTTP/0.9\r\n\r\n`, 505),
  bad('HTTP/2 by preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 505),
  bad('HTTP/1.10', `GET / HTTP/1.10\r\n${HOST}\r\n${SMUGGLED}`),
  bad('two blanks', `GET  / HTTP/1.1\r\n${HOST}\r\n${SMUGGLED}`),
  bad('a tab for a blank', `GET\t/ HTTP/1.1\r\n${HOST}\r\n${SMUGGLED}`),
  bad('a blank in the target', `GET /a b HTTP/1.1\r\n${HOST}\r\n${SMUGGLED}`),
  bad('a blank after the version', `GET / HTTP/1.1 \r\n${HOST}\r\n${SMUGGLED}`),
  bad('a blank before the method', ` GET / HTTP/1.1\r\n${HOST}\r\n${SMUGGLED}`),
  bad('a fragment', get(HOST, '/#a') + SMUGGLED),
  bad('a NUL in the target', get(HOST, '/\0') + SMUGGLED),
  bad('a target without a slash', get(HOST, 'a') + SMUGGLED),
  bad('GET *', get(HOST, '*') + SMUGGLED),
  bad('the absolute form without a host', get(HOST, 'http:///other') + SMUGGLED),
  bad('the absolute form with a user', get(HOST, 'http://h@i/other') + SMUGGLED),
  bad('the absolute form of another scheme', get(HOST, 'ftp://h/other') + SMUGGLED),
  bad('a target too long', get(HOST, `/${'a'.repeat(5000)}`) + SMUGGLED, 414),
  bad('a TLS hello', '\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03'),
  fine('the absolute form', get(HOST, 'http://h:80/other?a')),
  fine('the absolute form without a path', get(HOST, 'HTTP://h')),
  fine('a later minor version', `GET / HTTP/1.9\r\n${HOST}\r\n`),
  fine('empty lines before it', `\r\n\r\n${get(HOST)}`),
  fine('OPTIONS *', `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`, 204),
];

/** §9.3, §9.6: how connections go on and end. */
const CONNECTIONS: HostileCase[] = [
  { name: 'HTTP/1.0', bytes: `GET / HTTP/1.0\r\n\r\n${SMUGGLED}`, statuses: [200], ends: true },
  {
    name: 'Connection: close among others',
    bytes: get(`${HOST}Connection: foo, CLOSE\r\n`) + SMUGGLED,
    statuses: [200],
    ends: true,
  },
  fine('a body that looks like a request', post(`Content-Length: ${SMUGGLED.length}`, SMUGGLED)),
  fine(
    'chunks that look like a request',
    post(CHUNKED, `${SMUGGLED.length.toString(16)}\r\n${SMUGGLED}\r\n${LAST_CHUNK}`),
  ),
  fine('a GET with a body', get(`${HOST}Content-Length: ${SMUGGLED.length}\r\n`) + SMUGGLED),
  fine('good ones before it', get(HOST).repeat(3), 200, 200, 200),
  { name: 'good ones, then a bad one', bytes: get(HOST) + get('') + SMUGGLED, statuses: [200, 400] },
  {
    name: 'a HEAD that is refused',
    bytes: `HEAD / HTTP/1.1\r\n\r\n${SMUGGLED}`,
    statuses: [400],
    isHead: true,
  },
  {
    name: 'a HEAD whose body is too long',
    bytes: `HEAD / HTTP/1.1\r\n${HOST}Content-Length: 99999999\r\n\r\n`,
    statuses: [413],
    isHead: true,
  },
];

export const CASES: readonly HostileCase[] = [
  ...FRAMING,
  ...CHUNKS,
  ...FIELDS,
  ...HOSTS,
  ...LINES,
  ...CONNECTIONS,
];
