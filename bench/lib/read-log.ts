/**
 * Reads one log as bench/replay.ts asks, and prints the lines, the seconds of CPU and the growth of the heap as JSON:
 * `ours FORMAT OPTIONS FILE` with our parsers, `lines FILE` with our splitter alone, `readline FILE` with Node's reader.
 */
import { closeSync, createReadStream, openSync, readSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { LOG_FORMATS } from '../../src/plan/replay/formats/registry.ts';
import { createSplitter } from '../../src/plan/replay/framing/framing.ts';
import { createLogRecord, parseRecord } from '../../src/plan/replay/framing/splitter.ts';
import { createLogEntry } from '../../src/plan/replay/lines/log-entry.ts';
import { REFUSAL } from '../../src/plan/replay/lines/refusal.ts';

const CHUNK_BYTES = 256 * 1024;
const [how, ...rest] = process.argv.slice(2);
const path = rest.at(-1)!;

async function readline(): Promise<number> {
  let count = 0;
  for await (const line of createInterface({ input: createReadStream(path) })) if (line !== '') count++;
  return count;
}

function ours(format: string | null, options: object): number {
  const found = LOG_FORMATS.find(({ name }) => name === (format ?? 'common'))!;
  const parser = found.createParser(options);
  const splitter = createSplitter(format === null ? 'lines' : found.framing);
  const record = createLogRecord();
  const entry = createLogEntry(parser.escapes);
  const chunk = Buffer.alloc(CHUNK_BYTES);
  const fd = openSync(path, 'r');
  let count = 0;
  for (let bytes = readSync(fd, chunk); bytes > 0; bytes = readSync(fd, chunk)) {
    splitter.push(chunk.subarray(0, bytes));
    while (splitter.next(record)) {
      if (format === null || parseRecord(parser, record, entry) === REFUSAL.none) count++;
    }
  }
  closeSync(fd);
  return count;
}

const began = process.cpuUsage();
const heapBytes = process.memoryUsage().heapUsed;
const [format, options] = rest;
const lines =
  how === 'readline'
    ? await readline()
    : ours(how === 'lines' ? null : format!, how === 'ours' ? JSON.parse(options!) : {});
const { user, system } = process.cpuUsage(began);
const cpuSec = (user + system) / 1e6;
globalThis.gc?.();
const heapGrowthBytes = process.memoryUsage().heapUsed - heapBytes;
const { maxRSS } = process.resourceUsage();
process.stdout.write(`${JSON.stringify({ lines, cpuSec, heapGrowthBytes, maxRssBytes: maxRSS * 1024 })}\n`);
