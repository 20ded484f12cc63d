import { formatNs, formatShare } from '../../base/units.ts';
import type { SyscallRow, SyscallTrace } from '../../record/trace.ts';
import type { Paper } from '../text/paper.ts';
import { formatRate, formatWhole, plural } from '../text/phrases.ts';
import { type Cell, type Column, writeTable } from '../text/table.ts';
import { quantileText, subjectPhrase, writeClosing, writeHistogram, writeThreads } from './trace-text.ts';

/** The columns of `strace -c -w` in its order, then what it does not tell. */
const COLUMNS: Column[] = [
  { title: '% time', align: 'right' },
  { title: 'seconds', align: 'right' },
  { title: 'usecs/call', align: 'right' },
  { title: 'calls', align: 'right' },
  { title: 'errors', align: 'right' },
  { title: 'syscall' },
  { title: 'off CPU', align: 'right' },
  { title: 'p50', align: 'right' },
  { title: 'p99', align: 'right' },
  { title: 'max', align: 'right' },
];

export function writeSyscalls(paper: Paper, trace: SyscallTrace, histogramsOf: readonly string[]): void {
  const { rows, threads } = trace;
  const calls = rows.reduce((sum, row) => sum + row.calls, 0);
  const perSec = trace.durationNs > 0 ? (calls / trace.durationNs) * 1e9 : 0;
  paper.heading(
    `System calls of ${subjectPhrase(trace, threads)}`,
    `${formatWhole(calls)} calls, ${formatRate(perSec)}`,
  );
  paper.line();
  writeTable(paper, COLUMNS, tableRows(rows));
  paper.line();
  paper.sentence(
    'Seconds are from entry to return, time blocked included; "off CPU" is the part spent blocked or waiting for a turn.',
    { ink: ['dim'] },
  );
  writeUnfinished(paper, rows);
  writeErrnos(paper, rows);
  for (const row of chosen(rows, histogramsOf)) writeHistogram(paper, row.name, row.buckets, row.maxNs);
  const missing = histogramsOf.filter((name) => !rows.some((row) => row.name === name && row.calls > 0));
  if (missing.length > 0) paper.sentence(`Not called: ${missing.join(', ')}.`);
  writeThreads(
    paper,
    threads,
    [
      { title: 'calls', align: 'right' },
      { title: 'errors', align: 'right' },
      { title: 'in calls', align: 'right' },
      { title: 'at the end in' },
    ],
    (thread) => [
      formatWhole(thread.calls),
      formatWhole(thread.errors),
      formatNs(thread.ns),
      thread.inCall === null ? '' : `${thread.inCall.name}, ${formatNs(thread.inCall.ns)}`,
    ],
  );
  writeClosing(paper, trace);
}

function tableRows(rows: readonly SyscallRow[]): Cell[][] {
  const total = rows.reduce((sum, row) => sum + row.ns, 0);
  const counted = rows.filter((row) => row.calls > 0);
  const cells = counted.map((row) => [
    percent(row.ns, total),
    (row.ns / 1e9).toFixed(6),
    String(Math.round(row.ns / row.calls / 1000)),
    String(row.calls),
    row.errors > 0 ? String(row.errors) : '',
    row.name,
    row.ns > 0 ? formatShare(Math.min(1, row.offCpuNs / row.ns)) : '',
    quantileText(row.buckets, 0.5, row.maxNs),
    quantileText(row.buckets, 0.99, row.maxNs),
    formatNs(row.maxNs),
  ]);
  const calls = counted.reduce((sum, row) => sum + row.calls, 0);
  const errors = counted.reduce((sum, row) => sum + row.errors, 0);
  const offCpu = counted.reduce((sum, row) => sum + row.offCpuNs, 0);
  cells.push([
    '100.00',
    (total / 1e9).toFixed(6),
    calls > 0 ? String(Math.round(total / calls / 1000)) : '0',
    String(calls),
    errors > 0 ? String(errors) : '',
    'total',
    total > 0 ? formatShare(Math.min(1, offCpu / total)) : '',
    '',
    '',
    '',
  ]);
  return cells;
}

function percent(part: number, whole: number): string {
  return (whole > 0 ? (part / whole) * 100 : 0).toFixed(2);
}

/** Calls that cannot be timed are not in the table: each is mentioned here. */
function writeUnfinished(paper: Paper, rows: readonly SyscallRow[]): void {
  const list = (count: (row: SyscallRow) => number, more: (row: SyscallRow) => string = () => '') =>
    rows
      .filter((row) => count(row) > 0)
      .map((row) => `${row.name} ${formatWhole(count(row))}${more(row)}`)
      .join(', ');
  const sum = (count: (row: SyscallRow) => number) => rows.reduce((total, row) => total + count(row), 0);
  const began = sum((row) => row.beganBefore);
  const open = sum((row) => row.inFlight);
  const never = sum((row) => row.neverReturned);
  if (began > 0) {
    paper.sentence(
      `${plural(began, 'call')} under way at the start returned since, not counted above: ${list((row) => row.beganBefore)}.`,
    );
  }
  if (open > 0) {
    const longest = (row: SyscallRow) => ` (for ${formatNs(row.inFlightNsMax)})`;
    paper.sentence(
      `${plural(open, 'call')} under way at the end, not counted above: ${list((row) => row.inFlight, longest)}.`,
    );
  }
  if (never > 0) {
    paper.sentence(`${plural(never, 'call')} never returned: ${list((row) => row.neverReturned)}.`);
  }
}

function writeErrnos(paper: Paper, rows: readonly SyscallRow[]): void {
  const failing = rows.filter((row) => row.errnos.length > 0);
  if (failing.length === 0) return;
  paper.heading('Errors');
  writeTable(
    paper,
    [
      { title: 'syscall' },
      { title: 'errors', align: 'right' },
      { title: 'of calls', align: 'right' },
      { title: 'by name' },
    ],
    failing.map((row) => [
      row.name,
      formatWhole(row.errors),
      formatShare(row.errors / row.calls),
      row.errnos.map(({ name, count }) => `${name} ${formatWhole(count)}`).join(', '),
    ]),
  );
}

function chosen(rows: readonly SyscallRow[], names: readonly string[]): SyscallRow[] {
  if (names.length > 0) return rows.filter((row) => names.includes(row.name));
  return rows.filter((row) => row.calls > 0).slice(0, 1);
}
