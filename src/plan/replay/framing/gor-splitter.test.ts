// Goal: every payload of a recording is one record, requests have their replies with them, and memory is bounded whatever
// the file holds. Method: made recordings, cut anywhere.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { gor } from '../formats/gor.ts';
import { fieldText } from '../lines/field-text.ts';
import { createLogEntry, FIELD } from '../lines/log-entry.ts';
import { REFUSAL } from '../lines/refusal.ts';
import { createGorSplitter, HELD_COUNT_MAX, HELD_SEC } from './gor-splitter.ts';
import { PAYLOAD_SEPARATOR } from './payload-splitter.ts';
import { RECORD_BYTES_MAX } from './splitter.ts';
import { split } from './testing/split.ts';

const AT_SEC = 1_795_935_895;
const id = (i: number) => String(i).padStart(24, 'a');
const stamp = (ms: number) => `${AT_SEC + Math.floor(ms / 1000)}${String(ms % 1000).padStart(3, '0')}000000`;
const request = (i: number, ms: number, path = `/${i}`) =>
  `1 ${id(i)} ${stamp(ms)} 0\nGET ${path} HTTP/1.1\r\nHost: a.example\r\nX-Id: ${i}\r\n\r\n`;
const reply = (i: number, ms: number, status = 200) =>
  `2 ${id(i)} ${stamp(ms)} 1000000\nHTTP/1.1 ${status} OK\r\nContent-Length: 5\r\n\r\nhello`;
const replayed = (i: number, ms: number) => `3${reply(i, ms).slice(1)}`;
const file = (...payloads: (string | Buffer)[]) =>
  Buffer.concat(payloads.flatMap((payload) => [Buffer.from(payload as string), PAYLOAD_SEPARATOR]));

const parser = gor.createParser({});
const entry = createLogEntry(parser.escapes);

function read(text: Buffer, lengths: readonly number[] = [7]) {
  return split(createGorSplitter(), text, lengths).map(({ text: record, number, refusal }) => {
    const bytes = Buffer.from(record, 'latin1');
    const answer = refusal === REFUSAL.none ? parser.parse(bytes, 0, bytes.length, entry) : refusal;
    if (answer !== REFUSAL.none) return { number, refused: answer };
    const { status, durationNs, bodyBytes } = entry;
    return { number, path: fieldText(entry, FIELD.path), status, tookMs: durationNs / 1e6, bodyBytes };
  });
}

const aside = REFUSAL.aside;

test('requests have the replies of then with them, in their order in the file, wherever the stream is cut', () => {
  const text = file(
    request(1, 0),
    request(2, 10),
    reply(2, 30, 404),
    replayed(2, 30),
    request(3, 40),
    reply(1, 50),
  );
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 99 }), { minLength: 1 }), (lengths) => {
      const all = read(text, lengths).sort((a, b) => a.number - b.number);
      assert.deepEqual(all, [
        { number: 1, path: '/1', status: 200, tookMs: 51, bodyBytes: 5 },
        { number: 2, path: '/2', status: 404, tookMs: 21, bodyBytes: 5 },
        { number: 3, refused: aside },
        { number: 4, refused: aside },
        { number: 5, path: '/3', status: 0, tookMs: -1e-6, bodyBytes: -1 },
        { number: 6, refused: aside },
      ]);
    }),
    { numRuns: 50 },
  );
});

test('a clock that is put back does not part requests from their replies', () => {
  const text = file(
    request(1, 50_000),
    reply(1, 50_001),
    request(2, 0),
    reply(2, 1),
    request(3, 2),
    reply(3, 3),
  );
  const statuses = read(text).flatMap((each) => (each.path === undefined ? [] : [each.status]));
  assert.deepEqual(statuses, [200, 200, 200]);
});

test('a recording without replies is handed on as it comes', () => {
  const payloads = Array.from({ length: 100 }, (_, i) => request(i, i));
  const splitter = createGorSplitter();
  const record = { bytes: Buffer.alloc(0), start: 0, end: 0, number: 0, refusal: aside, unfinished: false };
  splitter.push(file(...payloads));
  let count = 0;
  while (splitter.next(record)) count++;
  assert.ok(count > 90, String(count));
});

test('a reply that never comes keeps nobody waiting for long: by the time of the log, by count and by bytes', () => {
  const begin = [request(1, 0), request(2, 1), reply(2, 2)];
  const countAfter = (...more: (string | Buffer)[]) => {
    const splitter = createGorSplitter();
    const record = { bytes: Buffer.alloc(0), start: 0, end: 0, number: 0, refusal: aside, unfinished: false };
    splitter.push(file(...begin, ...more));
    let requests = 0;
    while (splitter.next(record)) if (record.refusal !== aside) requests++;
    return requests;
  };
  assert.equal(countAfter(), 0);
  assert.equal(countAfter(request(3, HELD_SEC * 1000 + 1100)), 2);
  assert.equal(countAfter(...Array.from({ length: HELD_COUNT_MAX - 1 }, (_, i) => request(10 + i, 5))), 2);
  const large = Array.from({ length: 10 }, (_, i) => request(10 + i, 5, `/${'x'.repeat(1_000_000)}`));
  assert.ok(countAfter(...large) >= 2);
});

test('a payload longer than 1 MiB is refused, a reply so long is of use by its head', () => {
  const long = Buffer.alloc(3 * RECORD_BYTES_MAX, 0x61);
  const longReply = Buffer.concat([Buffer.from(reply(2, 5).replace(': 5', ': 3145733')), long]);
  const text = file(request(1, 0, `/${long}`), request(2, 1), longReply, request(3, 2));
  for (const lengths of [[65_536], [text.length]]) {
    const all = read(text, lengths).sort((a, b) => a.number - b.number);
    assert.deepEqual(all[0], { number: 1, refused: REFUSAL.tooLong });
    assert.deepEqual(all[1], { number: 2, path: '/2', status: 200, tookMs: 5, bodyBytes: 3_145_733 });
    assert.equal(all.length, 4);
  }
});

test('what is no payload is refused by its reason, and the last one without a separator is read', () => {
  const text = Buffer.concat([
    file('nonsense', '\x00\x01\x02', '', '1 short', '1 a b\nGET / HTTP/1.1\r\n\r\n'),
    Buffer.from(request(9, 1)),
  ]);
  assert.deepEqual(
    read(text).map((each) => each.refused ?? each.path),
    [REFUSAL.layout, REFUSAL.binary, aside, REFUSAL.time, '/9', REFUSAL.time],
  );
});
