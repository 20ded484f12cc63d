// Goal: codecs work where it counts, in load threads against real servers, a user's file as well as the built-in ones.
// Method: the example codec and others drive the agent, the echo server and redis; every reply must be right.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { redisServerPath, startRedis } from '../../test/fixtures/redis.ts';
import { needs } from '../../test/helpers/needs.ts';
import { root } from '../../test/helpers/source-files.ts';
import { parseTarget } from '../base/address.ts';
import { createClock } from '../base/clock.ts';
import { startLoad } from '../drive/drive.ts';
import { encodeRequests, plainRequest } from '../plan/requests/requests.ts';
import { startServerChild } from '../serve/testing/server-child.ts';
import { codecReference, loadCodec } from './custom/load-codec.ts';

const folder = mkdtempSync(join(tmpdir(), 'loopscope-codec-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let socketCount = 0;

type Traffic = {
  target: string;
  codecName: string;
  body: Uint8Array;
  threadCount?: number;
  ratePerSec?: number;
};

async function load({ target, codecName, body, threadCount = 1, ratePerSec = 1000 }: Traffic) {
  const codec = await loadCodec(codecName);
  return await startLoad({
    target: parseTarget(target),
    codec: codecReference(codecName),
    requests: encodeRequests(codec, [plainRequest({ body })]),
    arrival: 'constant',
    ratePerSec,
    connectionCount: 8,
    threadCount,
    pipelineDepth: codec.pipelines ? 4 : 1,
    // So many and no time: a machine busy elsewhere only makes it longer.
    requestLimit: ratePerSec / 2,
    durationNs: 30e9,
    timeoutNs: 20e9,
    seed: 1,
    clock: createClock(),
  }).done;
}

/** 200 kB each way 1000 times a second are more than a machine that is busy otherwise can always copy. */
const large = new Uint8Array(200_000);
const ratePerSecOf = (body: Uint8Array) => (body === large ? 200 : 1000);

async function drive(server: 'frame' | 'echo', codecName: string, body: Uint8Array, threadCount = 1) {
  const path = join(folder, `${socketCount++}.sock`);
  await using child = await startServerChild({ protocol: server, listen: [{ kind: 'unix', path }] });
  const target = `unix:${path}`;
  const record = await load({ target, codecName, body, threadCount, ratePerSec: ratePerSecOf(body) });
  const { summary } = await child.stop();
  return { counts: record.counts, served: summary.requestCount };
}

const EXAMPLE = join(root, 'examples/codecs/agent-frame.ts');
const ping = new Uint8Array(Buffer.from('ping'));

for (const [name, server, codecName, body, threadCount] of [
  ['the example file drives the agent', 'frame', EXAMPLE, ping, 1],
  ['the example file in two threads', 'frame', EXAMPLE, ping, 2],
  ['a payload larger than a receive buffer', 'frame', EXAMPLE, large, 1],
  ['the built-in frame', 'frame', 'frame', ping, 1],
  ['an echo, compared', 'echo', 'echo:compare', ping, 1],
  ['lines from an echo server', 'echo', 'line:terminator=\\r\\n', ping, 1],
] as const) {
  test(`codec: ${name}`, async () => {
    const { counts, served } = await drive(server, codecName, body, threadCount);
    const planned = ratePerSecOf(body) / 2;
    assert.equal(counts.planned, planned);
    assert.equal(counts.ok, planned, JSON.stringify(counts));
    // The echo server counts what it read: two small requests may come as one.
    if (server === 'echo') assert.ok(served > planned / 2 && served <= planned, `${served} served`);
    else assert.equal(served, planned);
  });
}

test('codec: a format that the server does not speak ends in errors, not in wrong counts', async () => {
  const { counts } = await drive('frame', 'frame:endian=little', ping);
  assert.equal(counts.ok, 0, JSON.stringify(counts));
  assert.equal(counts.error + counts.timeout + counts.unsent + counts.unfinished, counts.planned);
});

test('codec: redis, right replies and errors by their first word', async (t) => {
  if (!needs(t, redisServerPath !== null, 'redis-server is not installed')) return;
  await using redis = await startRedis();
  const target = `tcp://127.0.0.1:${redis.port}`;
  const command = (text: string) => ({ target, codecName: 'resp', body: new Uint8Array(Buffer.from(text)) });
  const right = await load(command('SET key "a value"'));
  assert.equal(right.counts.ok, 500, JSON.stringify(right.counts));
  assert.match(await redis.command('GET key'), /^\$7/);
  const wrong = await load(command('LPUSH key x'));
  assert.equal(wrong.counts.wrong, 500, JSON.stringify(wrong.counts));
  assert.match(JSON.stringify(wrong), /WRONGTYPE/);
});
