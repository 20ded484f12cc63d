// Goal: of a log that is written now, no line that is written behind its end is lost or doubled, through rotation, truncation
// and copytruncate. Method: a file that the test writes, polled every few milliseconds; a clock of our own.
import assert from 'node:assert/strict';
import { appendFileSync, copyFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { createLineSplitter } from '../framing/line-splitter.ts';
import { createLogRecord } from '../framing/splitter.ts';
import { openReplay } from '../open-replay.ts';
import { LiveClock } from '../order/live-clock.ts';
import type { ReplayRequest } from '../replay-request.ts';

import { combined, logFolder, timed } from '../testing/replayed.ts';
import { FollowChunks } from './follow-chunks.ts';

const FAST = { pollMs: 2, graceMs: 50 };

/** Follows a file, and collects its lines. */
async function follow(path: string, fromStart = false) {
  const chunks = await FollowChunks.open(path, { ...FAST, fromStart });
  const splitter = createLineSplitter();
  const record = createLogRecord();
  const lines: string[] = [];
  const reading = (async () => {
    for (let chunk = await chunks.read(); chunk !== null; chunk = await chunks.read()) {
      splitter.push(chunk);
      while (splitter.next(record)) {
        lines.push(Buffer.from(record.bytes.subarray(record.start, record.end)).toString());
      }
    }
  })();
  return {
    chunks,
    lines,
    /** Waits until a line has come. */
    async until(line: string) {
      for (let tries = 0; !lines.includes(line); tries++) {
        assert.ok(tries < 3000, `no ${line} in ${lines.slice(-5)}`);
        await delay(2);
      }
    },
    async [Symbol.asyncDispose]() {
      await chunks.close();
      await reading;
    },
  };
}

test('it begins behind the last whole line, and goes on with what is written, a piece at a time', async () => {
  using folder = logFolder();
  const path = folder.write('log', 'old\nhal');
  await using log = await follow(path);
  appendFileSync(path, 'f\nnew');
  await log.until('half');
  appendFileSync(path, 'er\nlast\n');
  await log.until('last');
  assert.deepEqual(log.lines, ['half', 'newer', 'last']);
});

test('rotation by rename: what the old file still gets is read, then the new one from its beginning', async () => {
  using folder = logFolder();
  const path = folder.write('log', '');
  await using log = await follow(path);
  appendFileSync(path, 'a\nb\n');
  await log.until('b');
  renameSync(path, `${path}.1`);
  appendFileSync(`${path}.1`, 'c\n');
  await log.until('c');
  writeFileSync(path, 'e\nf\n');
  // A worker that has not changed over yet.
  appendFileSync(`${path}.1`, 'd\nunfinished');
  await log.until('f');
  assert.deepEqual(log.lines, ['a', 'b', 'c', 'd', 'unfinished', 'e', 'f']);
  assert.equal(log.chunks.rotatedCount, 1);
  appendFileSync(path, 'g\n');
  await log.until('g');
});

test('truncation, and copytruncate', async () => {
  using folder = logFolder();
  const path = folder.write('log', '');
  await using log = await follow(path);
  appendFileSync(path, 'a\nb\nunfinished');
  await log.until('b');
  await delay(20);
  copyFileSync(path, `${path}.1`);
  truncateSync(path, 0);
  await delay(50);
  appendFileSync(path, 'c\n');
  await log.until('c');
  assert.deepEqual(log.lines, ['a', 'b', 'unfinished', 'c']);
  assert.equal(log.chunks.truncatedCount, 1);
  assert.equal(log.chunks.rotatedCount, 0);
});

test('a file that is removed and comes back', async () => {
  using folder = logFolder();
  const path = folder.write('log', '');
  await using log = await follow(path);
  appendFileSync(path, 'a\n');
  await log.until('a');
  rmSync(path);
  await delay(20);
  writeFileSync(path, 'b\n');
  await log.until('b');
  assert.deepEqual(log.lines, ['a', 'b']);
});

test('more than a chunk at once, and how far behind it is', async () => {
  using folder = logFolder();
  const path = folder.write('log', '');
  const chunks = await FollowChunks.open(path, FAST);
  const text = 'x'.repeat(99);
  appendFileSync(path, `${text}\n`.repeat(10_000));
  let length = 0;
  let furthest = 0;
  while (length < 1e6) {
    length += (await chunks.read())!.length;
    furthest = Math.max(furthest, chunks.behindBytes);
  }
  assert.equal(length, 1e6);
  assert.ok(furthest > 500_000, String(furthest));
  await chunks.read();
  assert.equal(chunks.behindBytes, 0);
  await chunks.close();
  assert.equal(await chunks.read(), null);
});

test("the log's clock is as far behind ours as its lines are at least, and goes on in silence", () => {
  let nowSec = 1000;
  const clock = new LiveClock(() => nowSec);
  assert.equal(clock.logSec(), Number.NEGATIVE_INFINITY);
  // In another zone, three seconds late, then one.
  assert.ok(clock.see(1000 + 3600 - 3));
  nowSec++;
  assert.ok(clock.see(1001 + 3600 - 1));
  assert.equal(clock.logSec(), 1001 + 3600 - 1.5);
  nowSec += 10;
  assert.equal(clock.logSec(), 1011 + 3600 - 1.5);
  assert.equal(clock.behindNs(), 10e9);
  assert.equal(clock.see(1011 + 7200), false, 'an hour ahead of the others');
  assert.equal(clock.logSec(), 1011 + 3600 - 1.5);
  assert.ok(clock.see(900 + 3600), 'an old one is for the window to judge');
});

for (const [name, jumpSec] of [
  ['an hour back, as summer time ends', -3600],
  ['a day ahead', 86_400],
] as const) {
  test(`a clock that is set ${name}: after sixteen lines that agree time goes on`, () => {
    let nowSec = 1000;
    const clock = new LiveClock(() => nowSec);
    for (; nowSec < 1010; nowSec++) assert.ok(clock.see(nowSec - 1));
    const seeJumped = () => clock.see(++nowSec - 1 + jumpSec);
    for (let i = 0; i < 15; i++)
      assert.equal(seeJumped(), jumpSec < 0, 'an old line is for the window to judge');
    assert.ok(clock.see(nowSec - 1), 'one of the old time, and they count anew');
    for (let i = 0; i < 15; i++) assert.equal(seeJumped(), jumpSec < 0);
    assert.equal(clock.setCount, 0);
    assert.ok(seeJumped());
    assert.equal(clock.setCount, 1);
    assert.equal(clock.logSec(), nowSec - 1.5);
    assert.equal(clock.shiftSec, -jumpSec);
  });
}

test('a file that was cut and has grown beyond where it was is read from its beginning', async () => {
  using folder = logFolder();
  const path = folder.write('log', '');
  await using log = await follow(path);
  appendFileSync(path, 'a\nb\n');
  await log.until('b');
  writeFileSync(path, 'c\nd\ne\nf\n');
  await log.until('f');
  assert.deepEqual(log.lines, ['a', 'b', 'c', 'd', 'e', 'f']);
  assert.equal(log.chunks.truncatedCount, 1);
});

test('a log that is still empty is waited for; one that is packed or is no file is refused', async () => {
  using folder = logFolder();
  const path = folder.write('log', '');
  const opening = openReplay({ files: [path], host: 'x', follow: true });
  await delay(20);
  appendFileSync(path, `${combined(0)}\n`);
  await (await opening).close();
  const packed = folder.write('packed', Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0));
  await assert.rejects(openReplay({ files: [packed], host: 'x', follow: true }), /it is packed \(gzip\)/);
  await assert.rejects(openReplay({ files: ['/dev/null'], host: 'x', follow: true }), /it is not a file/);
});

test('a replay that follows ends on its signal, with every line accounted for', async () => {
  using folder = logFolder();
  const path = folder.write('log', `${combined(-1)}\n`);
  const stop = new AbortController();
  const reader = await openReplay({ files: [path], host: 'x', follow: true });
  const pumping = reader.pump({ push: () => true, room: async () => {} }, stop.signal);
  appendFileSync(path, `${combined(0)}\nhello\n${combined(0, { method: 'POST' })}\n`);
  while (reader.progress().lineCount < 3) await delay(5);
  stop.abort();
  const summary = await pumping;
  assert.equal(summary.lineCount, 3);
  assert.deepEqual(summary.leftOut, [
    { why: 'method', count: 1 },
    { why: 'not reached before the end', count: 1 },
  ]);
  assert.equal(summary.refused[0]!.count, 1);
  assert.deepEqual(summary.follow, {
    rotatedCount: 0,
    truncatedCount: 0,
    behindBytes: 0,
    behindNs: 0,
    beganMs: Number.NaN,
    overtakenCount: 0,
  });
});

test('of a log that is written now, requests that others overtook go out as soon as they come', async () => {
  using folder = logFolder();
  const path = folder.write('log', `${timed(-1, 0)}\n`);
  const stop = new AbortController();
  const reader = await openReplay({ files: [path], host: 'x', follow: true });
  const sent: [path: string, plannedNs: number][] = [];
  const push = ({ bytes, start, end, plannedNs }: ReplayRequest) => {
    const text = Buffer.from(bytes.subarray(start, end)).toString('latin1');
    return sent.push([text.split(' ')[1]!, plannedNs]) > 0;
  };
  const pumping = reader.pump({ push, room: async () => {} }, stop.signal);
  const lines = [timed(0, 0, { path: '/a' }), timed(3, 0, { path: '/b' }), timed(6, 5, { path: '/long' })];
  lines.push(timed(6, 6, { path: '/first' }), timed(6, 100, { path: '/hours' }), timed(9, 0, { path: '/c' }));
  appendFileSync(path, `${lines.join('\n')}\n`);
  while (sent.length < 5) await delay(5);
  stop.abort();
  const summary = await pumping;
  assert.deepEqual(sent, [
    ['/a', 1e9],
    ['/long', 2e9],
    ['/b', 4e9],
    ['/first', 4e9],
    ['/c', 10e9],
  ]);
  assert.equal(summary.follow!.overtakenCount, 1);
  assert.deepEqual(
    summary.refused.map(({ meaning, count }) => [meaning, count]),
    [['older than the reorder window', 1]],
  );
});
