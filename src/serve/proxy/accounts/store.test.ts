// Goal: what is moved is written down once, whatever breaks off a write and at whichever step. Method: the write of a
// batch is broken at each of its steps in turn, before and behind the commit; then the file is opened anew, and what the
// ledger still holds is tried again.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { Ledger, TOGETHER } from './ledger.ts';
import { HOUR_MS } from './quota.ts';
import { Store } from './store.ts';
import { noUsage } from './usage.ts';

const folder = mkdtempSync(join(tmpdir(), 'accounts-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let fileCount = 0;
const newFile = () => join(folder, `${++fileCount}.db`);

const NOW = 1_795_000_000_000;

function moved(upBytes: number) {
  return { ...noUsage(), upBytes, downBytes: 2 * upBytes, connections: 1 };
}

function totals(path: string): { up: number | null; down: number | null; connections: number | null } {
  const database = new DatabaseSync(path, { readOnly: true });
  const row = database
    .prepare(
      'SELECT sum(up_bytes) AS up, sum(down_bytes) AS down, sum(connections) AS connections FROM usage',
    )
    .get();
  database.close();
  return { ...row } as ReturnType<typeof totals>;
}

/** The first batch is written, the second broken off at step `at`; then tried again on a store of its own. */
function breakAt(at: number): { steps: number; broken: boolean } {
  const [path, ledger] = [newFile(), new Ledger('w')];
  let [count, armed] = [0, false];
  const onStep = () => {
    if (armed && count++ === at) throw new Error('broken off');
  };
  const store = new Store(path, { onStep });
  ledger.add('alice', 'x:1', NOW, moved(1));
  const first = ledger.take(NOW)!;
  store.write(first);
  ledger.settle(first.sequence);
  ledger.add('alice', 'x:1', NOW, moved(10));
  ledger.add('bob', 'y:2', NOW, moved(100));
  armed = true;
  let broken = false;
  try {
    store.write(ledger.take(NOW)!);
  } catch {
    broken = true;
  }
  // Killed: nothing is closed in order.
  const seen = totals(path);
  assert.ok(seen.up === 1 || seen.up === 111, `step ${at}: all of a batch or nothing: ${seen.up}`);
  store[Symbol.dispose]();
  if (broken) {
    ledger.add('carol', 'z:3', NOW, moved(1000));
    using again = new Store(path);
    const retried = ledger.take(NOW)!;
    assert.equal(retried.sequence, 2);
    assert.equal(again.write(retried), seen.up === 111 ? 'was-written' : 'written');
    ledger.settle(retried.sequence);
    again.write(ledger.take(NOW)!);
    assert.deepEqual(totals(path), { up: 1111, down: 2222, connections: 4 }, `step ${at}`);
  }
  return { steps: count, broken };
}

test('broken off at any step, a batch counts once', () => {
  let at = 0;
  while (breakAt(at).broken) at++;
  assert.equal(at, 1 + 2 * 3 + 3, 'begin, three for each row, sequence, commit, committed');
});

test('a batch whose end was not heard of is not counted again, by its own store or another', () => {
  const [path, ledger] = [newFile(), new Ledger('w')];
  using store = new Store(path);
  ledger.add('a', 'x:1', NOW, moved(5));
  const batch = ledger.take(NOW)!;
  assert.equal(store.write(batch), 'written');
  assert.equal(store.write(batch), 'was-written');
  using other = new Store(path);
  assert.equal(other.write(batch), 'was-written');
  assert.equal(totals(path).up, 5);
});

test('two runs on one file, at once or one after the other, add up', () => {
  const path = newFile();
  using first = new Store(path);
  using second = new Store(path);
  for (const [store, writer] of [
    [first, 'w1'],
    [second, 'w2'],
  ] as const) {
    const ledger = new Ledger(writer);
    ledger.add('a', 'x:1', NOW, moved(5));
    store.write(ledger.take(NOW)!);
  }
  assert.equal(totals(path).up, 10);
});

test('with a full disk nothing of a batch is written, and all of it when there is room', () => {
  const [path, ledger] = [newFile(), new Ledger('w')];
  new Store(path)[Symbol.dispose]();
  const full = new Store(path, { pageLimit: 12 });
  for (let i = 0; i < 500; i++) ledger.add(`user-${i}-${'x'.repeat(200)}`, 'x:1', NOW, moved(1));
  const batch = ledger.take(NOW)!;
  for (let i = 0; i < 3; i++) assert.throws(() => full.write(batch), { errcode: 13 });
  full[Symbol.dispose]();
  assert.equal(totals(path).up, null);
  ledger.add('late', 'x:1', NOW, moved(1));
  assert.equal(ledger.take(NOW), batch, 'the same batch until it is settled');
  using roomy = new Store(path);
  roomy.write(batch);
  ledger.settle(batch.sequence);
  roomy.write(ledger.take(NOW)!);
  assert.equal(totals(path).up, 501);
});

test('what waits is bounded, and no byte of it is lost', () => {
  const ledger = new Ledger('w', 10);
  for (let i = 0; i < 1000; i++) ledger.add(`u${i % 50}`, `d${i}`, NOW + i * 1000, moved(1));
  assert.ok(ledger.waitingCount <= 2 * 10 + 1, String(ledger.waitingCount));
  assert.ok(ledger.foldedCount > 0);
  const { rows } = ledger.take(NOW)!;
  assert.equal(
    rows.reduce((sum, { usage }) => sum + usage.upBytes, 0),
    1000,
  );
  assert.ok(rows.some(({ destination }) => destination === TOGETHER));
});

test('an hour has rows of its own', () => {
  const [path, ledger] = [newFile(), new Ledger('w')];
  for (const wallMs of [NOW, NOW + HOUR_MS]) ledger.add('a', 'x:1', wallMs, moved(1));
  using store = new Store(path);
  store.write(ledger.take(NOW)!);
  const database = new DatabaseSync(path, { readOnly: true });
  assert.equal(database.prepare('SELECT count(*) AS n FROM usage').get()!.n, 2);
  database.close();
});

test('files that are no accounts are refused in words', () => {
  const other = newFile();
  const database = new DatabaseSync(other);
  database.exec('CREATE TABLE t (a)');
  database.close();
  assert.throws(() => new Store(other), { code: 'ACCOUNTS', message: /another program's/ });
  const text = newFile();
  writeFileSync(text, 'no database, but a text that is long enough to be seen as what it is\n'.repeat(20));
  assert.throws(() => new Store(text), { code: 'ACCOUNTS', hint: /no SQLite database/ });
  assert.throws(() => new Store(join(folder, 'none', 'a.db')), { code: 'ACCOUNTS', hint: /folder/ });
});
