// Goal: what is sent is what the log says, and nothing that the log holds can become more than one request; what is left
// out is what was asked for. Method: lines of a log, and the bytes that come of them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPrng } from '../../../base/prng.ts';
import type { ReplayOptions } from '../replay-options.ts';
import { combined, logFolder, type Replayed, replayed, timed } from '../testing/replayed.ts';
import { parseCondition, parseRewrite, parseSample, parseSession, parseSpeed } from '../typed.ts';

const SEED = 3;

async function replay(lines: readonly string[], options: Partial<ReplayOptions> = {}): Promise<Replayed> {
  using folder = logFolder();
  return await replayed({ files: [folder.write('log', lines.join('\n'))], ...options });
}

const ENCODED: [name: string, line: string, options: Partial<ReplayOptions>, text: string][] = [
  ['a plain request', combined(0, { path: '/a?b=1' }), {}, 'GET /a?b=1 HTTP/1.1\r\nHost: target:80\r\n\r\n'],
  [
    'user agent and referrer, escapes undone',
    combined(0, { agent: 'a \\x22b\\x22 \\xC3\\xA9', referrer: 'http://x/?q=\\x22' }),
    {},
    'GET / HTTP/1.1\r\nHost: target:80\r\nUser-Agent: a "b" \u00c3\u00a9\r\nReferer: http://x/?q="\r\n\r\n',
  ],
  [
    'a header that would be two is left out',
    combined(0, { agent: 'a\\x0d\\x0aX: y', referrer: 'b\\x00' }),
    {},
    'GET / HTTP/1.1\r\nHost: target:80\r\n\r\n',
  ],
  [
    'an escaped path',
    combined(0, { path: '/\\xC3\\xA9\\x22' }),
    {},
    'GET /\u00c3\u00a9" HTTP/1.1\r\nHost: target:80\r\n\r\n',
  ],
  [
    'an absolute URL has a host of its own',
    combined(0, { path: 'http://shop.example:8080/x' }),
    {},
    'GET /x HTTP/1.1\r\nHost: shop.example:8080\r\n\r\n',
  ],
  [
    'headers of ours replace those of the log',
    combined(0, { path: 'http://shop.example/x', agent: 'theirs' }),
    {
      headers: [
        ['user-agent', 'ours'],
        ['Host', 'h'],
        ['X-A', 'b'],
      ],
    },
    'GET /x HTTP/1.1\r\nuser-agent: ours\r\nHost: h\r\nX-A: b\r\n\r\n',
  ],
  [
    'a path that is rewritten, by the first rule that fits',
    combined(0, { path: '/v1/a' }),
    { rewrites: [parseRewrite('/v2=/no'), parseRewrite('/v1/=/version/one/'), parseRewrite('/=/never/')] },
    'GET /version/one/a HTTP/1.1\r\nHost: target:80\r\n\r\n',
  ],
  [
    'a path that becomes shorter',
    combined(0, { path: '/long/a?b' }),
    { rewrites: [parseRewrite('/long=')] },
    'GET /a?b HTTP/1.1\r\nHost: target:80\r\n\r\n',
  ],
  [
    'a method with a body says that it has none',
    combined(0, { method: 'POST' }),
    { unsafeMethods: true },
    'POST / HTTP/1.1\r\nHost: target:80\r\nContent-Length: 0\r\n\r\n',
  ],
  [
    'OPTIONS for all',
    combined(0, { method: 'OPTIONS', path: '*' }),
    {},
    'OPTIONS * HTTP/1.1\r\nHost: target:80\r\n\r\n',
  ],
];

for (const [name, line, options, text] of ENCODED) {
  test(`encoded: ${name}`, async () => {
    const { requests } = await replay([line], options);
    assert.equal(requests[0]?.text, text);
  });
}

test('HEAD has no body in its reply, and Connection: close ends a connection', async () => {
  const { requests } = await replay([combined(0, { method: 'HEAD' }), combined(0)], {
    headers: [['Connection', 'keep-alive, Close']],
  });
  assert.deepEqual(
    requests.map(({ noBody, closes }) => ({ noBody, closes })),
    [
      { noBody: true, closes: true },
      { noBody: false, closes: true },
    ],
  );
});

test('filler is as long as the body was, by its own length or by that of the request', async () => {
  const format = '$remote_addr [$time_local] "$request" $status $content_length $request_length';
  const at = '127.0.0.1 [29/Nov/2026:07:04:55 +0000]';
  const lines = [
    `${at} "POST /a HTTP/1.1" 200 10 500`,
    `${at} "POST /b HTTP/1.1" 200 - 500`,
    `${at} "POST /c HTTP/1.1" 200 9999999 500`,
    `${at} "POST /d HTTP/1.1" 200 - 7`,
    `${at} "GET /e HTTP/1.1" 200 10 500`,
    `${at} "DELETE /f HTTP/1.1" 200 3 500`,
  ];
  const options = { format, unsafeMethods: true, filler: true };
  const { requests, summary } = await replay(lines, options);
  const bodies = requests.map(({ text }) => text.slice(text.indexOf('\r\n\r\n') + 4));
  assert.equal(bodies[0], 'x'.repeat(10));
  assert.ok(Math.abs(requests[1]!.text.length - 500) < 4, String(requests[1]!.text.length));
  assert.equal(bodies[2]!.length, 2 ** 20);
  assert.deepEqual(bodies.slice(3), ['', '', 'xxx']);
  requests.forEach(({ text }, i) => {
    const length = /Content-Length: (\d+)/.exec(text)?.[1] ?? '0';
    assert.equal(Number(length), bodies[i]!.length, text.slice(0, 80));
  });
  assert.equal(summary.filledCount, 4);
  assert.deepEqual((await replay(lines, { ...options, filler: false })).summary.filledCount, 0);
});

const FILTERED: [name: string, options: Partial<ReplayOptions>, paths: string[]][] = [
  ['safe methods alone', {}, ['/api/a', '/api/b', '/c', '/d']],
  ['all methods', { unsafeMethods: true }, ['/api/a', '/api/b', '/c', '/d', '/post']],
  ['paths', { only: [parseCondition('path=/api/*', '--only')] }, ['/api/a', '/api/b']],
  ['several patterns of a key', { only: [parseCondition('path=/c,/d', '--only')] }, ['/c', '/d']],
  [
    'each key must match',
    { only: [parseCondition('path=/api/*', '--only'), parseCondition('status=404', '--only')] },
    ['/api/b'],
  ],
  [
    'the same key twice: either',
    { only: [parseCondition('path=/c', '--only'), parseCondition('path=/d', '--only')] },
    ['/c', '/d'],
  ],
  [
    'skipped',
    { skip: [parseCondition('status=4xx', '--skip'), parseCondition('path=/c', '--skip')] },
    ['/api/a'],
  ],
  ['a method', { only: [parseCondition('method=head', '--only')] }, ['/d']],
];

for (const [name, options, paths] of FILTERED) {
  test(`which are replayed: ${name}`, async () => {
    const lines = [
      combined(0, { path: '/api/a?q=1' }),
      combined(1, { path: '/api/b', status: 404 }),
      combined(2, { path: '/c' }),
      combined(3, { path: '/d', method: 'HEAD', status: 499 }),
      combined(4, { path: '/post', method: 'POST' }),
    ];
    const { requests, summary } = await replay(lines, options);
    assert.deepEqual(
      requests.map(({ path }) => path.split('?', 1)[0]),
      paths,
    );
    const leftOut = summary.leftOut.reduce((sum, { count }) => sum + count, 0);
    assert.equal(leftOut + requests.length, lines.length);
  });
}

test('a sample is of clients, the same ones each time, and about as many as were asked for', async () => {
  const prng = createPrng(SEED);
  const lines = Array.from({ length: 5000 }, (_, i) =>
    timed(i / 100, 0, { client: `10.0.${prng.below(4)}.${prng.below(250)}`, path: `/${i}` }),
  );
  const all = await replay(lines);
  const some = await replay(lines, { sampleShare: 0.1 });
  const clients = new Set(some.requests.map(({ session }) => session));
  const wanted = all.requests.filter(({ session }) => clients.has(session)).map(({ path }) => path);
  assert.deepEqual(
    some.requests.map(({ path }) => path),
    wanted,
    `seed ${SEED}`,
  );
  const share = clients.size / all.summary.session.clientCount;
  assert.ok(share > 0.06 && share < 0.14, String(share));
});

const SESSIONS: [
  kind: string,
  format: string | undefined,
  lines: string[],
  clients: number,
  unknown: number,
][] = [
  [
    'ip',
    undefined,
    [
      combined(0),
      combined(1),
      combined(2, { client: '::1' }),
      combined(3, { client: '-' }),
      combined(4, { client: '-' }),
    ],
    4,
    2,
  ],
  ['none', undefined, [combined(0), combined(1)], 2, 0],
  [
    'ip:port',
    '$remote_addr:$remote_port [$time_local] "$request"',
    ['1.1.1.1:5', '1.1.1.1:6', '1.1.1.1:5', '::1:5'].map(client),
    3,
    0,
  ],
  ['connection', '$connection [$time_local] "$request"', ['7', '8', '7', '-'].map(client), 3, 1],
];

function client(text: string): string {
  return `${text} [29/Nov/2026:07:04:55 +0000] "GET / HTTP/1.1"`;
}

for (const [kind, format, lines, clients, unknown] of SESSIONS) {
  test(`clients by ${kind}`, async () => {
    const { requests, summary } = await replay(lines, {
      ...(format !== undefined && { format }),
      session: parseSession(kind).kind,
    });
    assert.equal(new Set(requests.map(({ session }) => session)).size, clients);
    assert.equal(summary.session.clientCount, clients);
    assert.equal(summary.session.unknownCount, unknown);
    assert.equal(summary.session.why, 'asked for');
  });
}

test('without a word the most exact that the log carries tells clients apart; what it does not carry is refused', async () => {
  const { summary } = await replay([combined(0)]);
  assert.deepEqual(
    { kind: summary.session.kind, why: summary.session.why },
    { kind: 'ip', why: 'the log has no connection and no ip:port' },
  );
  await assert.rejects(
    replay([combined(0)], { session: 'ip:port' }),
    /--session ip:port: the log does not say it/,
  );
});

test('routes: numbers, UUIDs and hexadecimal are one, queries are cut, and the rest shares a number', async () => {
  const paths = [
    '/',
    '/?a',
    '/item/1',
    '/item/22?x=1',
    '/item/1/edit',
    '/u/123e4567-e89b-12d3-a456-426614174000',
    '/u/deadbeef01',
    '/u/feed',
    '/u/deadbeef',
    '//',
    '/1/2/3',
  ];
  const { requests, summary } = await replay(paths.map((path, i) => combined(i, { path })));
  const names = summary.routes.map(({ name }) => name);
  assert.deepEqual(
    requests.map(({ route }) => names[route]),
    [
      'GET /',
      'GET /',
      'GET /item/*',
      'GET /item/*',
      'GET /item/*/edit',
      'GET /u/*',
      'GET /u/*',
      'GET /u/feed',
      'GET /u/deadbeef',
      'GET //',
      'GET /*/*/*',
    ],
  );
  const many = await replay(Array.from({ length: 100 }, (_, i) => combined(i, { path: `/route-${i}` })));
  assert.equal(many.summary.routes.length, 32);
  assert.deepEqual(many.summary.routes.at(-1), { name: 'other', count: 69 });
  assert.equal(many.requests[99]!.route, 31);
});

const TYPED: [name: string, read: () => unknown, expected: unknown][] = [
  ['speed 2', () => parseSpeed('2'), { kind: 'speed', factor: 2 }],
  ['speed .5x', () => parseSpeed('.5x'), { kind: 'speed', factor: 0.5 }],
  ['speed max', () => parseSpeed('max'), { kind: 'max' }],
  ['sample 10%', () => parseSample('10%'), 0.1],
  ['sample 1', () => parseSample('1'), 1],
  ['session header:X-User', () => parseSession('header:X-User'), { kind: 'header', header: 'X-User' }],
  [
    'status=5XX',
    () => parseCondition('status=5XX,404', '--only'),
    { key: 'status', patterns: ['5??', '404'] },
  ],
  ['rewrite', () => parseRewrite('/a=/b'), { from: '/a', to: '/b' }],
];

for (const [name, read, expected] of TYPED) test(`typed: ${name}`, () => assert.deepEqual(read(), expected));

const REFUSED: [read: () => unknown, message: RegExp, hint: RegExp][] = [
  [() => parseSpeed('0'), /--speed: "0" is not a speed/, /--speed 2/],
  [() => parseSpeed('fast'), /is not a speed/, /max/],
  [() => parseSample('0%'), /--sample/, /10%/],
  [() => parseSample('200%'), /--sample/, /10%/],
  [() => parseSession('port'), /--session/, /ip:port/],
  [() => parseSession('header:'), /--session/, /header:X-User/],
  [() => parseCondition('paht=/a', '--only'), /--only/, /did you mean path/],
  [() => parseCondition('/a', '--skip'), /--skip/, /path=/],
  [() => parseCondition('status=abc', '--skip'), /a status that no request can have/, /status=404/],
  [() => parseCondition('path=a', '--skip'), /a path that no request can have/, /path=/],
  [() => parseRewrite('a=b'), /--rewrite/, /\/v1\/=\/v2\//],
  [() => parseRewrite('/a/='), /--rewrite/, /\/v1\/=\/v2\//],
  [() => parseRewrite('/a=/b=/c'), /--rewrite/, /\/v1\/=\/v2\//],
];

for (const [read, message, hint] of REFUSED) {
  test(`typed wrongly: ${message.source}, ${hint.source}`, () => {
    assert.throws(
      read,
      (error: Error & { hint: string }) => message.test(error.message) && hint.test(error.hint),
    );
  });
}

/** LOOPSCOPE_MUTATIONS=10000000 for the deep run. */
const MUTATIONS = Number(process.env.LOOPSCOPE_MUTATIONS ?? 20_000);

test('mutated lines: each is counted once, and what is sent is one request that a server can read', async () => {
  const prng = createPrng(SEED, 1);
  const base = Buffer.from(combined(0, { path: '/a/b?c=1', agent: 'curl \\x22', referrer: 'http://x/' }));
  const pieces: Buffer[] = [];
  for (let i = 0; i < MUTATIONS; i++) {
    const line = Buffer.from(base);
    for (let changes = prng.below(4); changes > 0; changes--) {
      const byte = prng.below(256);
      line[prng.below(line.length)] = byte === 10 ? 11 : byte;
    }
    pieces.push(line, Buffer.from('\n'));
  }
  using folder = logFolder();
  const { requests, summary } = await replayed({
    files: [folder.write('log', Buffer.concat(pieces))],
    format: 'nginx',
    unsafeMethods: true,
  });
  const refused = summary.refused.reduce((sum, { count }) => sum + count, 0);
  assert.equal(summary.lineCount, MUTATIONS);
  // A line that now begins with "#" is a comment.
  const leftOut = summary.leftOut.reduce((sum, { count }) => sum + count, 0);
  assert.equal(requests.length + refused + leftOut, MUTATIONS);
  // Two stamps in a row that lie ahead confirm each other, and make the rest late: how many are sent is chance.
  assert.ok(requests.length > 1000 && refused > MUTATIONS / 10, `${requests.length}, ${refused}`);
  const SOUND =
    /^[A-Za-z_-]+ (\/[\x21-\x7e\x80-\xff]*|\*) HTTP\/1\.1\r\n([A-Za-z-]+: [\t\x20-\x7e\x80-\xff]*\r\n)+\r\n$/;
  for (const { text } of requests) assert.match(text, SOUND, `seed ${SEED}`);
});
