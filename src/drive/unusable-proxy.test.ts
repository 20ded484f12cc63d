// Goal: when not one connection comes through a proxy, the message names the proxy, says what it did and what to do about it.
// Method: what a thread tells of its tunnels or connects, as a table.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTarget } from '../base/address.ts';
import { LoopscopeError } from '../base/errors.ts';
import { ERRNO } from '../kernel/errno.ts';
import { createPlan } from '../plan/plan.ts';
import { parseProxy } from '../plan/proxy.ts';
import { refusedBy, TUNNEL } from './supply/tunnels.ts';
import { chooseAddresses, unreachable } from './target.ts';

const target = parseTarget('tcp://shop.example:7007');

function plan(proxy = 'http://p.example:3128') {
  return createPlan({
    target,
    arrival: 'closed',
    ratePerSec: null,
    connectionCount: 1,
    threadCount: 1,
    durationNs: 1e9,
    timeoutNs: 1e9,
    seed: 1,
    proxy: parseProxy(proxy, target, false, {}),
  });
}

const tally = { opened: 0, handshakeNsSum: 0, handshakeNsMax: 0 };
const refused = (problem: string, said = '', proxy?: string) =>
  unreachable(plan(proxy), [
    { lastErrno: 0, error: null, tunnels: { ...tally, problem: '', said: '' } },
    { lastErrno: 0, error: null, tunnels: { ...tally, problem, said } },
  ]);

const SAID: [problem: string, said: string, message: RegExp, hint: RegExp][] = [
  [
    refusedBy(407),
    'HTTP/1.1 407 No',
    /answered 407 to CONNECT shop\.example:7007: “HTTP\/1\.1 407 No”$/,
    /give user:password/,
  ],
  [refusedBy(403), '', /answered 403 to CONNECT/, /does not allow that host and port/],
  [refusedBy(502), '', /answered 502/, /could not reach the target/],
  [refusedBy(504), '', /answered 504/, /did not answer it in time/],
  [refusedBy(405), '', /answered 405/, /is CONNECT switched on/],
  [refusedBy(500), '', /answered 500/, /its own log/],
  [TUNNEL.closed, '', /closed each connection before it answered CONNECT/, /is it a proxy/],
  [TUNNEL.silent, '', /did not answer CONNECT shop\.example:7007 within 1\.00 s/, /--connect-timeout/],
  ['not HTTP from the proxy', 'SSH-2.0', /cannot be read \(not HTTP\): “SSH-2\.0”$/, /SOCKS is not/],
];
for (const [problem, said, message, hint] of SAID) {
  test(`told: ${problem}`, () => {
    const error = refused(problem, said);
    assert.equal(error.code, 'PROXY_UNUSABLE');
    assert.match(error.message, /^the proxy http:\/\/p\.example:3128 /);
    assert.match(error.message, message);
    assert.match(error.hint, hint);
  });
}

test('one that was given a user is not told to give one', () => {
  const error = refused(refusedBy(407), '', 'http://joe:secret@p:1');
  assert.match(error.hint, /does not take this user and password/);
  assert.doesNotMatch(`${error.message} ${error.hint}`, /secret|joe/);
});

test('a proxy that is not there is named, and the target is not', () => {
  const error = unreachable(plan(), [{ lastErrno: ERRNO.ECONNREFUSED, error: null, tunnels: null }]);
  assert.equal(error.code, 'PROXY_UNUSABLE');
  assert.match(
    error.message,
    /not one connection to the proxy p\.example:3128 could be opened: ECONNREFUSED/,
  );
  assert.match(error.hint, /is the proxy listening on p\.example:3128\?/);
  assert.doesNotMatch(`${error.message} ${error.hint}`, /shop/);
});

test('without a proxy, a variable that others would have obeyed is named when nothing could be opened', (t) => {
  const { http_proxy: before } = process.env;
  t.after(() => {
    if (before === undefined) delete process.env.http_proxy;
    else process.env.http_proxy = before;
  });
  process.env.http_proxy = 'http://joe:secret@p:1';
  const ready = [{ lastErrno: ERRNO.ECONNREFUSED, error: null, tunnels: null }];
  const direct = unreachable({ ...plan(), proxy: null }, ready);
  assert.equal(direct.code, 'TARGET_UNREACHABLE');
  assert.match(
    direct.hint,
    /; http_proxy is set, and not obeyed: --proxy http:\/\/host:port goes through one$/,
  );
  assert.doesNotMatch(direct.hint, /secret/);
  assert.doesNotMatch(unreachable(plan(), ready).hint, /http_proxy/);
});

test('the name of the proxy is looked up, that of the target is not', async () => {
  const asked: string[] = [];
  const resolve = (name: string) => {
    asked.push(name);
    return Promise.resolve(['192.0.2.1']);
  };
  const { used } = await chooseAddresses(plan(), new AbortController().signal, resolve);
  assert.deepEqual(asked, ['p.example']);
  assert.deepEqual(used, [{ kind: 'tcp', host: '192.0.2.1', port: 3128 }]);
  await assert.rejects(
    chooseAddresses(plan(), new AbortController().signal, () => Promise.resolve([])),
    (error) =>
      error instanceof LoopscopeError &&
      error.code === 'PROXY_UNUSABLE' &&
      /^--proxy: the name p\.example has no address$/.test(error.message),
  );
});
