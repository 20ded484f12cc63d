// Goal: a log that is replayed through a forward proxy goes to the target, whatever hosts it names, and by the proxy's rules.
// Method: lines of a log, and the bytes that come of them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReplayOptions } from '../replay-options.ts';
import { combined, logFolder, replayed } from '../testing/replayed.ts';
import { parseRewrite } from '../typed.ts';

const forward = { origin: 'http://target:80', authorization: 'Basic xyz' };

async function sent(line: string, options: Partial<ReplayOptions> = {}): Promise<string> {
  using folder = logFolder();
  const { requests } = await replayed({ files: [folder.write('log', line)], forward, ...options });
  return requests[0]!.text;
}

const AUTHORIZED = 'Proxy-Authorization: Basic xyz\r\n\r\n';
const CASES: [name: string, line: string, options: Partial<ReplayOptions>, text: string][] = [
  [
    'a path',
    combined(0, { path: '/a?b=1' }),
    {},
    `GET http://target:80/a?b=1 HTTP/1.1\r\nHost: target:80\r\n${AUTHORIZED}`,
  ],
  [
    'a URL of another host',
    combined(0, { path: 'http://shop.example/x' }),
    {},
    `GET http://target:80/x HTTP/1.1\r\nHost: shop.example\r\n${AUTHORIZED}`,
  ],
  [
    'a path that is rewritten',
    combined(0, { path: '/v1/a' }),
    { rewrites: [parseRewrite('/v1/=/version/one/')] },
    `GET http://target:80/version/one/a HTTP/1.1\r\nHost: target:80\r\n${AUTHORIZED}`,
  ],
  [
    'no path at all',
    combined(0, { method: 'OPTIONS', path: '*' }),
    {},
    `OPTIONS http://target:80 HTTP/1.1\r\nHost: target:80\r\n${AUTHORIZED}`,
  ],
  [
    'credentials of the user’s own',
    combined(0),
    { headers: [['Proxy-Authorization', 'Bearer t']] },
    'GET http://target:80/ HTTP/1.1\r\nHost: target:80\r\nProxy-Authorization: Bearer t\r\n\r\n',
  ],
  [
    'no credentials',
    combined(0),
    { forward: { ...forward, authorization: null } },
    'GET http://target:80/ HTTP/1.1\r\nHost: target:80\r\n\r\n',
  ],
];
for (const [name, line, options, text] of CASES) {
  test(`through a proxy: ${name}`, async () => assert.equal(await sent(line, options), text));
}
