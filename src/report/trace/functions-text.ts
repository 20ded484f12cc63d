import { formatNs, formatShare } from '../../base/units.ts';
import type { FunctionRow, FunctionTrace } from '../../record/trace.ts';
import type { Paper } from '../text/paper.ts';
import { formatRate, formatWhole, plural } from '../text/phrases.ts';
import { writeTable } from '../text/table.ts';
import { quantileText, subjectPhrase, writeClosing, writeHistogram, writeThreads } from './trace-text.ts';

const TREE_DEPTH = 12;
const TREE_LINES = 40;
const IDLE_NAMES = 12;

export function writeFunctions(paper: Paper, trace: FunctionTrace, histogramsOf: readonly string[]): void {
  const rows = [...trace.rows].sort((a, b) => b.inclusiveNs - a.inclusiveNs || b.calls - a.calls);
  // Of a pattern that matches fifty only those that did something; a single name is shown as it is.
  const called = rows.length > 1 ? rows.filter((row) => row.calls > 0 || oddities(row).length > 0) : rows;
  const idle = rows.filter((row) => !called.includes(row)).map(({ name }) => name);
  const calls = rows.reduce((sum, row) => sum + row.calls, 0);
  const perSec = trace.durationNs > 0 ? (calls / trace.durationNs) * 1e9 : 0;
  const where = trace.pids.length === 0 ? 'every process that runs ' : '';
  paper.heading(
    `${plural(rows.length, 'function')} of ${where}${subjectPhrase(trace, trace.threads)}`,
    `${formatWhole(calls)} calls, ${formatRate(perSec)}`,
  );
  if (called.length > 0) writeRows(paper, called);
  for (const row of rows) for (const oddity of oddities(row)) paper.sentence(`${row.name}: ${oddity}.`);
  if (idle.length > 0) {
    const more = idle.length > IDLE_NAMES ? `, and ${formatWhole(idle.length - IDLE_NAMES)} more` : '';
    paper.sentence(`Not called: ${idle.slice(0, IDLE_NAMES).join(', ')}${more}.`);
  }
  if (calls === 0) {
    paper.sentence(
      'Was the process at work? Where all calls were inlined only the unused copy has the probe.',
    );
  }
  if (rows.length > 1) writeTree(paper, trace);
  const wanted =
    histogramsOf.length > 0 ? rows.filter((row) => histogramsOf.includes(row.name)) : rows.slice(0, 3);
  for (const row of wanted) writeHistogram(paper, row.name, row.buckets, row.maxNs);
  writeThreads(paper, trace.threads, [{ title: 'calls', align: 'right' }], (thread) => [
    formatWhole(thread.calls),
  ]);
  writeClosing(paper, trace);
}

function writeRows(paper: Paper, called: readonly FunctionRow[]): void {
  paper.line();
  writeTable(
    paper,
    [
      { title: 'function', shrinkTo: 20, cutAt: 'middle' },
      { title: 'calls', align: 'right' },
      { title: 'inclusive', align: 'right' },
      { title: 'exclusive', align: 'right' },
      { title: 'off CPU', align: 'right' },
      { title: 'p50', align: 'right' },
      { title: 'p99', align: 'right' },
      { title: 'max', align: 'right' },
      { title: 'in' },
    ],
    called.map((row) => [
      row.name,
      formatWhole(row.calls),
      formatNs(row.inclusiveNs),
      formatNs(row.exclusiveNs),
      row.inclusiveNs > 0 ? formatShare(Math.min(1, row.inclusiveOffCpuNs / row.inclusiveNs)) : '',
      quantileText(row.buckets, 0.5, row.maxNs),
      quantileText(row.buckets, 0.99, row.maxNs),
      formatNs(row.maxNs),
      row.file,
    ]),
  );
  paper.line();
  paper.sentence(
    'Times are of the wall clock, time blocked included. Inclusive counts a recursion once; exclusive leaves out the other functions of this table. Each call includes the way back from the probe at its entry: what is shorter than a few µs is mostly that.',
    { ink: ['dim'] },
  );
}

/** What makes calls and timed calls differ. */
export function oddities(row: FunctionRow): string[] {
  const found: string[] = [];
  if (row.beganBefore > 0)
    found.push(`${plural(row.beganBefore, 'call')} under way at the start, not counted`);
  if (row.inFlight > 0) {
    found.push(
      `${plural(row.inFlight, 'call')} under way at the end, for ${formatNs(row.inFlightNsMax)}, not timed`,
    );
  }
  if (row.abandoned > 0) {
    found.push(
      `${plural(row.abandoned, 'call')} left without a return (longjmp, exception, exit), not timed`,
    );
  }
  if (row.recursive > 0) found.push(`${plural(row.recursive, 'call')} from within itself`);
  if (row.tooDeep > 0) found.push(`${plural(row.tooDeep, 'call')} nested more than 64 deep, not timed`);
  return found;
}

/** Who called whom, of those traced. What a function called is shown once, where it stands first. */
function writeTree(paper: Paper, trace: FunctionTrace): void {
  if (!trace.edges.some(({ caller }) => caller >= 0)) return;
  paper.heading('Called from one another', 'time and calls from that caller');
  const lines: string[][] = [];
  const shown = new Set<number>();
  const walk = (caller: number, depth: number) => {
    for (const edge of trace.edges.filter((each) => each.caller === caller)) {
      const name = trace.rows[edge.callee]?.name ?? '?';
      const itself = edge.caller === edge.callee ? ' (itself)' : '';
      lines.push([formatNs(edge.ns), formatWhole(edge.calls), `${'  '.repeat(depth)}${name}${itself}`]);
      if (shown.has(edge.callee) || depth === TREE_DEPTH) continue;
      shown.add(edge.callee);
      walk(edge.callee, depth + 1);
    }
  };
  walk(-1, 0);
  writeTable(
    paper,
    [{ title: 'time', align: 'right' }, { title: 'calls', align: 'right' }, { title: 'function' }],
    lines.slice(0, TREE_LINES),
  );
  const more = lines.length - TREE_LINES;
  if (more > 0)
    paper.sentence(`and ${plural(more, 'line')} more; --json has all`, { first: '  ', ink: ['dim'] });
}
