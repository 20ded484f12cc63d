/** One page that needs nothing else and runs no script: tables, and histograms drawn as SVG. All names are escaped. */
import { readFileSync } from 'node:fs';
import { formatNs } from '../../base/units.ts';
import type { Trace } from '../../record/trace.ts';
import { escapeHtml } from '../html/escape.ts';
import { htmlDocument } from '../html/page-shell.ts';
import { paletteCss } from '../html/palette.ts';
import { formatWhole } from '../text/phrases.ts';
import { distributionRows } from './distribution-rows.ts';
import { oddities } from './functions-text.ts';
import { allWaits, allWakes, rivalGroups } from './sched-model.ts';
import { coresText, rivalName } from './sched-text.ts';
import type { TraceReporter } from './trace-reporter.ts';
import { costPhrase, lossPhrases, quantilePhrase, quantileText, subjectPhrase } from './trace-text.ts';

export const traceHtmlReporter = {
  name: 'html',
  summary: 'one self-contained page with histograms; opens offline',
  render: renderHtml,
} satisfies TraceReporter;

type Table = { titles: string[]; rows: string[][] };
type Section = { title: string; table?: Table; notes?: string[]; plots?: Plot[] };
type Plot = { title: string; buckets: readonly number[]; maxNs: number };

const PLOT_LIMIT = 40;
const TITLES = { syscalls: 'System calls', sched: 'Scheduling', functions: 'Functions' } as const;

function renderHtml(trace: Trace): string {
  const style = paletteCss('system') + readFileSync(new URL('trace-page.css', import.meta.url), 'utf8');
  const title = `${TITLES[trace.kind]} of ${subjectPhrase(trace, trace.threads)}`;
  const sections = [...sectionsOf(trace), closing(trace)];
  const body = `<main>
<h1>${escapeHtml(title)}</h1>
<p class="when">${escapeHtml(new Date(trace.startedAtMs).toISOString())}</p>
${sections.map(section).join('\n')}
</main>`;
  return htmlDocument({ title: 'Loopscope trace', style, body });
}

function section({ title, table, notes = [], plots = [] }: Section): string {
  return `<section><h2>${escapeHtml(title)}</h2>
${table ? tableOf(table) : ''}${notes.map((note) => `<p class="note">${escapeHtml(note)}</p>`).join('')}
<div class="plots">${plots.slice(0, PLOT_LIMIT).map(plot).join('\n')}</div></section>`;
}

function tableOf({ titles, rows }: Table): string {
  const cell = (tag: string) => (value: string) =>
    `<${tag}${/^[\d<≥–-]/.test(value) ? ' class="number"' : ''}>${escapeHtml(value)}</${tag}>`;
  const head = titles.map((title) => `<th scope="col">${escapeHtml(title)}</th>`).join('');
  return `<div class="scroll"><table><thead><tr>${head}</tr></thead><tbody>${rows
    .map((row) => `<tr>${row.map(cell('td')).join('')}</tr>`)
    .join('\n')}</tbody></table></div>`;
}

const WIDTH = 560;
const HEIGHT = 170;
const BASE = 140;

/** A histogram: time on a logarithmic axis, counts upwards; each bar tells its numbers when pointed at. */
function plot({ title, buckets, maxNs }: Plot): string {
  const rows = distributionRows(buckets);
  if (rows.length === 0) return '';
  const most = Math.max(...rows.map((row) => row.count));
  const step = WIDTH / rows.length;
  const every = Math.ceil(rows.length / 8);
  const bars = rows.map((row, i) => {
    const height = row.count === 0 ? 0 : Math.max(1, (row.count / most) * (BASE - 10));
    const said = `${formatNs(row.lowNs)} to ${formatNs(row.highNs)}: ${formatWhole(row.count)}`;
    const bar = `<rect x="${(i * step + 1).toFixed(1)}" y="${(BASE - height).toFixed(1)}" width="${(step - 2).toFixed(1)}" height="${height.toFixed(1)}"><title>${escapeHtml(said)}</title></rect>`;
    const label =
      i % every === 0
        ? `<text x="${(i * step + 1).toFixed(1)}" y="${BASE + 16}">${escapeHtml(formatNs(row.lowNs))}</text>`
        : '';
    return bar + label;
  });
  const count = buckets.reduce((sum, each) => sum + each, 0);
  const said = `${formatWhole(count)}; ${quantilePhrase(buckets, maxNs)}`;
  return `<figure><figcaption><b>${escapeHtml(title)}</b> ${escapeHtml(said)}</figcaption>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHtml(`Histogram of ${title}: ${said}`)}">
<line x1="0" y1="${BASE}" x2="${WIDTH}" y2="${BASE}"/>${bars.join('')}</svg></figure>`;
}

function sectionsOf(trace: Trace): Section[] {
  if (trace.kind === 'syscalls') return syscallSections(trace);
  return trace.kind === 'sched' ? schedSections(trace) : functionSections(trace);
}

function syscallSections(trace: Extract<Trace, { kind: 'syscalls' }>): Section[] {
  const total = trace.rows.reduce((sum, row) => sum + row.ns, 0);
  const counted = trace.rows.filter((row) => row.calls > 0);
  const titles = [
    '% time',
    'seconds',
    'µs/call',
    'calls',
    'errors',
    'syscall',
    'off CPU',
    'p50',
    'p99',
    'max',
    'by errno',
  ];
  const rows = counted.map((row) => [
    ((row.ns / (total || 1)) * 100).toFixed(2),
    (row.ns / 1e9).toFixed(6),
    String(Math.round(row.ns / row.calls / 1000)),
    formatWhole(row.calls),
    row.errors > 0 ? formatWhole(row.errors) : '',
    row.name,
    formatNs(row.offCpuNs),
    quantileText(row.buckets, 0.5, row.maxNs),
    quantileText(row.buckets, 0.99, row.maxNs),
    formatNs(row.maxNs),
    row.errnos.map(({ name, count }) => `${name} ${formatWhole(count)}`).join(', '),
  ]);
  const threads = trace.threads.map((thread) => [
    String(thread.tid),
    String(thread.pid),
    thread.comm + (thread.ended ? ' (ended)' : ''),
    formatWhole(thread.calls),
    formatWhole(thread.errors),
    formatNs(thread.ns),
    thread.inCall === null ? '' : `${thread.inCall.name}, ${formatNs(thread.inCall.ns)}`,
  ]);
  return [
    {
      title: 'By call',
      table: { titles, rows },
      notes: ['Seconds are from entry to return, time blocked included.'],
    },
    { title: 'How long calls took', plots: counted.map((row) => ({ title: row.name, ...row })) },
    {
      title: 'Threads',
      table: {
        titles: ['tid', 'pid', 'name', 'calls', 'errors', 'in calls', 'at the end in'],
        rows: threads,
      },
    },
  ];
}

function schedSections(trace: Extract<Trace, { kind: 'sched' }>): Section[] {
  const threads = trace.threads.map((thread) => [
    String(thread.tid),
    String(thread.pid),
    thread.comm + (thread.ended ? ' (ended)' : ''),
    formatNs(thread.runNs),
    formatNs(thread.waitNs),
    formatNs(thread.blockedNs),
    quantileText(thread.waitBuckets, 0.5, thread.waitMaxNs),
    quantileText(thread.waitBuckets, 0.99, thread.waitMaxNs),
    formatNs(thread.waitMaxNs),
    formatWhole(thread.voluntary),
    formatWhole(thread.involuntary),
    formatWhole(thread.migrations),
  ]);
  const titles = [
    'tid',
    'pid',
    'name',
    'ran',
    'waited',
    'blocked',
    'wait p50',
    'p99',
    'max',
    'voluntary',
    'involuntary',
    'moved',
  ];
  const rivals = rivalGroups(trace).map((group) => [
    formatNs(group.ns),
    formatWhole(group.turns),
    group.pid === 0 ? '' : String(group.pid),
    rivalName(group),
    coresText(group),
  ]);
  const all = { title: 'Run-queue delay, all threads', ...allWaits(trace.threads) };
  const wakes = { title: 'Wake-up latency, all threads', ...allWakes(trace.threads) };
  const each = trace.threads.map(({ tid, comm, waitBuckets, waitMaxNs }) => ({
    title: `Run-queue delay of ${comm} ${tid}`,
    buckets: waitBuckets,
    maxNs: waitMaxNs,
  }));
  return [
    { title: 'Threads', table: { titles, rows: threads } },
    { title: 'Who ran instead', table: { titles: ['time', 'turns', 'pid', 'name', 'on CPU'], rows: rivals } },
    { title: 'How long they waited', plots: [all, wakes, ...(each.length > 1 ? each : [])] },
  ];
}

function functionSections(trace: Extract<Trace, { kind: 'functions' }>): Section[] {
  const rows = [...trace.rows].sort((a, b) => b.inclusiveNs - a.inclusiveNs);
  const titles = ['function', 'in', 'calls', 'inclusive', 'exclusive', 'off CPU', 'p50', 'p99', 'max'];
  const cells = rows.map((row) => [
    row.name,
    row.file,
    formatWhole(row.calls),
    formatNs(row.inclusiveNs),
    formatNs(row.exclusiveNs),
    formatNs(row.inclusiveOffCpuNs),
    quantileText(row.buckets, 0.5, row.maxNs),
    quantileText(row.buckets, 0.99, row.maxNs),
    formatNs(row.maxNs),
  ]);
  const edges = trace.edges.map((edge) => [
    edge.caller < 0 ? '(none of these)' : (trace.rows[edge.caller]?.name ?? '?'),
    trace.rows[edge.callee]?.name ?? '?',
    formatWhole(edge.calls),
    formatNs(edge.ns),
  ]);
  const notes = rows.flatMap((row) => oddities(row).map((oddity) => `${row.name}: ${oddity}.`));
  return [
    { title: 'By function', table: { titles, rows: cells }, notes },
    { title: 'How long calls took', plots: rows.map((row) => ({ title: row.name, ...row })) },
    { title: 'Who called whom', table: { titles: ['caller', 'function', 'calls', 'time'], rows: edges } },
  ];
}

function closing(trace: Trace): Section {
  const lost = lossPhrases(trace);
  const notes = [
    ...(trace.endedEarly === null ? [] : [`The trace ended early: ${trace.endedEarly}.`]),
    ...trace.notes,
    lost.length === 0 ? 'Nothing was lost.' : `LOST: ${lost.join('; ')}.`,
    costPhrase(trace),
  ];
  return { title: 'About this trace', notes: notes.filter((note) => note !== '') };
}
