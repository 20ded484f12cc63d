/**
 * Accounts in a SQLite file. A batch is one transaction, which also notes the number of the batch: one that was written
 * before, though its writer did not hear of it, is known by its number and not counted again.
 */
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { LoopscopeError } from '../../../base/errors.ts';
import { printable } from '../../../base/printable.ts';
import type { Batch, UsageRow } from './batch.ts';
import { USAGE_FIELDS } from './usage.ts';

/** "LSac": says whose file this is. PRAGMA application_id. */
const APPLICATION_ID = 0x4c53_6163;
const VERSION = 1;
/** Another process may be reading or writing. */
const BUSY_MS = 2000;
/** Runs of the proxy whose last number is kept. */
const WRITERS_KEPT = 100;

export const USAGE_COLUMNS = [
  'up_bytes',
  'down_bytes',
  'connections',
  'connection_ns',
  'differing_connections',
  'differing_bytes',
  'cut_connections',
] as const;

const SCHEMA = `
CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE destinations (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE usage (
  hour_ms INTEGER NOT NULL, user_id INTEGER NOT NULL, destination_id INTEGER NOT NULL,
  ${USAGE_COLUMNS.map((name) => `${name} INTEGER NOT NULL`).join(', ')},
  PRIMARY KEY (hour_ms, user_id, destination_id)) STRICT, WITHOUT ROWID;
CREATE TABLE writers (id TEXT PRIMARY KEY, sequence INTEGER NOT NULL, wall_ms INTEGER NOT NULL) STRICT;
PRAGMA application_id = ${APPLICATION_ID};
PRAGMA user_version = ${VERSION};`;

const ADD_USAGE = `INSERT INTO usage VALUES (?, ?, ?, ${USAGE_COLUMNS.map(() => '?').join(', ')})
ON CONFLICT DO UPDATE SET ${USAGE_COLUMNS.map((name) => `${name} = ${name} + excluded.${name}`).join(', ')}`;

export type StoreOptions = {
  /** For tests: called before each step of a write, and after the last. What it throws is the step's own failure. */
  onStep?(step: string): void;
  /** For tests: as if the disk had no more room. */
  pageLimit?: number;
};

export class Store {
  readonly #database: DatabaseSync;
  readonly #onStep: (step: string) => void;
  readonly #addUser: StatementSync;
  readonly #findUser: StatementSync;
  readonly #addDestination: StatementSync;
  readonly #findDestination: StatementSync;
  readonly #addUsage: StatementSync;
  readonly #findWriter: StatementSync;
  readonly #noteWriter: StatementSync;
  readonly #forgetWriters: StatementSync;

  /** Opens or makes the file. Throws ACCOUNTS with why not. */
  constructor(path: string, options: StoreOptions = {}) {
    this.#onStep = options.onStep ?? (() => {});
    this.#database = openDatabase(path, false);
    try {
      // FULL: also when the machine loses power, what was said to be written is.
      this.#database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
      const database = this.#database;
      createSchema(database, path);
      if (options.pageLimit) database.exec(`PRAGMA max_page_count = ${options.pageLimit}`);
      this.#addUser = database.prepare('INSERT INTO users (name) VALUES (?) ON CONFLICT DO NOTHING');
      this.#findUser = database.prepare('SELECT id FROM users WHERE name = ?');
      this.#addDestination = database.prepare(
        'INSERT INTO destinations (name) VALUES (?) ON CONFLICT DO NOTHING',
      );
      this.#findDestination = database.prepare('SELECT id FROM destinations WHERE name = ?');
      this.#addUsage = database.prepare(ADD_USAGE);
      this.#findWriter = database.prepare('SELECT sequence FROM writers WHERE id = ?');
      this.#noteWriter = database.prepare(
        'INSERT INTO writers VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET sequence = excluded.sequence, wall_ms = excluded.wall_ms',
      );
      this.#forgetWriters = database.prepare(
        'DELETE FROM writers WHERE id NOT IN (SELECT id FROM writers ORDER BY wall_ms DESC LIMIT ?)',
      );
    } catch (error) {
      this.#database.close();
      throw accountsError(path, error);
    }
  }

  /** Writes a batch, unless it was written before. Throws what SQLite said; then nothing of it is written, or all. */
  write(batch: Batch): 'written' | 'was-written' {
    this.#onStep('begin');
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      const known = this.#findWriter.get(batch.writer) as { sequence: number } | undefined;
      const isKnown = (known?.sequence ?? 0) >= batch.sequence;
      if (!isKnown) this.#writeRows(batch);
      this.#onStep('commit');
      this.#database.exec('COMMIT');
      this.#onStep('committed');
      return isKnown ? 'was-written' : 'written';
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }

  #writeRows(batch: Batch): void {
    for (const row of batch.rows) this.#writeRow(row);
    this.#onStep('sequence');
    this.#noteWriter.run(batch.writer, batch.sequence, batch.wallMs);
    if (batch.sequence === 1) this.#forgetWriters.run(WRITERS_KEPT);
  }

  #writeRow({ user, destination, hourMs, usage }: UsageRow): void {
    this.#onStep('user');
    const userId = idOf(user, this.#findUser, this.#addUser);
    this.#onStep('destination');
    const destinationId = idOf(destination, this.#findDestination, this.#addDestination);
    this.#onStep('usage');
    const values = USAGE_FIELDS.map((field) => Math.round(usage[field]));
    this.#addUsage.run(hourMs, userId, destinationId, ...values);
  }
}

function idOf(name: string, find: StatementSync, add: StatementSync): number {
  const found = find.get(name) as { id: number } | undefined;
  return found?.id ?? Number(add.run(name).lastInsertRowid);
}

/** Opens a file of accounts; to read it, it must be one. Throws ACCOUNTS. */
export function openDatabase(path: string, readOnly: boolean): DatabaseSync {
  try {
    return new DatabaseSync(path, { readOnly, timeout: BUSY_MS });
  } catch (error) {
    throw accountsError(path, error);
  }
}

/** Throws ACCOUNTS when the file is another program's, or a later version's. */
export function checkSchema(database: DatabaseSync, path: string): 'empty' | 'ours' {
  const read = (name: string) => Object.values(database.prepare(`PRAGMA ${name}`).get()!)[0] as number;
  const [application, version] = [read('application_id'), read('user_version')];
  if (application === APPLICATION_ID && version === VERSION) return 'ours';
  if (application === APPLICATION_ID) {
    throw new LoopscopeError(
      'ACCOUNTS',
      `accounts in ${printable(path, 200)} are of version ${version}, and this reads version ${VERSION}`,
      'use the loopscope that wrote them, or another file',
    );
  }
  const tables = database.prepare('SELECT count(*) AS tables FROM sqlite_schema').get()!.tables as number;
  if (application === 0 && version === 0 && tables === 0) return 'empty';
  throw new LoopscopeError(
    'ACCOUNTS',
    `${printable(path, 200)} is another program's database, and no accounts`,
    'name another file',
  );
}

function createSchema(database: DatabaseSync, path: string): void {
  database.exec('BEGIN IMMEDIATE');
  try {
    if (checkSchema(database, path) === 'empty') database.exec(SCHEMA);
    database.exec('COMMIT');
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

/** What SQLite said, as a user should read it. */
export function accountsError(path: string, error: unknown): LoopscopeError {
  if (error instanceof LoopscopeError) return error;
  const { message, errcode } = error as Error & { errcode?: number };
  const hints: Record<number, string> = {
    8: 'the file and its folder must be writable',
    13: 'make room on that disk',
    14: 'the folder must exist and be writable',
    26: 'name another file: this one is no SQLite database',
  };
  const hint = hints[(errcode ?? 0) & 0xff] ?? 'is the disk well, and the file ours?';
  return new LoopscopeError('ACCOUNTS', `accounts in ${printable(path, 200)}: ${message}`, hint, error);
}
