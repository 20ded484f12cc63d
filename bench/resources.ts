/**
 * What a load holds on to: 10 000 connections at once, and 2 000 connections at 50 000 requests a second, against nginx
 * on CPU 0. Resident memory of the whole client process at its highest, what is left of the load threads' heaps after
 * each garbage collection, and descriptors before and after.
 *
 *   npm run bench -- resources [--seconds 10] [--backends ring,epoll]
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { heapGrowth, readCollections } from './lib/collections.ts';
import { startNginx } from './lib/pinned.ts';
import type { ResourceSample } from './lib/resources-client.ts';
import { writeResults } from './lib/results.ts';

const PORT = 18_182;
const SERVER_CONNECTIONS = 12_000;

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '10' },
    backends: { type: 'string', default: 'ring,epoll' },
  },
});

const LOADS = [
  { name: '10 000 connections', connectionCount: 10_000, ratePerSec: 10_000 },
  { name: '2 000 connections at 50 000/s', connectionCount: 2_000, ratePerSec: 50_000 },
];

const run = promisify(execFile);
const client = join(import.meta.dirname, 'lib', 'resources-client.ts');

async function measure(backend: string, connectionCount: number, ratePerSec: number) {
  const { stdout } = await run(
    process.execPath,
    [
      '--trace-gc',
      '--disable-warning=ExperimentalWarning',
      client,
      `http://127.0.0.1:${PORT}/`,
      String(connectionCount),
      values.seconds,
      String(ratePerSec),
      backend,
    ],
    { maxBuffer: 1 << 26 },
  );
  const sample = JSON.parse(stdout.split('\n').find((line) => line.startsWith('{"peak'))!) as ResourceSample;
  // The first isolate is the main one, the longest of the others the load thread: the warm-up's has no time for more.
  const [, ...threads] = readCollections(stdout);
  const longest = threads.sort((a, b) => b.at(-1)!.atMs - a.at(-1)!.atMs)[0] ?? [];
  return { ...sample, heap: heapGrowth(longest, sample.heldPerSec) };
}

await using nginx = await startNginx(0, PORT, 1, SERVER_CONNECTIONS);
const samples = [];
for (const backend of values.backends.split(',')) {
  for (const { name, connectionCount, ratePerSec } of LOADS) {
    const sample = await measure(backend, connectionCount, ratePerSec);
    samples.push({ name, backend, ...sample });
    const { heap } = sample;
    const growth =
      heap.bytesPerMillion === null ? 'not known' : `${(heap.bytesPerMillion / 1e3).toFixed(0)} kB`;
    process.stdout.write(
      `${backend.padEnd(6)} ${name.padEnd(30)} RSS ${(sample.peakRssBytes / 1e6).toFixed(0)} MB at most, ` +
        `${sample.openedCount} open, ${Math.round(sample.heldPerSec)}/s held, ` +
        `heap growth for a million requests ${growth} (${heap.collections} collections), ` +
        `descriptors ${sample.descriptorsBefore} → ${sample.descriptorsAfter}\n`,
    );
  }
}
process.stdout.write(
  `wrote ${writeResults('resources', { options: values, serverPid: nginx.pid, samples })}\n`,
);
