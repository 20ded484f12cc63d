/** `serve accounts`: what users of a proxy moved, as a table, as CSV or as JSON. */
import type { Command } from 'commander';
import { EXIT, LoopscopeError } from '../../base/errors.ts';
import { printable } from '../../base/printable.ts';
import { parseDurationNs } from '../../base/units.ts';
import { DAY_MS } from '../../serve/proxy/accounts/quota.ts';
import { type AccountsRead, readAccounts } from '../../serve/proxy/accounts/read-accounts.ts';
import { wantsColour } from '../options.ts';
import { accountsCsv, accountsObject, accountsTable } from './accounts-output.ts';

type Flags = {
  file: string;
  user?: string;
  since?: string;
  csv: boolean;
  json: boolean;
  color: boolean;
};

export function configureAccounts(command: Command, exit: (status: number) => void): void {
  command
    .description('what users of a proxy moved, and where to: from the file of its --accounts')
    .requiredOption('--file <path>', 'what serve proxy --accounts writes; also while it does')
    .option('--user <name>', 'of this user only')
    .option('--since <time>', 'from then on: 24h ago, 7d ago, or a day of UTC as 2026-11-01')
    .option('--csv', 'exact figures as CSV', false)
    .option('--json', 'exact figures as one JSON object', false)
    .option('--no-color', 'no colour, as with NO_COLOR')
    .action((flags: Flags) => {
      if (flags.csv && flags.json) {
        throw new LoopscopeError('USAGE', '--csv and --json exclude each other', 'leave one of them out');
      }
      const { file, user } = flags;
      const sinceMs = flags.since === undefined ? undefined : parseSince(flags.since, Date.now());
      const read = readAccounts(file, {
        ...(user !== undefined && { user }),
        ...(sinceMs !== undefined && { sinceMs }),
      });
      process.stdout.write(render(read, flags));
      exit(EXIT.ok);
    });
}

/** "24h", "7d", "1h30m", "2026-11-01" → wall clock, ms. Throws USAGE. */
export function parseSince(text: string, nowMs: number): number {
  const days = /^(\d{1,6})d$/.exec(text.trim());
  if (days) return nowMs - Number(days[1]) * DAY_MS;
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text.trim())) return nowMs - parseDurationNs(text, '--since') / 1e6;
  const dayMs = Date.parse(`${text.trim()}T00:00:00Z`);
  if (!Number.isNaN(dayMs)) return dayMs;
  throw new LoopscopeError('USAGE', `--since: "${printable(text, 60)}" is no day`, 'try --since 2026-11-01');
}

function render(read: AccountsRead, flags: Flags): string {
  if (flags.csv) return accountsCsv(read);
  if (flags.json) return `${JSON.stringify(accountsObject(read, flags.file), null, 2)}\n`;
  const columns = process.stdout.isTTY ? (process.stdout.columns ?? 80) : null;
  return accountsTable(read, flags.user ?? null, { colour: wantsColour(flags), columns });
}
