/**
 * Reading logs for a replay: lines a second of CPU by format, beside `wc -l` and Node's readline over the same file. Each
 * reader is a process of its own, by turns; the medians are told.
 *
 *   npm run bench -- replay [--rounds 3] [--lines 500000]
 */
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { traffic, WRITERS, type Writer } from '../src/plan/replay/formats/testing/traffic.ts';
import { runPinned } from './lib/pinned.ts';
import { writeResults } from './lib/results.ts';
import { alternate, median, type Sample } from './lib/rounds.ts';

const CPU = 1;
const SEED = 1;
/** So many lines are different; a file repeats them. */
const DIFFERENT_COUNT = 10_000;

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '3' }, lines: { type: 'string', default: '500000' } },
});
const lineCount = Number(values.lines);

/** Writes a log of `lineCount` requests; returns its bytes. */
function writeLog(writer: Writer, path: string): number {
  const sent = traffic(Math.min(DIFFERENT_COUNT, lineCount), SEED);
  const records = sent.map((each) => writer.line(each));
  const fd = openSync(path, 'w');
  if (writer.file === undefined) {
    const block = Buffer.from(records.map((line) => `${line}\n`).join(''));
    for (let done = 0; done < lineCount; done += records.length) writeSync(fd, block);
  } else {
    const repeated = Array.from({ length: Math.ceil(lineCount / records.length) }, () => records).flat();
    writeSync(fd, writer.file(repeated));
  }
  closeSync(fd);
  return statSync(path).size;
}

async function read(args: readonly string[]): Promise<Sample> {
  const flags = ['--disable-warning=ExperimentalWarning', '--expose-gc'];
  const client = join(import.meta.dirname, 'lib', 'read-log.ts');
  const { output } = await runPinned(CPU, [process.execPath, ...flags, client, ...args]);
  const { lines, cpuSec, heapGrowthBytes, maxRssBytes } = JSON.parse(output) as Record<string, number>;
  return {
    lines: lines!,
    linesPerCpuSec: lines! / cpuSec!,
    heapGrowthBytes: heapGrowthBytes!,
    maxRssBytes: maxRssBytes!,
  };
}

async function countLines(path: string): Promise<Sample> {
  const { output, cpuSec } = await runPinned(CPU, ['wc', '-l', path]);
  const lines = Number.parseInt(output, 10);
  return { lines, linesPerCpuSec: lines / Math.max(cpuSec, 0.001) };
}

async function measure(writer: Writer, path: string) {
  const bytes = writeLog(writer, path);
  const { name, format, template, fields, file } = writer;
  const options = JSON.stringify({ template, fields });
  const readers = [
    { name: 'loopscope', run: () => read(['ours', format, options, path]) },
    ...(file === undefined
      ? [
          { name: 'our lines', run: () => read(['lines', path]) },
          { name: 'readline', run: () => read(['readline', path]) },
          { name: 'wc -l', run: () => countLines(path) },
        ]
      : []),
  ];
  const samples = await alternate(readers, Number(values.rounds));
  const rate = (reader: string) =>
    median((samples[reader] ?? []).map(({ linesPerCpuSec }) => linesPerCpuSec!));
  const told = readers.map((reader) => `${reader.name} ${(rate(reader.name) / 1e6).toFixed(2)}`).join(', ');
  const read_ = samples.loopscope![0]!;
  process.stdout.write(
    `${name.padEnd(50)} ${(bytes / 1e6).toFixed(0).padStart(4)} MB, ${read_.lines} read, M lines/s of CPU: ${told}\n`,
  );
  return { name, format, bytes, samples };
}

const folder = mkdtempSync(join(tmpdir(), 'loopscope-bench-'));
try {
  const formats = [];
  for (const writer of WRITERS) formats.push(await measure(writer, join(folder, 'log')));
  const path = writeResults('replay', { rounds: Number(values.rounds), lineCount, formats });
  process.stdout.write(`${path}\n`);
} finally {
  rmSync(folder, { recursive: true });
}
