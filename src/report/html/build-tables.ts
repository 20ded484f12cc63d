import { formatBytes, formatNs, formatShare } from '../../base/units.ts';
import { sumBy } from '../../diagnose/facts/numbers.ts';
import type { LoadRecord } from '../../record/load.ts';
import type { ObservationRecord } from '../../record/observation.ts';
import { LATENCY_MEANING, type LatencyRow, QUANTILES } from '../model/latency.ts';
import { OUTCOME_KINDS } from '../model/load-summary.ts';
import { loopRows } from '../model/loop-rows.ts';
import { ranInstead } from '../model/ran-instead.ts';
import { latencyNotes } from '../text/about-load.ts';
import {
  arrivalPhrase,
  conservationPhrase,
  formatQuantile,
  formatWhole,
  loopLabel,
  plural,
} from '../text/phrases.ts';
import type { PageBar, PageData, PageTable } from './page-data.ts';

const NAMES_MAX = 6;
const LOOPS_MAX = 64;

const ROLE_TAG = { loopscope: 'loopscope itself', watched: 'the watched server', other: '' } as const;

export function latencyTable(load: LoadRecord, rows: LatencyRow[]): PageTable {
  return {
    columns: [
      { title: 'time', numeric: false },
      ...QUANTILES.map(({ name }) => ({ title: name, numeric: true })),
      { title: 'what it is', numeric: false },
    ],
    rows: rows.map((row) => [
      row.kind,
      ...QUANTILES.map(({ name }) => (row.withheld ? 'withheld' : formatQuantile(row.quantiles[name]))),
      LATENCY_MEANING[row.kind],
    ]),
    notes: [
      `${plural(rows[0]?.count ?? 0, 'request')} after ${formatNs(load.measuredFromNs - load.startNs)} of warm-up.`,
      ...rows.filter((row) => row.withheld).map((row) => `${row.kind}: withheld (${row.withheld}).`),
      ...latencyNotes(rows),
    ],
  };
}

const dash = (value: number | null, format: (value: number) => string) =>
  value === null ? '–' : format(value);

export function loopsTable(observation: ObservationRecord): PageTable | null {
  const rows = loopRows(observation);
  if (rows.length === 0) return null;
  const shown = rows.slice(0, LOOPS_MAX);
  const notes =
    rows.length > shown.length ? [`and ${rows.length - shown.length} more loops, in the run file`] : [];
  const number = (title: string, hint = '') => ({ title, numeric: true, hint });
  if (observation.tier === 'proc') {
    return {
      columns: [
        { title: 'loop', numeric: false },
        number('on CPU'),
        number('run queue'),
        number('share'),
        number('in D state'),
      ],
      rows: shown.map((row) => [
        loopLabel(row.record),
        formatShare(row.cpuShare),
        formatNs(row.runDelayNs),
        formatShare(row.runDelayShare),
        dash(row.blockedShare, formatShare),
      ]),
      notes,
    };
  }
  return {
    columns: [
      { title: 'loop', numeric: false },
      number('cycles/s'),
      number('work p50', 'time from the end of one wait to the start of the next'),
      number('p99'),
      number('max'),
      number('events per wake-up'),
      number('busy', 'share of time outside its waits'),
      number('run queue', 'runnable, but not running'),
      number('stalls'),
      number('accepts'),
      number('first EAGAIN', 'woken for a connection that another worker took'),
    ],
    rows: shown.map((row) => [
      loopLabel(row.record),
      dash(row.cyclesPerSec, formatWhole),
      dash(row.workNsP50, formatNs),
      dash(row.workNsP99, formatNs),
      dash(row.workNsMax, formatNs),
      dash(row.eventsPerWakeUp, (value) => value.toFixed(2)),
      formatShare(row.busyShare),
      formatNs(row.runDelayNs),
      formatWhole(row.stallCount),
      formatWhole(row.acceptCount),
      formatWhole(row.acceptFirstEagainCount),
    ]),
    notes,
  };
}

export function ranInsteadBars(observation: ObservationRecord, selfPids: readonly number[]): PageBar[] {
  const everyone = ranInstead(observation, selfPids);
  const bars = everyone.slice(0, NAMES_MAX).map((who) => ({
    name: who.comm,
    detail: [`pid ${who.pid}`, who.kernelThread ? 'kernel thread' : '', who.commandLine]
      .filter((text) => text !== '')
      .join(' · '),
    share: who.share,
    value: `${formatNs(who.ns)} · ${formatShare(who.share)}`,
    tag: ROLE_TAG[who.role],
  }));
  const rest = everyone.slice(NAMES_MAX);
  if (rest.length === 0) return bars;
  const ns = sumBy(rest, (who) => who.ns);
  const share = sumBy(rest, (who) => who.share);
  const name = plural(rest.length, 'other');
  return [...bars, { name, detail: '', share, value: `${formatNs(ns)} · ${formatShare(share)}`, tag: '' }];
}

export function outcomesOf(load: LoadRecord): PageData['outcomes'] {
  return OUTCOME_KINDS.map((kind) => ({
    kind,
    count: load.counts[kind],
    text: formatWhole(load.counts[kind]),
  }));
}

export function loadFacts(load: LoadRecord): PageData['load'] {
  const { connections, inFlight, client } = load;
  const list = (counts: Record<string, number>) =>
    Object.entries(counts)
      .map(([name, count]) => `${name}: ${formatWhole(count)}`)
      .join(', ');
  const facts = [
    { term: 'Conservation', text: conservationPhrase(load) },
    { term: 'Arrivals', text: arrivalPhrase(load) },
    { term: 'Status codes', text: list(load.statusCounts) },
    { term: 'Errors', text: list(load.errorsByKind) },
    {
      term: 'Connections',
      text:
        `${formatWhole(connections.opened)} opened, ${formatWhole(connections.failed)} failed, ` +
        `${formatWhole(connections.reopened)} reopened, ${formatWhole(connections.closedByPeer)} closed by the server, ` +
        plural(connections.lateReplies, 'late reply', 'late replies'),
    },
    {
      term: 'In flight',
      text: `${inFlight.mean.toFixed(2)} on average, ${formatWhole(inFlight.max)} at most (limit ${formatWhole(inFlight.limit)})`,
    },
    {
      term: 'Bytes',
      text: `${formatBytes(load.bytesSent)} sent, ${formatBytes(load.bytesReceived)} received`,
    },
    { term: 'Client', text: client.threads.map((thread) => clientPhrase(thread, client.wallNs)).join('; ') },
  ];
  return facts.filter(({ text }) => text !== '');
}

function clientPhrase(thread: LoadRecord['client']['threads'][number], wallNs: number): string {
  const busy = wallNs > 0 ? formatShare((thread.userNs + thread.systemNs) / wallNs) : '–';
  return `thread ${thread.threadIndex}: ${busy} of a CPU, ${formatNs(thread.spinNs)} of it spinning, ${formatNs(thread.runDelayNs)} on the run queue`;
}
