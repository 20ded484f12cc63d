// Goal: a report of a run through a proxy says so wherever the target or the other end is named, and no other report does.
// Method: quiet runs with a proxy put into them, read as text in a pipe and as JSON.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareRuns } from '../../diagnose/compare/compare-runs.ts';
import { diagnose } from '../../diagnose/diagnose.ts';
import { quietRun, type RunBuilder } from '../../diagnose/testing/run-builder.ts';
import type { OutageRecord, ProxyRecord, TunnelRecord } from '../../record/load.ts';
import type { Run } from '../../record/run.ts';
import { loadObject } from '../json/load-object.ts';
import { terminalReporter } from '../terminal/terminal.ts';

const URL = 'http://10.0.0.1:3128';

function through(isTunnel: boolean, change: Parameters<RunBuilder['load']>[0] = {}): Run {
  const { run } = quietRun().unwatched().load(change);
  run.header.mode = 'load';
  const proxy: ProxyRecord = { url: URL, isTunnel };
  run.load!.plan.proxy = proxy;
  return run;
}

const textOf = (run: Run) =>
  terminalReporter.render(run, diagnose(run), { colour: false, columns: null, runFile: null });

const tunnels: TunnelRecord = {
  opened: 50,
  handshakeNsMean: 2e6,
  handshakeNsMax: 7e6,
  refusal: 'HTTP/1.1 503 Busy',
};
const supply = { held: 50, turnedAway: 0, refusal: null, failedByErrno: {}, openFileLimit: null };

test('without a proxy there is no word of one', () => {
  const { run } = quietRun().unwatched();
  assert.doesNotMatch(textOf(run), /proxy/i);
  assert.equal(loadObject(run.load!, diagnose(run)).plan.proxy, null);
});

test('asked for each request: said with the target, and with what may be its own word', () => {
  const run = through(false, { statusCounts: { 200: 5000, 407: 3, 502: 2, 504: 1 } });
  const text = textOf(run);
  assert.match(text, /^http\S+ through http:\/\/10\.0\.0\.1:3128, /m);
  assert.match(
    text,
    /^ {2}proxy +http:\/\/10\.0\.0\.1:3128, asked for each request; it answered 3 with 407/m,
  );
  assert.match(text, /; 3 replies with 502, 503 or 504 may be its own$/m);
  assert.deepEqual(loadObject(run.load!, diagnose(run)).plan.proxy, { url: URL, tunnel: false });
});

test('tunnels: how long they took, and the first that was refused', () => {
  const run = through(true, { supply: { ...supply, tunnels } });
  assert.match(
    textOf(run),
    /proxy +\S+, a tunnel \(CONNECT\) for each connection; the proxy let 50 tunnels through after 2\.00 ms on average, 7\.00 ms at most; of those refused the first: "HTTP\/1\.1 503 Busy"$/m,
  );
  assert.deepEqual(loadObject(run.load!, diagnose(run)).connections.tunnels, {
    opened: 50,
    handshake_mean_ns: 2e6,
    handshake_max_ns: 7e6,
    refusal: 'HTTP/1.1 503 Busy',
  });
});

test('who closes connections, and whose addresses these are', () => {
  const connections = { opened: 60, failed: 0, reopened: 10, closedByPeer: 10, lateReplies: 0 };
  const addresses = [{ address: '10.0.0.2:3128', error: null }];
  const forward = textOf(through(false, { connections, supply: { ...supply, addresses } }));
  assert.match(forward, /10 closed by the proxy\b/);
  assert.match(forward, /address +of the proxy: 10\.0\.0\.2:3128$/m);
  assert.match(textOf(through(true, { connections })), /10 closed by the server or the proxy\b/);
});

const GONE: [errno: string, headline: RegExp, advice: RegExp][] = [
  ['ECONNREFUSED', /^server\.gone: the proxy went away at 1\.0 s: .* 62 refused/, /read the proxy.s own log/],
  [
    'proxy 503',
    /^server\.gone: the server behind the proxy went away at 1\.0 s: .* 62 connects failed \(proxy 503\)/,
    /read the server.s own log/,
  ],
];
for (const [errno, headline, advice] of GONE) {
  test(`who is gone: ${errno}`, () => {
    const outage: OutageRecord = { fromNs: 1e9, toNs: null, closed: 10, refused: 62, errno };
    const run = through(true, { outages: [outage] });
    outage.fromNs += run.load!.startNs;
    const verdict = diagnose(run).verdict;
    assert.match(`${verdict.culprit}: ${verdict.headline}`, headline);
    assert.match(verdict.advice.join(' '), advice);
  });
}

test('runs through different proxies, or by different ways, are different set-ups', () => {
  const differences = (a: Run, b: Run) => compareRuns([a], [b]).warnings.filter((text) => /proxy/.test(text));
  const { run: direct } = quietRun().unwatched();
  assert.deepEqual(differences(direct, through(false)), [`proxy: none in A, ${URL} in B`]);
  assert.deepEqual(differences(through(false), through(true)), [
    `proxy: ${URL} in A, tunnels of ${URL} in B`,
  ]);
  assert.deepEqual(differences(through(true), through(true)), []);
});
