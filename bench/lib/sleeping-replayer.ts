/**
 * The barest replayer that sleeps between records, as GoReplay does: it reads a record, waits the gap to the one before,
 * sends, and reads the next. Prints how long it took and how late its last requests were, as JSON.
 *
 *   node sleeping-replayer.ts LOG PORT
 */
import { createReadStream } from 'node:fs';
import { Agent, get } from 'node:http';
import { createInterface } from 'node:readline';

/** Of the last requests, the median is told. */
const LAST = 200;

const [, , log = '', port = ''] = process.argv;
const agent = new Agent({ keepAlive: true, maxSockets: 50 });
// What waits asynchronously does not keep a process alive.
const alive = setInterval(() => {}, 60_000);
const cell = new Int32Array(new SharedArrayBuffer(4));
const latenessMs: number[] = [];
let lastMs = Number.NaN;
let firstMs = 0;
let begunMs = 0;
let count = 0;

for await (const line of createInterface({ input: createReadStream(log) })) {
  const { time, path } = JSON.parse(line) as { time: string; path: string };
  const stampMs = Number(time) * 1e3;
  if (Number.isNaN(lastMs)) {
    firstMs = stampMs;
    begunMs = performance.now();
  } else if (stampMs > lastMs) {
    // Finer than setTimeout(), which knows whole milliseconds.
    await Atomics.waitAsync(cell, 0, 0, stampMs - lastMs).value;
  }
  lastMs = stampMs;
  get({ agent, port, path }, (reply) => reply.resume()).on('error', () => {});
  latenessMs.push(performance.now() - begunMs - (stampMs - firstMs));
  if (latenessMs.length > LAST) latenessMs.shift();
  count++;
}
const totalSec = (performance.now() - begunMs) / 1e3;
const sorted = latenessMs.sort((a, b) => a - b);
process.stdout.write(JSON.stringify({ count, totalSec, finalLagMs: sorted[sorted.length >> 1] }));
agent.destroy();
clearInterval(alive);
