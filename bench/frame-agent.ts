/**
 * The length-framed protocol on a Unix socket, closed loop: requests/s from one client core, and how much of the client's
 * CPU is its own code. The server is `loopscope serve agent` on CPU 0, with either back end; the client has CPU 1. The
 * same protocol through a user's codec file runs by turns with the built-in codec.
 *
 *   npm run bench -- frame-agent [--rounds 5] [--seconds 6] [--connections 20,100,200] [--codec examples/codecs/agent-frame.ts]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { LOOPSCOPE, loopscopeLoad } from './lib/loopscope.ts';
import { startPinned } from './lib/pinned.ts';
import { writeResults } from './lib/results.ts';
import { alternate, compare, comparisonLine, median, type Variant } from './lib/rounds.ts';

const SERVER_CPU = 0;
const CLIENT_CPU = 1;
const BODY = 'lookup 42';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '6' },
    connections: { type: 'string', default: '20,100,200' },
    codec: { type: 'string', default: join(import.meta.dirname, '../examples/codecs/agent-frame.ts') },
  },
});
const counts = values.connections.split(',');
const folder = mkdtempSync(join(tmpdir(), 'loopscope-bench-'));
const socketOf = (backend: string) => join(folder, `${backend}.sock`);

function variant(backend: string, count: string, codec: 'frame' | 'file'): Variant {
  const codecText = codec === 'frame' ? 'frame' : resolve(values.codec);
  const options = ['-c', count, '-d', `${values.seconds}s`, '--codec', codecText, '--body', BODY];
  return {
    name: `${codec}, ${backend} server, ${count} connections`,
    run: () => loopscopeLoad(CLIENT_CPU, `unix:${socketOf(backend)}`, options),
  };
}

function startAgent(backend: string) {
  const options = ['--listen', `unix:${socketOf(backend)}`, '--backend', backend];
  return startPinned(SERVER_CPU, [LOOPSCOPE, 'serve', 'agent', ...options], socketOf(backend));
}

async function measure() {
  await using _ring = await startAgent('ring');
  await using _epoll = await startAgent('epoll');
  // The built-in codec and the file stand side by side, so that each pair is measured within seconds.
  const variants = counts.flatMap((count) => [
    variant('epoll', count, 'frame'),
    variant('ring', count, 'frame'),
    variant('ring', count, 'file'),
  ]);
  const samples = await alternate(variants, Number(values.rounds), (round, name, sample) => {
    const { requestsPerSec, cpuUsPerRequest, threadUserShare } = sample;
    const figures = `${requestsPerSec!.toFixed(0).padStart(8)}/s ${cpuUsPerRequest!.toFixed(3)} µs CPU/request`;
    print(
      `${String(round + 1).padStart(3)} ${name.padEnd(40)} ${figures}, user ${percent(threadUserShare!)}`,
    );
  });
  return { variants, samples };
}

const print = (line: string) => process.stdout.write(`${line}\n`);
const percent = (share: number) => `${(share * 100).toFixed(1)} %`;

try {
  const { variants, samples } = await measure();
  const medians = variants.map(({ name }) => {
    const of = (metric: string) => median(samples[name]!.map((sample) => sample[metric]!));
    return {
      name,
      requestsPerSec: of('requestsPerSec'),
      cpuUsPerRequest: of('cpuUsPerRequest'),
      threadUserShare: of('threadUserShare'),
      userShare: of('userShare'),
      failedCount: of('failedCount'),
    };
  });
  print(`medians of ${values.rounds} rounds; user: of the load thread's CPU, and of the whole process'`);
  for (const each of medians) {
    const shares = `user ${percent(each.threadUserShare)}, ${percent(each.userShare)}`;
    const cpu = `${each.cpuUsPerRequest.toFixed(3)} µs CPU/request`;
    print(`  ${each.name.padEnd(40)} ${each.requestsPerSec.toFixed(0).padStart(8)}/s  ${cpu}  ${shares}`);
  }
  const codecFile = counts.map((count) => ({
    connections: Number(count),
    throughput: compare(
      samples,
      'requestsPerSec',
      `file, ring server, ${count} connections`,
      `frame, ring server, ${count} connections`,
    ),
  }));
  for (const { throughput } of codecFile) print(comparisonLine(throughput));
  const path = writeResults('frame-agent', {
    options: { ...values, codec: 'examples/codecs/agent-frame.ts' },
    medians,
    codecFile,
    samples,
  });
  print(`wrote ${path}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
