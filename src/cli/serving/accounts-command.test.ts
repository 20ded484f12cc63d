// Goal: accounts are read as they were written, for a user and a time, and printed whole in every form. Method: a file
// written by the store, asked by the command's own parts.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { displayWidth } from '../../report/text/width.ts';
import { Ledger } from '../../serve/proxy/accounts/ledger.ts';
import { HOUR_MS } from '../../serve/proxy/accounts/quota.ts';
import { readAccounts } from '../../serve/proxy/accounts/read-accounts.ts';
import { Store } from '../../serve/proxy/accounts/store.ts';
import { noUsage } from '../../serve/proxy/accounts/usage.ts';
import { parseSince } from './accounts-command.ts';
import { accountsCsv, accountsObject, accountsTable } from './accounts-output.ts';

const folder = mkdtempSync(join(tmpdir(), 'accounts-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const path = join(folder, 'accounts.db');
const NOW = Date.UTC(2026, 10, 29, 12, 34);

const ledger = new Ledger('w');
const add = (user: string, destination: string, wallMs: number, upBytes: number, cutConnections = 0) =>
  ledger.add(user, destination, wallMs, {
    ...noUsage(),
    upBytes,
    downBytes: 2 * upBytes,
    connections: 3,
    connectionNs: 1.5e9,
    cutConnections,
  });
add('alice', 'a.very.long.name.of.a.host.that.fills.a.line.example.org:443', NOW, 123_456_789_012);
add('alice', 'x:1', NOW - 30 * HOUR_MS, 1000);
add('bob "the, builder"', 'x:1', NOW, 10, 2);
add('=cmd()', 'x:1', NOW, 1);
{
  using store = new Store(path);
  store.write(ledger.take(NOW)!);
}

test('all of it, of one user, since a time', () => {
  const all = readAccounts(path, {});
  assert.deepEqual(
    all.rows.map(({ user, usage }) => [user, usage.upBytes]),
    [
      ['alice', 123_456_789_012],
      ['alice', 1000],
      ['bob "the, builder"', 10],
      ['=cmd()', 1],
    ],
  );
  assert.equal(all.total.upBytes, 123_456_790_023);
  assert.equal(readAccounts(path, { user: 'alice', sinceMs: NOW - 24 * HOUR_MS }).rows.length, 1);
  const recent = readAccounts(path, { sinceMs: NOW });
  assert.equal(recent.fromMs, Date.UTC(2026, 10, 29, 12), 'by the hour');
  assert.equal(recent.rows.length, 3);
  assert.deepEqual(readAccounts(path, { user: 'nobody' }).rows, []);
});

test('exact to the byte in CSV, JSON and a pipe', () => {
  const all = readAccounts(path, {});
  assert.deepEqual(accountsCsv(all).trimEnd().split('\n'), [
    'user,destination,up_bytes,down_bytes,connections,connection_seconds,differing_connections,differing_bytes,cut_connections',
    'alice,a.very.long.name.of.a.host.that.fills.a.line.example.org:443,123456789012,246913578024,3,1.5,0,0,0',
    'alice,x:1,1000,2000,3,1.5,0,0,0',
    '"bob ""the, builder""",x:1,10,20,3,1.5,0,0,2',
    "'=cmd(),x:1,1,2,3,1.5,0,0,0",
  ]);
  const object = accountsObject(all, path) as { total: { up_bytes: number }; from: null };
  assert.equal(object.total.up_bytes, 123_456_790_023);
  assert.equal(object.from, null);
  const piped = accountsTable(all, null, { colour: false, columns: null });
  assert.match(piped, /123456789012 +246913578024/);
  assert.match(piped, /2 connections were cut/);
});

test('a table for any terminal', () => {
  for (const columns of [60, 80, 200]) {
    const text = accountsTable(readAccounts(path, {}), null, { colour: false, columns });
    for (const line of text.split('\n')) assert.ok(displayWidth(line) <= columns, line);
    assert.match(text, /alice/);
    assert.match(text, /115 GiB/);
  }
  const nothing = readAccounts(path, { user: 'x', sinceMs: NOW });
  const text = accountsTable(nothing, 'x', { colour: false, columns: 60 });
  assert.match(text, /Accounts of x +from 2026-11-29T12:00Z\n +Nothing was moved\./);
});

test('since when', () => {
  assert.equal(parseSince('24h', NOW), NOW - 24 * HOUR_MS);
  assert.equal(parseSince('7d', NOW), NOW - 168 * HOUR_MS);
  assert.equal(parseSince('2026-11-01', NOW), Date.UTC(2026, 10, 1));
  for (const wrong of ['2026-13-01', 'yesterday', '']) {
    assert.throws(() => parseSince(wrong, NOW), { code: 'USAGE' });
  }
});

test('what is no file of accounts is told', () => {
  assert.throws(() => readAccounts(join(folder, 'none.db'), {}), { code: 'FILE_UNREADABLE' });
  const text = join(folder, 'text.db');
  writeFileSync(text, 'a text that is long enough to be seen to be no database\n'.repeat(50));
  assert.throws(() => readAccounts(text, {}), { code: 'ACCOUNTS' });
});
