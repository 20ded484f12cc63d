/** What users had moved before this run, for their quotas. */
import { dayStartMs, monthStartMs } from './quota.ts';
import { openDatabase } from './store.ts';

export type SpentBefore = { user: string; dayBytes: number; monthBytes: number; totalBytes: number };

/** Of the day and month that `wallMs` is in, and in all. Throws ACCOUNTS. */
export function spentBefore(path: string, wallMs: number): SpentBefore[] {
  const database = openDatabase(path, true);
  try {
    const bytes = (from: string) =>
      `CAST(sum(CASE WHEN hour_ms >= ${from} THEN up_bytes + down_bytes ELSE 0 END) AS REAL)`;
    const rows = database
      .prepare(
        `SELECT name AS user, ${bytes('?')} AS dayBytes, ${bytes('?')} AS monthBytes, ${bytes('0')} AS totalBytes
         FROM usage JOIN users ON users.id = user_id GROUP BY user_id`,
      )
      .all(dayStartMs(wallMs), monthStartMs(wallMs));
    return rows.map((row) => ({ ...row }) as SpentBefore);
  } finally {
    database.close();
  }
}
