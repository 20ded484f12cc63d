// Goal: what stands in a log comes out of the rings, in order, each client on one of them; more than a ring holds waits,
// nothing to send and no file are told. Method: the real reader in its thread, on small logs written here.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { RECORD_LIMIT } from './replay/ring-memory.ts';
import { RingReader } from './replay/ring-reader.ts';
import { ReplayFeed } from './replay-feed.ts';
import { nothingToSend } from './replay-load.ts';

const folder = mkdtempSync(join(tmpdir(), 'loopscope-feed-'));
after(() => rmSync(folder, { recursive: true }));

function logOf(name: string, count: number, method = 'GET'): string {
  const path = join(folder, name);
  const line = (nth: number) => {
    const clock = new Date(Date.UTC(2026, 10, 29, 7, 0, Math.floor(nth / 1000))).toISOString().slice(11, 19);
    return `10.0.0.${nth % 10} - - [29/Nov/2026:${clock} +0000] "${method} /${nth} HTTP/1.1" 200 2 "-" "x"\n`;
  };
  writeFileSync(path, Array.from({ length: count }, (_, nth) => line(nth)).join(''));
  return path;
}

/** What comes out of all rings until they end, by ring. */
async function drain(feed: ReplayFeed): Promise<{ session: number; text: string; plannedNs: number }[][]> {
  const readers = feed.rings.map((ring) => new RingReader(ring));
  const taken = readers.map(() => [] as { session: number; text: string; plannedNs: number }[]);
  while (!readers.every((reader) => reader.isEnded)) {
    for (const [i, reader] of readers.entries()) {
      while (reader.hasNext) {
        const { session, plannedNs, at, length } = reader;
        taken[i]!.push({
          session,
          plannedNs,
          text: Buffer.from(reader.bytes.slice(at, at + length)).toString(),
        });
        reader.take();
      }
      reader.release();
    }
    await setImmediate();
  }
  return taken;
}

test('each request once, in order of time; a client is on one ring; more than a ring holds is waited for', async () => {
  const count = 2 * RECORD_LIMIT + 1000;
  await using feed = new ReplayFeed({ files: [logOf('access.log', count)], host: 'h' }, 2);
  assert.equal(await feed.flowing, true);
  const taken = await drain(feed);
  const summary = await feed.end();
  assert.deepEqual([summary.lineCount, summary.requestCount], [count, count]);
  const all = taken.flat();
  assert.equal(new Set(all.map(({ text }) => text.split(' ')[1])).size, count);
  const ringOf = new Map<number, number>();
  for (const [ring, requests] of taken.entries()) {
    let lastNs = 0;
    for (const { session, plannedNs } of requests) {
      assert.ok(plannedNs >= lastNs, 'in order');
      lastNs = plannedNs;
      assert.equal(ringOf.get(session) ?? ring, ring);
      ringOf.set(session, ring);
    }
  }
  assert.equal(ringOf.size, 10);
  assert.equal(feed.progress?.requestCount, count);
});

test('a log of which nothing is sent says why', async () => {
  await using feed = new ReplayFeed({ files: [logOf('post.log', 3, 'POST')], host: 'h' }, 1);
  assert.equal(await feed.flowing, false);
  const error = nothingToSend(await feed.end());
  assert.equal(error.code, 'NOTHING_TO_SEND');
  assert.equal(
    error.message,
    'nothing in the log is to be sent: 3 lines were read; 3 methods that change things',
  );
  assert.match(error.hint, /--unsafe-methods/);
});

test('an empty log is told as that', async () => {
  await using feed = new ReplayFeed({ files: [logOf('empty.log', 0)], host: 'h' }, 1);
  assert.equal(await feed.flowing, false);
  assert.equal(nothingToSend(await feed.end()).message, 'nothing in the log is to be sent: it is empty');
});

test('a file that is not there', async () => {
  await using feed = new ReplayFeed({ files: [join(folder, 'none.log')], host: 'h' }, 1);
  await assert.rejects(feed.flowing, { code: 'FILE_UNREADABLE', message: /none\.log/ });
});

test('a reader that waits for room ends when it is stopped', async () => {
  await using feed = new ReplayFeed({ files: [logOf('long.log', 3 * RECORD_LIMIT)], host: 'h' }, 1);
  assert.equal(await feed.flowing, true);
  const { requestCount } = await feed.end();
  assert.ok(requestCount >= 1 && requestCount < 3 * RECORD_LIMIT, `${requestCount}`);
});
