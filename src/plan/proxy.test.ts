// Goal: a proxy is understood as it is typed, its password stays where it belongs, and what it is told is what RFC 9110 and
// 9112 say. Method: tables of addresses, and the bytes that come of them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTarget } from '../base/address.ts';
import { LoopscopeError } from '../base/errors.ts';
import { http1 } from '../wire/http1/http1.ts';
import { createPlan } from './plan.ts';
import {
  type ForwardProxy,
  forwardOptions,
  PASSWORD_VARIABLE,
  parseProxy,
  tunnelRequest,
  variableNotObeyed,
  withoutPassword,
} from './proxy.ts';

const HTTP = parseTarget('http://shop.example:8080/a?b=1');
const TCP = parseTarget('tcp://[::1]:7007');
const through = (text: string, { target = HTTP, tunnel = false, environment = {} } = {}): ForwardProxy =>
  parseProxy(text, target, tunnel, environment);
const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

const UNDERSTOOD: [typed: string, shown: string, host: string, port: number, authorization: string | null][] =
  [
    ['http://proxy:3128', 'http://proxy:3128', 'proxy', 3128, null],
    ['HTTP://Proxy:80/', 'http://proxy:80', 'proxy', 80, null],
    ['http://[::1]:3128', 'http://[::1]:3128', '::1', 3128, null],
    ['http://joe:secret@10.0.0.1:3128', 'http://10.0.0.1:3128', '10.0.0.1', 3128, basic('joe:secret')],
    ['http://joe:@p:1', 'http://p:1', 'p', 1, basic('joe:')],
    ['http://:secret@p:1', 'http://p:1', 'p', 1, basic(':secret')],
    ['http://j%40e:s%3ac%c3%a9@p:1', 'http://p:1', 'p', 1, basic('j@e:s:cé')],
    ['http://joe:a@b@p:1', 'http://p:1', 'p', 1, basic('joe:a@b')],
  ];
for (const [typed, shown, host, port, authorization] of UNDERSTOOD) {
  test(`understood: ${typed}`, () => {
    assert.deepEqual(through(typed), {
      text: shown,
      address: { kind: 'tcp', host, port },
      authorization,
      isTunnel: false,
    });
  });
}

test('a Unix socket may be a proxy', () => {
  const { text, address } = through('unix:/run/proxy.sock');
  assert.deepEqual([text, address], ['unix:/run/proxy.sock', { kind: 'unix', path: '/run/proxy.sock' }]);
});

test('a name alone takes its password from the environment, and from there only', () => {
  const environment = { [PASSWORD_VARIABLE]: 'from:here' };
  assert.equal(through('http://joe@p:1', { environment }).authorization, basic('joe:from:here'));
  assert.equal(through('http://joe:typed@p:1', { environment }).authorization, basic('joe:typed'));
  assert.equal(through('http://p:1', { environment }).authorization, null);
  assert.throws(() => through('http://joe@p:1'), { code: 'USAGE', hint: /LOOPSCOPE_PROXY_PASSWORD/ });
});

const REFUSED: [typed: string, message: RegExp][] = [
  ['proxy:3128', /"proxy:3128" is not a proxy/],
  ['', /is not a proxy/],
  ['http://proxy', /has no port/],
  ['http://[::1]', /has no port/],
  ['http://proxy:0', /has no port/],
  ['http://proxy:99999', /is not a proxy/],
  ['http://proxy:3128/path', /is not a proxy/],
  ['http://proxy:3128?x', /is not a proxy/],
  ['https://proxy:3128', /TLS to a proxy is not supported/],
  ['socks5://proxy:1080', /SOCKS is not supported/],
  ['http://joe:s/ecret@proxy:3128', /is not a proxy/],
  ['joe:secret@proxy:3128', /is not a proxy/],
  ['http://joe:secret@proxy', /has no port/],
  ['http://joe:sec%ret@proxy:1', /% that begins no %xx/],
  ['http://j%3ae:secret@proxy:1', /name with a colon/],
];
for (const [typed, message] of REFUSED) {
  test(`refused, without its password: ${typed}`, () => {
    assert.throws(
      () => through(typed),
      (error) => {
        assert.ok(error instanceof LoopscopeError);
        assert.equal(error.code, 'USAGE');
        assert.match(error.message, message);
        assert.match(error.message, /^--proxy: /);
        assert.doesNotMatch(`${error.message} ${error.hint}`, /sec%?ret|ecret/);
        return true;
      },
    );
  });
}

test('what may be shown of an address', () => {
  assert.equal(withoutPassword('http://joe:secret@p:1'), 'http://***@p:1');
  assert.equal(withoutPassword('http://:secret@p:1'), 'http://***@p:1');
  assert.equal(withoutPassword('joe:a@b@p:1'), '***@p:1');
  for (const harmless of ['http://joe@p:1', 'http://p:1', 'unix:/run/p.sock']) {
    assert.equal(withoutPassword(harmless), harmless);
  }
});

test('a Unix target is out of reach', () => {
  for (const target of ['unix:/run/a.sock', 'unix+http:/run/a.sock']) {
    assert.throws(() => through('http://p:1', { target: parseTarget(target) }), {
      code: 'USAGE',
      message: new RegExp(`^--proxy and ${target.replace('+', '\\+')} contradict`),
    });
  }
});

/** The requests of a plan through the proxy. */
function sent(typed: string, target = HTTP, tunnel = false): { request: string; connect: string | null } {
  const plan = createPlan({
    target,
    arrival: 'closed',
    ratePerSec: null,
    connectionCount: 1,
    threadCount: 1,
    durationNs: 1e9,
    timeoutNs: 1e9,
    seed: 1,
    proxy: through(typed, { target, tunnel }),
  });
  const connect = tunnelRequest(plan);
  return {
    request: Buffer.from(plan.requests.arena).toString('latin1'),
    connect: connect && Buffer.from(connect).toString('latin1'),
  };
}

test('HTTP: the proxy is asked by the whole URL, with the Host of the target', () => {
  assert.deepEqual(sent('http://joe:secret@p:1'), {
    request: `GET http://shop.example:8080/a?b=1 HTTP/1.1\r\nHost: shop.example:8080\r\nProxy-Authorization: ${basic('joe:secret')}\r\n\r\n`,
    connect: null,
  });
});

test('in a tunnel the request is as it would be without; what opens the tunnel has the credentials', () => {
  assert.deepEqual(sent('http://joe:secret@p:1', HTTP, true), {
    request: 'GET /a?b=1 HTTP/1.1\r\nHost: shop.example:8080\r\n\r\n',
    connect: `CONNECT shop.example:8080 HTTP/1.1\r\nHost: shop.example:8080\r\nProxy-Authorization: ${basic('joe:secret')}\r\n\r\n`,
  });
});

test('what is not HTTP has a tunnel without being asked; the port is always told', () => {
  assert.match(
    sent('http://p:1', TCP).connect!,
    /^CONNECT \[::1\]:7007 HTTP\/1\.1\r\nHost: \[::1\]:7007\r\n\r\n$/,
  );
  const plain = parseTarget('http://shop.example/');
  assert.match(sent('http://p:1', plain, true).connect!, /^CONNECT shop\.example:80 /);
  assert.match(sent('http://p:1', plain).request, /^GET http:\/\/shop\.example\/ /);
});

test('a Proxy-Authorization of the user is the one that is sent; "OPTIONS *" has no path', () => {
  const forward = forwardOptions(through('http://joe:secret@p:1'), HTTP)!;
  const text = (options: object) =>
    Buffer.from(http1.encodeRequest({ forward, host: 'h', ...options })).toString();
  const own = text({ headers: [['proxy-authorization', 'Bearer x']] });
  assert.equal(own.match(/proxy-authorization/gi)!.length, 1);
  assert.match(own, /Bearer x/);
  assert.match(text({ method: 'OPTIONS', path: '*' }), /^OPTIONS http:\/\/shop\.example:8080 HTTP/);
  assert.match(text({ path: 'http://else/x' }), /^GET http:\/\/else\/x HTTP/);
});

test('variables of other tools are told by name', () => {
  assert.equal(variableNotObeyed({}), null);
  assert.equal(variableNotObeyed({ http_proxy: '' }), null);
  assert.equal(variableNotObeyed({ HTTP_PROXY: 'http://joe:secret@p:1' }), 'HTTP_PROXY');
});
