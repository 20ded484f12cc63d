// Goal: what other tools print is read rightly. Method: lines they printed against a server on this machine.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { httpPeers } from './http-peers.ts';

const task = { cpu: 1, target: 'http://127.0.0.1:18199/', connections: '10', seconds: '1' };
const peers = httpPeers('/x/autocannon.js');

const printed: Record<string, { output: string; count: number; sec: number }> = {
  wrk: {
    output: '  59012 requests in 1.03s, 8.39MB read\nRequests/sec:  57478.92\nTransfer/sec:      8.17MB\n',
    count: 59_012,
    sec: 59_012 / 57_478.92,
  },
  'h2load --h1': {
    output:
      'finished in 1.00s, 28144.00 req/s, 4.00MB/s\n' +
      'requests: 28144 total, 28154 started, 28144 done, 28144 succeeded, 0 failed, 0 errored, 0 timeout\n',
    count: 28_144,
    sec: 1,
  },
  'ab -k': {
    output:
      'Time taken for tests:   1.067 seconds\nComplete requests:      29533\nFailed requests:        0\n',
    count: 29_533,
    sec: 1.067,
  },
  hey: {
    output: '\nSummary:\n  Total:\t1.0003 secs\n  Slowest:\t0.1382 secs\n  Requests/sec:\t14381.3387\n',
    count: 14_381.3387 * 1.0003,
    sec: 1.0003,
  },
  autocannon: { output: '{"duration":1.03,"2xx":37857,"non2xx":0}', count: 37_857, sec: 1.03 },
};

test('every tool has an example of its output', () => {
  assert.deepEqual(
    Object.keys(printed),
    peers.map(({ name }) => name),
  );
});

for (const peer of peers) {
  test(`${peer.name}: requests and seconds`, () => {
    const { output, count, sec } = printed[peer.name]!;
    const read = peer.read(output, task);
    assert.ok(Math.abs(read.count - count) < 1e-6, `${read.count} requests`);
    assert.ok(Math.abs(read.sec - sec) < 1e-9, `${read.sec} s`);
  });

  test(`${peer.name}: output of another kind is refused, not read as 0`, () => {
    assert.throws(() => peer.read('no figures here', task));
  });

  test(`${peer.name}: is given target and connections as words of their own or its own form`, () => {
    const command = peer.command(task);
    assert.ok(command.includes(task.target));
    assert.ok(command.some((word) => word === '10' || word === '-c10'));
  });
}
