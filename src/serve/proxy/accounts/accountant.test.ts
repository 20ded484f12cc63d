// Goal: what workers count is written once, quotas cut, and a disk that fails is told and made up for. Method: a book and
// a clock moved by hand; a store that does as it is told; and once the real thread with a real file.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { Accountant, type AccountantOptions } from './accountant.ts';
import type { Batch } from './batch.ts';
import { accountsIn } from './book-accounts.ts';
import { Books } from './book-memory.ts';
import { BookWriter } from './book-writer.ts';
import type { StoreEvents } from './store-handle.ts';

const NOON = Date.UTC(2026, 10, 29, 12);
const CONNECTIONS = 16;

async function rig(options: Partial<AccountantOptions> & { spent?: number } = {}) {
  const books = Books.create(2);
  const clock = { wallMs: NOON, nowNs: 0 };
  const sent: Batch[] = [];
  const news: string[] = [];
  let events: StoreEvents | null = null;
  let isBusy = false;
  const accountant = await Accountant.open({
    path: 'accounts.db',
    books,
    quotaOf: () => null,
    onNews: (text) => news.push(text),
    wallMs: () => clock.wallMs,
    async openStore(_path, _wallMs, told) {
      events = told;
      return {
        spent: [
          { user: 'before', dayBytes: options.spent ?? 0, monthBytes: options.spent ?? 0, totalBytes: 0 },
        ],
        get isBusy() {
          return isBusy;
        },
        send(batch) {
          isBusy = true;
          sent.push(structuredClone(batch));
        },
        end: async () => {},
      };
    },
    ...options,
  });
  const answer = (how: 'settled' | 'failed') => {
    isBusy = false;
    if (how === 'settled') events!.settled(sent.at(-1)!.sequence);
    else events!.failed('accounts in accounts.db: disk is full', 'make room');
  };
  const worker = (index: number) =>
    accountsIn(new BookWriter(books.book(index), CONNECTIONS), CONNECTIONS, () => clock.nowNs);
  return { accountant, clock, sent, news, answer, worker };
}

const upOf = (batch: Batch) => batch.rows.reduce((sum, { usage }) => sum + usage.upBytes, 0);

test('two workers, one of which dies: one row, once', async () => {
  const { accountant, sent, answer, worker } = await rig();
  const [first, second] = [worker(0), worker(1)];
  first.closed(first.opened('alice', 'x:1'), 10, 0);
  second.live(second.opened('alice', 'x:1'), 20, 0);
  accountant.write();
  assert.equal(sent.length, 1);
  assert.equal(sent[0]!.rows.length, 1);
  assert.equal(sent[0]!.rows[0]!.usage.upBytes, 30);
  answer('settled');
  // The second is dead; its place is taken by another.
  const third = worker(1);
  third.closed(third.opened('alice', 'x:1'), 5, 0);
  accountant.write();
  assert.equal(upOf(sent[1]!), 5);
  answer('settled');
  accountant.write();
  assert.equal(sent.length, 2, 'nothing new, nothing written');
});

test('while a write is under way or fails, all is kept; told once, and again when it is well', async () => {
  const { accountant, sent, news, answer, worker, clock } = await rig();
  const accounts = worker(0);
  accounts.closed(accounts.opened('a', 'x:1'), 1, 0);
  accountant.write();
  accounts.closed(accounts.opened('a', 'x:1'), 2, 0);
  accountant.write();
  assert.equal(sent.length, 1, 'one at a time');
  answer('failed');
  accountant.write();
  answer('failed');
  accountant.write();
  assert.deepEqual(
    sent.map((batch) => [batch.sequence, upOf(batch)]),
    [
      [1, 1],
      [1, 1],
      [1, 1],
    ],
  );
  assert.deepEqual(news, [
    'accounts in accounts.db: disk is full; the proxy goes on, and counts in memory until it can write (make room)',
  ]);
  clock.wallMs += 6000;
  accountant.write();
  assert.match(news[1]!, /takes more than 5 s/);
  answer('settled');
  assert.match(news[2]!, /written again; nothing was lost/);
  accountant.write();
  assert.deepEqual([sent.at(-1)!.sequence, upOf(sent.at(-1)!)], [2, 2]);
  assert.equal(accountant.figures.failedWrites, 2);
});

test('a quota cuts every worker’s connections of the user at the next reading, and opens again with the day', async () => {
  const { accountant, news, worker, clock } = await rig({
    quotaOf: (user) => (user === 'alice' ? { dayBytes: 100 } : null),
  });
  const [first, second] = [worker(0), worker(1)];
  const here = first.opened('alice', 'x:1');
  const there = second.opened('alice', 'y:2');
  const other = first.opened('bob', 'x:1');
  assert.equal(first.live(here, 30, 30), true);
  assert.equal(second.live(there, 40, 0), true);
  accountant.read();
  assert.equal(first.live(here, 30, 30), false);
  assert.equal(first.live(here, 30, 30), false);
  assert.equal(second.live(there, 40, 0), false);
  assert.equal(first.live(other, 1e6, 0), true);
  assert.deepEqual(
    [first.mayOpen('alice'), second.mayOpen('alice'), first.mayOpen('bob')],
    [false, false, true],
  );
  first.closed(here, 30, 30);
  second.closed(there, 40, 0);
  accountant.read();
  assert.equal(accountant.figures.users.get('alice')!.cutConnections, 2, 'each once');
  assert.equal(accountant.figures.cutUsers, 1);
  assert.deepEqual(news, [
    'accounts: quota: alice has moved 100 B of 100 B a day: cut until 2026-11-30T00:00Z',
  ]);
  clock.wallMs = Date.UTC(2026, 10, 30);
  accountant.read();
  assert.equal(first.mayOpen('alice'), true);
  assert.match(news[1]!, /alice may go on/);
});

test('what was moved before this run counts towards a quota', async () => {
  const { accountant, worker } = await rig({ quotaOf: () => ({ dayBytes: 100 }), spent: 100 });
  const accounts = worker(0);
  accounts.opened('before', 'x:1');
  accountant.read();
  assert.equal(accounts.mayOpen('before'), false);
});

test('at the end the last bytes are in the file, and another run adds to it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'accounts-'));
  const path = join(folder, 'accounts.db');
  const news: string[] = [];
  for (const bytes of [3, 4]) {
    using books = Books.create(1);
    const accountant = await Accountant.open({
      path,
      books,
      quotaOf: () => null,
      onNews: (text) => news.push(text),
    });
    const accounts = accountsIn(new BookWriter(books.book(0), CONNECTIONS), CONNECTIONS, () => 0);
    accounts.closed(accounts.opened('a', 'x:1'), bytes, 0);
    await accountant.end();
  }
  const database = new DatabaseSync(path, { readOnly: true });
  const { up, writers } = database
    .prepare('SELECT sum(up_bytes) AS up, (SELECT count(*) FROM writers) AS writers FROM usage')
    .get()!;
  database.close();
  rmSync(folder, { recursive: true });
  assert.deepEqual({ up, writers, news }, { up: 7, writers: 2, news: [] });
});
