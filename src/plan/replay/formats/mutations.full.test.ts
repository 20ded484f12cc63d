// Goal: whatever the lines of a log hold, none throws and none is lost: read, or refused by its reason. Method: logs of
// every format, three of four lines tampered with, from a seed; LOOPSCOPE_MUTATIONS=10000000 for the deep run.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPrng } from '../../../base/prng.ts';
import { createSplitter } from '../framing/framing.ts';
import { createLogRecord, parseRecord } from '../framing/splitter.ts';
import { createLogEntry } from '../lines/log-entry.ts';
import { REFUSAL, REFUSAL_MEANING } from '../lines/refusal.ts';
import { LOG_FORMATS } from './registry.ts';
import { mutate } from './testing/mutate.ts';
import { traffic, WRITERS, type Writer } from './testing/traffic.ts';

const SEED = 11;
const LINE_COUNT = Number(process.env.LOOPSCOPE_MUTATIONS ?? 600_000);
const BATCH = 500;
/** What is wrong with a HAR file ends it: small ones. */
const HAR_BATCH = 4;
const SENT = traffic(50, SEED);
const SAMPLES = WRITERS.map((writer) => SENT.map((sent) => Buffer.from(writer.line(sent))));

/** Counts by reason, and of how many line ends there were. */
function readTampered(writer: Writer, samples: readonly Buffer[], lineCount: number) {
  const format = LOG_FORMATS.find(({ name }) => name === writer.format)!;
  const parser = format.createParser(writer);
  const entry = createLogEntry(parser.escapes);
  const isHar = format.framing === 'har';
  const batch = isHar ? HAR_BATCH : BATCH;
  let splitter = createSplitter(format.framing);
  const record = createLogRecord();
  const prng = createPrng(SEED, lineCount + WRITERS.indexOf(writer));
  const counts = new Map<string, number>();
  let newlineCount = 0;
  let endsInLine = false;
  const take = () => {
    while (splitter.next(record)) {
      const refusal = parseRecord(parser, record, entry);
      const meaning = REFUSAL_MEANING[refusal];
      assert.ok(meaning !== undefined, String(refusal));
      counts.set(meaning, (counts.get(meaning) ?? 0) + 1);
    }
  };
  for (let done = 0; done < lineCount; done += batch) {
    const lines = Array.from({ length: batch }, () => {
      const line = samples[prng.below(samples.length)]!;
      const others = SAMPLES[prng.below(SAMPLES.length)]!;
      return prng.below(4) === 0 ? line : mutate(line, others[prng.below(others.length)]!, prng);
    });
    const text = fileOf(writer, lines);
    for (const byte of text) if (byte === 10) newlineCount++;
    endsInLine = text.length > 0 && text.at(-1) !== 10;
    splitter.push(text);
    take();
    if (!isHar) continue;
    splitter.end();
    take();
    splitter = createSplitter('har');
  }
  splitter.end();
  take();
  return { counts, lineEndCount: newlineCount + (endsInLine ? 1 : 0), framing: format.framing };
}

function fileOf(writer: Writer, lines: readonly Buffer[]): Buffer {
  const text = lines.map((line) => line.toString('latin1'));
  // What surrounds records is ASCII, but for GoReplay's separator.
  const whole = writer.file === undefined ? `${text.join('\n')}\n` : null;
  if (whole !== null) return Buffer.from(whole, 'latin1');
  const mark = '\u0001';
  const frame = writer.file!(lines.map(() => mark)).split(mark);
  return Buffer.concat(frame.flatMap((part, i) => [Buffer.from(part), lines[i] ?? Buffer.alloc(0)]));
}

WRITERS.forEach((writer, i) => {
  test(`${writer.name}: tampered lines are each read or refused, and none throws`, (t) => {
    const lineCount = Math.ceil(LINE_COUNT / WRITERS.length);
    const { counts, lineEndCount, framing } = readTampered(writer, SAMPLES[i]!, lineCount);
    const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
    const told = [...counts].map(([reason, count]) => `${count} ${reason}`).join('; ');
    t.diagnostic(`seed ${SEED}, ${total} records: ${told}`);
    assert.ok((counts.get(REFUSAL_MEANING[REFUSAL.none]) ?? 0) > 0, told);
    if (framing === 'lines') assert.equal(total, lineEndCount);
    // A separator may have been cut, and a HAR file ends where it is broken.
    else assert.ok(total >= lineCount / 4, `${total} of ${lineCount}`);
  });
});
