/** Accounts in each form that they are printed in. */
import { formatBytes, formatNs } from '../../base/units.ts';
import { Paper } from '../../report/text/paper.ts';
import { formatWhole, plural } from '../../report/text/phrases.ts';
import { writeTable } from '../../report/text/table.ts';
import type { AccountsRead } from '../../serve/proxy/accounts/read-accounts.ts';
import type { Usage } from '../../serve/proxy/accounts/usage.ts';

/** The columns of --csv and the fields of --json: a contract. */
const FIGURES: readonly [name: string, of: (usage: Usage) => number][] = [
  ['up_bytes', (usage) => usage.upBytes],
  ['down_bytes', (usage) => usage.downBytes],
  ['connections', (usage) => usage.connections],
  ['connection_seconds', (usage) => Math.round(usage.connectionNs / 1e6) / 1e3],
  ['differing_connections', (usage) => usage.differingConnections],
  ['differing_bytes', (usage) => usage.differingBytes],
  ['cut_connections', (usage) => usage.cutConnections],
];

export function accountsCsv({ rows }: AccountsRead): string {
  const head = ['user', 'destination', ...FIGURES.map(([name]) => name)];
  const lines = rows.map(({ user, destination, usage }) =>
    [csvField(user), csvField(destination), ...FIGURES.map(([, of]) => of(usage))].join(','),
  );
  return `${[head.join(','), ...lines].join('\n')}\n`;
}

/** Quoted where it must be (RFC 4180). A name that a spreadsheet would take for a formula gets a ' before it. */
function csvField(text: string): string {
  const harmless = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

export function accountsObject({ fromMs, rows, total }: AccountsRead, file: string): object {
  const figures = (usage: Usage) => Object.fromEntries(FIGURES.map(([name, of]) => [name, of(usage)]));
  return {
    file,
    from: fromMs === null ? null : new Date(fromMs).toISOString(),
    rows: rows.map(({ user, destination, usage }) => ({ user, destination, ...figures(usage) })),
    total: figures(total),
  };
}

/** `columns` null: a pipe, which gets every byte; a terminal gets three digits. */
export function accountsTable(
  { fromMs, rows, total }: AccountsRead,
  user: string | null,
  view: { colour: boolean; columns: number | null },
): string {
  const paper = new Paper(view);
  const from =
    fromMs === null ? 'from their beginning' : `from ${new Date(fromMs).toISOString().slice(0, 16)}Z`;
  paper.heading(user === null ? 'Accounts' : `Accounts of ${user}`, from);
  if (rows.length === 0) paper.sentence('Nothing was moved.', { first: '  ' });
  else writeRows(paper, rows, total, view.columns === null);
  for (const note of notesOn(total)) paper.sentence(note, { first: '  ' });
  return paper.toString();
}

function writeRows(paper: Paper, rows: AccountsRead['rows'], total: Usage, isExact: boolean): void {
  const bytes = isExact ? String : formatBytes;
  const count = isExact ? String : formatWhole;
  const time = isExact ? (ns: number) => `${(ns / 1e9).toFixed(3)} s` : formatNs;
  const cells = (usage: Usage) => [
    bytes(usage.upBytes),
    bytes(usage.downBytes),
    count(usage.connections),
    time(usage.connectionNs),
  ];
  const columns = [
    { title: 'user', shrinkTo: 6 },
    { title: 'destination', shrinkTo: 10, cutAt: 'middle' as const },
    { title: 'up', align: 'right' as const },
    { title: 'down', align: 'right' as const },
    { title: 'conns', align: 'right' as const },
    { title: 'time', align: 'right' as const },
  ];
  const lines = rows.map((row) => [row.user || '(nobody)', row.destination, ...cells(row.usage)]);
  if (rows.length > 1) lines.push(['total', '', ...cells(total)]);
  writeTable(paper, columns, lines);
}

function notesOn({ differingConnections, differingBytes, cutConnections }: Usage): string[] {
  const notes: string[] = [];
  if (differingConnections > 0) {
    const many = plural(differingConnections, 'connection');
    notes.push(
      `The kernel counted otherwise than the data path on ${many}, by ${formatBytes(differingBytes)} in all; ` +
        "the kernel's count is what stands here.",
    );
  }
  if (cutConnections > 0) {
    notes.push(`${plural(cutConnections, 'connection was', 'connections were')} cut: a quota was used up.`);
  }
  return notes;
}
