// Goal: what every log format promises, and what a newcomer still lacks. Method: its section of
// docs/reference/log-formats.md is read: the example there must be recognised and read, and what is done to it survived.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { runs } from '../../../../test/helpers/depth.ts';
import { createSplitter } from '../framing/framing.ts';
import { createLogRecord, parseRecord } from '../framing/splitter.ts';
import { createLogEntry, FIELD, hasField, type LogEntry } from '../lines/log-entry.ts';
import { REFUSAL, REFUSAL_MEANING, type Refusal } from '../lines/refusal.ts';
import { type LogFormat, type LogParser, SESSION_KINDS } from './log-format.ts';
import { recognise } from './recognise.ts';

const DOCS = new URL('../../../../docs/reference/log-formats.md', import.meta.url);

type Section = { command: string; sample: Buffer; fields?: string };

function sectionOf({ name, needs }: LogFormat): Section {
  const text = readFileSync(DOCS, 'utf8');
  const section = text.split(/^## /m).find((part) => part.startsWith(`${name}\n`));
  assert.ok(section, `docs/reference/log-formats.md: add a section "## ${name}"`);
  const blocks = section.split(/\n\n/).filter((block) => block.startsWith('    '));
  const command = blocks.find((block) => block.startsWith('    loopscope replay '));
  const sample = blocks.find((block) => !block.startsWith('    loopscope '));
  assert.ok(command, 'add an example command');
  assert.ok(sample, 'add a line of such a log');
  const fields = needs === 'fields' ? /--fields (\S+)/.exec(command)?.[1] : undefined;
  const bytes = Buffer.from(`${sample.trim().replaceAll('\n    ', '\n')}\n`);
  return { command, sample: bytes, ...(fields === undefined ? {} : { fields }) };
}

/** Reads all records of a text; calls `seen` for each. */
function readAll(
  format: LogFormat,
  parser: LogParser,
  text: Uint8Array,
  seen: (refusal: Refusal, entry: LogEntry, number: number) => void,
): void {
  const entry = createLogEntry(parser.escapes);
  const splitter = createSplitter(format.framing);
  const record = createLogRecord();
  const take = () => {
    while (splitter.next(record)) seen(parseRecord(parser, record, entry), entry, record.number);
  };
  splitter.push(text);
  take();
  splitter.end();
  take();
}

export function formatContract(format: LogFormat): void {
  const { name } = format;

  test(`${name}: says what it is in one line`, () => {
    assert.match(name, /^[a-z][a-z-]*$/);
    assert.ok(format.summary.length > 5 && !format.summary.includes('\n'));
  });

  test(`${name}: the example of its section is recognised, and read whole`, () => {
    const { sample, fields, command } = sectionOf(format);
    assert.ok(
      format.framing !== 'lines' || command.includes(format.needs === 'fields' ? '--fields' : '--format'),
    );
    const found = recognise(sample, fields === undefined ? {} : { fields });
    // Apache's combined is nginx's.
    assert.equal(found?.format.name, name === 'apache' ? 'nginx' : name);
    const parser = format.createParser(fields === undefined ? {} : { fields });
    let count = 0;
    readAll(format, parser, sample, (refusal, entry) => {
      count++;
      assert.equal(refusal, REFUSAL.none, REFUSAL_MEANING[refusal]);
      assert.ok(hasField(entry, FIELD.method) && hasField(entry, FIELD.path));
      assert.ok(entry.stampSec > 1.7e9 && entry.grainNs >= 1 && entry.grainNs <= 1e9);
    });
    assert.equal(count, 1);
  });

  test(`${name}: tells of clients in the order of SESSION_KINDS, and may always tell none apart`, () => {
    const { fields } = sectionOf(format);
    const { carries } = format.createParser(fields === undefined ? {} : { fields });
    const places = carries.map((kind) => SESSION_KINDS.indexOf(kind));
    assert.deepEqual(
      places,
      [...places].sort((a, b) => a - b),
    );
    assert.equal(carries.at(-1), 'none');
  });

  test(`${name}: whatever is done to its lines, none throws, and each record is read or refused by its reason`, () => {
    const { sample, fields } = sectionOf(format);
    const parser = format.createParser(fields === undefined ? {} : { fields });
    const change = fc.record({
      at: fc.nat(),
      remove: fc.nat({ max: 4 }),
      insert: fc.uint8Array({ maxLength: 3 }),
    });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 6 }), fc.nat({ max: 3 }), (changes, copies) => {
        let text = Buffer.concat(Array.from({ length: copies + 1 }, () => sample));
        for (const { at, remove, insert } of changes) {
          const from = at % (text.length + 1);
          text = Buffer.concat([text.subarray(0, from), insert, text.subarray(from + remove)]);
        }
        const numbers = new Set<number>();
        readAll(format, parser, text, (refusal, entry, number) => {
          assert.ok(REFUSAL_MEANING[refusal] !== undefined, String(refusal));
          numbers.add(number);
          if (refusal === REFUSAL.none) withinBytes(entry);
        });
        assert.ok(text.length === 0 || numbers.size > 0 || format.framing === 'har');
        if (numbers.size > 0) assert.equal(Math.max(...numbers), numbers.size);
      }),
      { numRuns: runs(2000) },
    );
  });
}

function withinBytes({ bytes, carried, ranges, headStart, headEnd, bodyStart, bodyEnd }: LogEntry): void {
  for (let at = 0; at < ranges.length; at += 2) {
    assert.ok(ranges[at]! <= ranges[at + 1]! && ranges[at]! >= 0 && ranges[at + 1]! <= bytes.length);
  }
  assert.ok(headStart <= headEnd && bodyStart <= bodyEnd && Math.max(headEnd, bodyEnd) <= carried.length);
}
