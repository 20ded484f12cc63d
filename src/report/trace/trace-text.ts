/** What the terminal reports of all traces share: the beginning, threads, histograms, and what was lost. */
import { formatNs, formatShare } from '../../base/units.ts';
import { bucketQuantileNs } from '../../record/bucket-quantiles.ts';
import type { TraceBase, TracedThread } from '../../record/trace.ts';
import type { Paper } from '../text/paper.ts';
import { formatWhole, plural } from '../text/phrases.ts';
import { type Cell, type Column, writeTable } from '../text/table.ts';
import { distributionRows } from './distribution-rows.ts';

const THREAD_ROWS = 12;
const BAR_CELLS = 40;

/** "nginx (pid 4241), 3 processes, 5 threads". */
export function subjectPhrase(trace: TraceBase, threads: readonly TracedThread[]): string {
  const pids = trace.pids.length === 0 ? '' : ` (pid ${trace.pids.slice(0, 5).join(', ')})`;
  const processes = new Set(threads.map(({ pid }) => pid)).size;
  const named = /^\d+$/.test(trace.subject) ? `process ${trace.subject}` : `${trace.subject}${pids}`;
  return `${named}: ${plural(processes, 'process', 'processes')}, ${plural(threads.length, 'thread')}, ${formatNs(trace.durationNs)}`;
}

export function quantilePhrase(buckets: readonly number[], maxNs: number): string {
  return `p50 ${quantileText(buckets, 0.5, maxNs)}, p99 ${quantileText(buckets, 0.99, maxNs)}, max ${formatNs(maxNs)}`;
}

/** A quantile, or "–" when there is nothing to take it of. */
export function quantileText(buckets: readonly number[], q: number, maxNs: number): string {
  const ns = bucketQuantileNs(buckets, q, maxNs);
  return ns === null ? '–' : formatNs(ns);
}

export function writeHistogram(paper: Paper, title: string, buckets: readonly number[], maxNs: number): void {
  const rows = distributionRows(buckets);
  if (rows.length === 0) return;
  const count = buckets.reduce((sum, each) => sum + each, 0);
  paper.heading(title, `${formatWhole(count)}; ${quantilePhrase(buckets, maxNs)}`);
  const most = Math.max(...rows.map((row) => row.count));
  const columns: Column[] = [
    { title: 'from', align: 'right' },
    { title: 'to', align: 'right' },
    { title: 'count', align: 'right' },
    { title: '' },
  ];
  const cells = rows.map((row): Cell[] => [
    formatNs(row.lowNs),
    formatNs(row.highNs),
    formatWhole(row.count),
    { text: paper.bar(row.count / most, BAR_CELLS), draw: (text) => paper.ink(text, 'cyan') },
  ]);
  writeTable(paper, columns, cells);
}

/** The busiest threads, `cells` for each; the rest are counted. */
export function writeThreads<T extends TracedThread>(
  paper: Paper,
  threads: readonly T[],
  columns: Column[],
  cells: (thread: T) => Cell[],
): void {
  if (threads.length === 0) return;
  paper.heading('Threads');
  const head: Column[] = [
    { title: 'tid', align: 'right' },
    { title: 'pid', align: 'right' },
    { title: 'name' },
  ];
  const rows = threads
    .slice(0, THREAD_ROWS)
    .map((thread): Cell[] => [
      String(thread.tid),
      String(thread.pid),
      thread.comm + (thread.ended ? ' (ended)' : ''),
      ...cells(thread),
    ]);
  writeTable(paper, [...head, ...columns], rows);
  const more = threads.length - rows.length;
  if (more > 0)
    paper.sentence(`and ${plural(more, 'thread')} more; --json has all of them`, {
      first: '  ',
      ink: ['dim'],
    });
}

/** How it ended, what was lost, and what the tracing took. */
export function writeClosing(paper: Paper, trace: TraceBase): void {
  paper.line();
  if (trace.endedEarly !== null)
    paper.sentence(`The trace ended early: ${trace.endedEarly}.`, { ink: ['yellow'] });
  for (const note of trace.notes) paper.sentence(`Note: ${note}.`);
  if (trace.births > 0) {
    const what = trace.follow ? 'traced too' : 'not traced';
    paper.sentence(
      `${plural(trace.births, 'process was', 'processes were')} started meanwhile, and ${what}.`,
    );
  }
  const lost = lossPhrases(trace);
  if (lost.length === 0) paper.sentence('Nothing was lost.', { ink: ['dim'] });
  else paper.sentence(`LOST: ${lost.join('; ')}.`, { ink: ['red'] });
  const cost = costPhrase(trace);
  if (cost !== '') paper.sentence(cost, { ink: ['dim'] });
}

export function lossPhrases({ losses }: TraceBase): string[] {
  const phrases: string[] = [];
  if (losses.threads > 0)
    phrases.push(`${plural(losses.threads, 'thread')} found no room and were not traced`);
  if (losses.rows > 0) phrases.push(`${plural(losses.rows, 'event')} found no room in a table of details`);
  if (losses.unchargedNs > 0)
    phrases.push(`${formatNs(losses.unchargedNs)} of waiting could not be charged to anybody`);
  if (losses.skipped > 0)
    phrases.push(`${plural(losses.skipped, 'event')} skipped by the kernel, in any process`);
  if (losses.unprobedChildren > 0) {
    phrases.push(
      `${plural(losses.unprobedChildren, 'child process', 'child processes')} ended before their functions were probed`,
    );
  }
  return phrases;
}

/** "" when no run of a program fell into a sampled slice. */
export function costPhrase({ cost, durationNs }: TraceBase): string {
  const total = cost.programs.reduce((sum, { runNs }) => sum + runNs, 0);
  if (total === 0 || durationNs === 0) return '';
  const busiest = [...cost.programs].sort((a, b) => b.runNs - a.runNs).slice(0, 3);
  const each = busiest.map(
    ({ name, runNs, runCount }) => `${name} ${formatNs(runNs / runCount)} × ${formatWhole(runCount)}`,
  );
  return `Tracing programs took ${formatShare(total / durationNs)} of one CPU (${each.join(', ')}), without the kernel's way to them.`;
}
