/**
 * A log of many gigabytes, made on the fly and read from a pipe, plain and packed with zstd: resident memory of the whole
 * process over time, when the first request arrives, and how long it takes. Sent at full speed, a sample of the clients.
 * Aims: under 200 MB however long the log is, the first request within a second.
 *
 *   npm run bench -- replay-large [--gigabytes 0.5] [--sample 0.5%] [--packings plain,zstd]
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { LOOPSCOPE } from './lib/loopscope.ts';
import { writeResults } from './lib/results.ts';

const PORT = 18_184;
const LOOK_EVERY_MS = 100;
const REPLY = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
/** Megabytes told by so many parts of the run. */
const PARTS = 10;

const { values } = parseArgs({
  options: {
    gigabytes: { type: 'string', default: '0.5' },
    sample: { type: 'string', default: '0.5%' },
    packings: { type: 'string', default: 'plain,zstd' },
  },
});
const bytes = Number(values.gigabytes) * 1e9;

/** Answers whatever comes; tells when the first thing came. */
async function startTarget(): Promise<{ firstMs(): number } & AsyncDisposable> {
  let firstMs = Number.NaN;
  const server = createServer((socket) => {
    socket.on('data', (chunk) => {
      if (Number.isNaN(firstMs)) firstMs = performance.now();
      let count = 0;
      for (let at = chunk.indexOf('\r\n\r\n'); at >= 0; at = chunk.indexOf('\r\n\r\n', at + 4)) count++;
      for (; count > 0; count--) socket.write(REPLY);
    });
    socket.on('error', () => {});
  });
  server.listen(PORT, '127.0.0.1');
  await once(server, 'listening');
  return {
    firstMs: () => firstMs,
    async [Symbol.asyncDispose]() {
      server.close();
    },
  };
}

function residentMb(pid: number): number {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) / 1e3;
  } catch {
    return Number.NaN;
  }
}

async function measure(packing: string) {
  await using target = await startTarget();
  const writer = join(import.meta.dirname, 'lib', 'large-log.ts');
  const pack = packing === 'zstd' ? ' | zstd -q -1 -c' : '';
  const log = `"$1" --disable-warning=ExperimentalWarning "$2" ${bytes}${pack}`;
  const options = `--target http://127.0.0.1:${PORT} --speed max --sample ${values.sample} -c 10 --json --quiet`;
  // The shell becomes the replay, so that its process is the one that is looked at.
  const script = `exec "$3" replay - ${options} < <(${log})`;
  const begunMs = performance.now();
  const child = spawn('bash', ['-c', script, 'bash', process.execPath, writer, LOOPSCOPE], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const residents: number[] = [];
  const looking = setInterval(() => residents.push(residentMb(child.pid!)), LOOK_EVERY_MS);
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  await once(child, 'close');
  clearInterval(looking);
  const { load } = JSON.parse(output);
  const known = residents.filter((mb) => mb > 0);
  const step = Math.ceil(known.length / PARTS);
  return {
    lines: load.replay.log.lines as number,
    requests: load.replay.log.requests as number,
    unaccounted: load.replay.log.unaccounted as number,
    seconds: (performance.now() - begunMs) / 1e3,
    firstRequestSec: (target.firstMs() - begunMs) / 1e3,
    residentMbMax: Math.max(...known),
    residentMb: Array.from({ length: PARTS }, (_, i) => Math.max(...known.slice(i * step, (i + 1) * step))),
  };
}

const results: Record<string, Awaited<ReturnType<typeof measure>>> = {};
for (const packing of values.packings.split(',')) {
  const result = await measure(packing);
  results[packing] = result;
  const { lines, requests, seconds, firstRequestSec, residentMbMax, residentMb: parts } = result;
  process.stdout.write(
    `${packing}: ${lines} lines in ${seconds.toFixed(1)} s, ${requests} sent, first request after ${firstRequestSec.toFixed(2)} s, ` +
      `resident ${residentMbMax.toFixed(0)} MB at most; by tenths ${parts.map((mb) => mb.toFixed(0)).join(' ')}\n`,
  );
}
process.stdout.write(`wrote ${writeResults('replay-large', { options: values, results })}\n`);
