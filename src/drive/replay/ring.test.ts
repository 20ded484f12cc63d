// Goal: requests come out of a ring as they went in, however many have gone through it: positions are counted modulo 2^32, and
// billions of records pass them. Method: rings whose positions begin just below where they wrap, written and read by turns.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createReplayRequest } from '../../plan/replay/replay-request.ts';
import { createRing, META, RECORD_LIMIT, RING } from './ring-memory.ts';
import { RingReader } from './ring-reader.ts';
import { RingWriter } from './ring-writer.ts';

/** Positions that 2^31, 2^32 and 2^33 records leave, less a few: of bytes the same. */
const BEGINNINGS: [name: string, position: number][] = [
  ['0', 0],
  ['2^31', 2 ** 31 - 1000],
  ['2^32', 2 ** 32 - 1000],
  ['2^33', 2 ** 33 - 1000],
];

for (const [name, position] of BEGINNINGS) {
  test(`records and bytes pass ${name}: each comes once, whole, and full is full`, () => {
    const memory = createRing(1);
    const control = new Int32Array(memory.control);
    for (const word of [RING.written, RING.read, RING.filled, RING.freed]) control[word] = position | 0;
    const writer = new RingWriter(memory);
    const reader = new RingReader(memory);
    const request = createReplayRequest();
    let written = 0;
    let read = 0;
    const push = () => {
      const text = `GET /${position + written} HTTP/1.1\r\n\r\n${'x'.repeat(written % 700)}`;
      request.bytes = Buffer.from(text);
      request.end = text.length;
      request.plannedNs = (position + written) * 20_000;
      request.session = written;
      request.route = written % 32;
      if (!writer.push(request, 20_000)) return false;
      written++;
      return true;
    };
    const take = () => {
      if (!reader.hasNext) return false;
      const text = Buffer.from(reader.bytes.subarray(reader.at, reader.at + reader.length)).toString(
        'latin1',
      );
      assert.equal(text.split(' ')[1], `/${position + read}`);
      assert.equal(text.length, `GET /${position + read} HTTP/1.1\r\n\r\n`.length + (read % 700));
      assert.equal(reader.plannedNs, (position + read) * 20_000);
      assert.deepEqual([reader.session, META.route(reader.meta)], [read, read % 32]);
      reader.take();
      read++;
      return true;
    };
    while (written < 40_000) {
      while (push());
      assert.ok(written - read <= RECORD_LIMIT);
      for (let i = 0; i < 5000 && take(); i++);
      reader.release();
    }
    while (take());
    assert.equal(read, written);
    writer.end();
    assert.ok(reader.isEnded);
  });
}
