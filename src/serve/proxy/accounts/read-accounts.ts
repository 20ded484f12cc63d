/** What is in a file of accounts, also while a proxy writes it. */
import { existsSync } from 'node:fs';
import { LoopscopeError } from '../../../base/errors.ts';
import { printable } from '../../../base/printable.ts';
import { HOUR_MS } from './quota.ts';
import { accountsError, checkSchema, openDatabase, USAGE_COLUMNS } from './store.ts';
import { addUsage, noUsage, USAGE_FIELDS, type Usage } from './usage.ts';

export type AccountRow = { user: string; destination: string; usage: Usage };

export type AccountsAsked = {
  /** Only this user's. */
  user?: string;
  /** Only what was moved from this hour on, wall clock. */
  sinceMs?: number;
};

export type AccountsRead = {
  /** From which hour on; null: from the beginning. */
  fromMs: number | null;
  /** Those that moved most first. */
  rows: AccountRow[];
  total: Usage;
};

/** Throws FILE_UNREADABLE when there is no such file, ACCOUNTS when it holds none. */
export function readAccounts(path: string, { user, sinceMs }: AccountsAsked): AccountsRead {
  if (!existsSync(path)) {
    throw new LoopscopeError(
      'FILE_UNREADABLE',
      `${printable(path, 200)}: no such file`,
      'name the file that serve proxy --accounts writes',
    );
  }
  const fromMs = sinceMs === undefined ? null : Math.floor(sinceMs / HOUR_MS) * HOUR_MS;
  const database = openDatabase(path, true);
  try {
    // A proxy that was killed at its very start leaves a file with nothing in it.
    const rows = checkSchema(database, path) === 'empty' ? [] : query(database, fromMs, user ?? null);
    const total = noUsage();
    for (const row of rows) addUsage(total, row.usage);
    return { fromMs, rows, total };
  } catch (error) {
    throw accountsError(path, error);
  } finally {
    database.close();
  }
}

function query(
  database: ReturnType<typeof openDatabase>,
  fromMs: number | null,
  user: string | null,
): AccountRow[] {
  // As REAL: a sum is a number here, whatever its size.
  const sums = USAGE_COLUMNS.map((name, i) => `CAST(sum(${name}) AS REAL) AS ${USAGE_FIELDS[i]}`);
  const rows = database
    .prepare(
      `SELECT users.name AS user, destinations.name AS destination, ${sums.join(', ')}
       FROM usage JOIN users ON users.id = user_id JOIN destinations ON destinations.id = destination_id
       WHERE hour_ms >= :from AND (:user IS NULL OR users.name = :user)
       GROUP BY user_id, destination_id
       ORDER BY sum(up_bytes + down_bytes) DESC, user, destination`,
    )
    .all({ from: fromMs ?? 0, user });
  return rows.map((row) => {
    const usage = noUsage();
    for (const field of USAGE_FIELDS) usage[field] = row[field] as number;
    return { user: row.user as string, destination: row.destination as string, usage };
  });
}
