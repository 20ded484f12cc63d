// Goal: an address that is many users is not made to wait for itself: the log's own starts and ends tell, and the report says
// so; what was asked for stays. Method: logs of one address, whose requests overlap or do not.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logFolder, replayed, timed } from '../testing/replayed.ts';

/** 400 requests, 10 ms apart, of so long; `users`: user agents by turns. */
function traffic(tookSec: number, users: number, addresses = 1): string {
  return Array.from({ length: 400 }, (_, i) => {
    const agent = `agent ${i % users}`;
    return timed(i / 100 + tookSec, tookSec, { client: `10.0.0.${i % addresses}`, agent });
  }).join('\n');
}

// The first cannot, and the last line has no end.
const SEEN = /^99.7 % of the first 399 requests began while another of their address was under way$/;

const CASES: [name: string, log: string, kind: string, why: RegExp][] = [
  ['one after another', traffic(0.009, 1), 'ip', /^the log has no connection and no ip:port$/],
  ['as long as apart, to the millisecond', traffic(0.011, 1), 'ip', /the log has no/],
  ['many addresses, each one after another', traffic(0.3, 1, 40), 'ip', /the log has no/],
  ['many users behind an address', traffic(0.3, 40), 'ip+agent', SEEN],
  ['many users with one user agent', traffic(0.3, 1), 'none', SEEN],
  ['many users, and two user agents', traffic(0.3, 2), 'none', SEEN],
  ['a few that overlap', `${traffic(0.009, 1)}\n${timed(9.5, 1)}\n${timed(9.6, 1)}`, 'ip', /the log has no/],
  ['too few to tell', traffic(0.3, 1).split('\n').slice(0, 50).join('\n'), 'ip', /the log has no/],
];

for (const [name, log, kind, why] of CASES) {
  test(`${name}: clients by ${kind}`, async () => {
    using folder = logFolder();
    const { summary, requests } = await replayed({ files: [folder.write('log', log)] });
    assert.equal(summary.session.kind, kind);
    assert.match(summary.session.why, why);
    const clients = new Set(requests.map(({ session }) => session)).size;
    const expected = { ip: 0, 'ip+agent': 40, none: requests.length }[kind]!;
    if (expected > 0) assert.equal(clients, expected);
  });
}

test('what was asked for stays, and what the log has not is refused', async () => {
  using folder = logFolder();
  const path = folder.write('log', traffic(0.3, 40));
  for (const session of ['ip', 'ip+agent', 'none'] as const) {
    const { summary } = await replayed({ files: [path], session });
    assert.deepEqual([summary.session.kind, summary.session.why], [session, 'asked for']);
  }
  const format = '$remote_addr [$time_local] "$request"';
  const bare = folder.write('bare', '10.0.0.1 [29/Nov/2026:07:04:55 +0000] "GET / HTTP/1.1"\n');
  await assert.rejects(replayed({ files: [bare], format, session: 'ip+agent' }), /the log does not say it/);
});

test('whole seconds: only what overlaps for certain counts', async () => {
  using folder = logFolder();
  const format = '$remote_addr [$time_local] "$request" $request_time';
  const line = (second: number, took: number) =>
    `10.0.0.1 [29/Nov/2026:07:04:${String(second).padStart(2, '0')} +0000] "GET / HTTP/1.1" ${took}`;
  const of = (took: number) =>
    Array.from({ length: 400 }, (_, i) => line(Math.floor(i / 10), took)).join('\n');
  for (const [took, kind] of [
    [0.09, 'ip'],
    [0.9, 'ip'],
    [3, 'none'],
  ] as const) {
    const { summary } = await replayed({ files: [folder.write('log', of(took))], format });
    assert.equal(summary.session.kind, kind, `${took} s`);
  }
});

test('one connection with many requests at once, as HTTP/2 has them', async () => {
  using folder = logFolder();
  const format = '$connection [$time_local] "$request" $request_time $msec';
  const lines = traffic(0.3, 1)
    .replaceAll(/^\S+ - - /gm, '7 ')
    .replaceAll(/ 200 2 "-" "[^"]*"/g, '');
  const { summary } = await replayed({ files: [folder.write('log', lines)], format });
  assert.equal(summary.session.kind, 'none');
  assert.match(summary.session.why, /began while another of their connection was under way/);
});
