// Goal: one traffic, written in every format and read again as a stream, gives the same arrivals, but for the grain of the
// format's stamps. Method: a property over seeds and over how the stream is cut.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { runs } from '../../../../test/helpers/depth.ts';
import { createSplitter } from '../framing/framing.ts';
import { createLogRecord, parseRecord } from '../framing/splitter.ts';
import { fieldText } from '../lines/field-text.ts';
import { createLogEntry, FIELD } from '../lines/log-entry.ts';
import { REFUSAL } from '../lines/refusal.ts';
import { LOG_FORMATS } from './registry.ts';
import { BEGIN_SEC, type Sent, traffic, WRITERS, type Writer } from './testing/traffic.ts';

type Arrival = { startNs: number; tookNs: number; path: string | null; status: number };

/** What a reader makes of the traffic that `writer` wrote, in the order of their starts. */
function arrivals(writer: Writer, sent: readonly Sent[], chunkBytes: number): Arrival[] {
  const format = LOG_FORMATS.find(({ name }) => name === writer.format)!;
  const parser = format.createParser(writer);
  const entry = createLogEntry(parser.escapes);
  const splitter = createSplitter(format.framing);
  const record = createLogRecord();
  const all: Arrival[] = [];
  const take = () => {
    while (splitter.next(record)) {
      const refusal = parseRecord(parser, record, entry);
      if (refusal === REFUSAL.aside) continue;
      assert.equal(refusal, REFUSAL.none, `${writer.name}: record ${record.number}`);
      const stampNs = (entry.stampSec - BEGIN_SEC) * 1e9 + entry.stampSubNs;
      const startNs = parser.stamped === 'end' ? stampNs - entry.durationNs : stampNs;
      const { durationNs: tookNs, status } = entry;
      all.push({ startNs, tookNs, path: fieldText(entry, FIELD.path), status });
    }
  };
  const lines = sent.map((each) => writer.line(each));
  const text = Buffer.from(writer.file?.(lines) ?? lines.map((line) => `${line}\n`).join(''));
  for (let at = 0; at < text.length; at += chunkBytes) {
    splitter.push(text.subarray(at, at + chunkBytes));
    take();
  }
  splitter.end();
  take();
  return all;
}

test(`one traffic in ${WRITERS.length} formats: the same arrivals, within the grain of each`, () => {
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1, max: 3000 }), (seed, chunkBytes) => {
      const sent = traffic(30, seed);
      for (const writer of WRITERS) {
        const all = arrivals(writer, sent, chunkBytes);
        assert.equal(all.length, sent.length, writer.name);
        all.forEach(({ startNs, tookNs, path, status }, i) => {
          const { startMs, tookMs, path: wanted, status: answered } = sent[i]!;
          const grainNs = Math.max(writer.grainNs, 1e3);
          const atNs = Math.floor((startMs * 1e6) / grainNs) * grainNs;
          // A double that holds the seconds of today has a quarter of a microsecond of its own.
          assert.ok(Math.abs(startNs - atNs) <= 1e3, `${writer.name}: ${startNs} for ${atNs}`);
          if (tookNs >= 0) assert.equal(tookNs, tookMs * 1e6, writer.name);
          assert.deepEqual([path, status], [wanted, answered], writer.name);
        });
      }
    }),
    { numRuns: runs(100) },
  );
});
