// Goal: a load keeps nothing but its connections: memory stays bounded with thousands of them, the heap does not grow
// with the number of requests, and every descriptor is closed. Method: a server process of our own; a child process for
// the loads, so that its memory is theirs alone, and V8's own account of what its collections leave behind.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { heapGrowth, readCollections } from '../../bench/lib/collections.ts';
import type { ResourceSample } from '../../bench/lib/resources-client.ts';
import { needs } from '../../test/helpers/needs.ts';
import { root } from '../../test/helpers/source-files.ts';
import { probeIoUring } from '../kernel/features.ts';
import { startServer } from './testing/start-server.ts';

const CONNECTIONS = 4000;
const MAX_RSS_BYTES = 200e6;
/** Sizes in V8's log are rounded to 0.1 MB, and a run of seconds sees a few hundred thousand requests. */
const MAX_GROWTH_BYTES = 2e6;

const run = promisify(execFile);
const client = join(root, 'bench/lib/resources-client.ts');

for (const backend of ['epoll', 'ring'] as const) {
  test(`${backend}: ${CONNECTIONS} connections at once`, async (t) => {
    if (!needs(t, backend === 'epoll' || probeIoUring().available, 'io_uring')) return;
    await using server = await startServer();
    const flags = ['--trace-gc', '--disable-warning=ExperimentalWarning', client, server.target];
    const load = [String(CONNECTIONS), '4', '4000', backend];
    const { stdout } = await run(process.execPath, [...flags, ...load], { maxBuffer: 1 << 26 });
    const text = stdout.split('\n').find((line) => line.startsWith('{"peak'));
    const sample = JSON.parse(text!) as ResourceSample;
    assert.equal(sample.openedCount, CONNECTIONS);
    assert.equal(sample.answeredCount, sample.sentCount);
    assert.ok(sample.peakRssBytes < MAX_RSS_BYTES, `${sample.peakRssBytes} bytes resident`);
    assert.equal(sample.descriptorsAfter, sample.descriptorsBefore, 'no descriptor is left');
    // The first isolate is the main one; the warm-up's thread lives shorter than the load's.
    const [, ...threads] = readCollections(stdout);
    const longest = threads.sort((a, b) => b.at(-1)!.atMs - a.at(-1)!.atMs)[0] ?? [];
    const { bytesPerMillion } = heapGrowth(longest, sample.heldPerSec);
    const grownBytes = ((bytesPerMillion ?? 0) * sample.sentCount) / 1e6;
    assert.ok(grownBytes < MAX_GROWTH_BYTES, `the heap of the load thread grew by ${grownBytes} bytes`);
  });
}
