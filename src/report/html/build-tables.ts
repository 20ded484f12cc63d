import { formatBytes, formatNs, formatShare } from '../../base/units.ts';
import { sumBy } from '../../diagnose/facts/numbers.ts';
import { failedCount } from '../../diagnose/facts/throughput.ts';
import type { Diagnosis } from '../../diagnose/finding.ts';
import type { LoadRecord } from '../../record/load.ts';
import type { ObservationRecord } from '../../record/observation.ts';
import { kindRows } from '../model/kinds.ts';
import { LATENCY_MEANING, type LatencyRow, QUANTILES } from '../model/latency.ts';
import { OUTCOME_KINDS } from '../model/load-summary.ts';
import { loopRows } from '../model/loop-rows.ts';
import { ranInstead } from '../model/ran-instead.ts';
import { stageRows } from '../model/stages.ts';
import { arrivalRows, DISPERSION_MEANING } from '../text/about-arrivals.ts';
import {
  addressesPhrase,
  connectionsPhrase,
  countsPhrase,
  latencyNotes,
  networkPhrase,
  statusPhrase,
} from '../text/about-load.ts';
import { proxyPhrase } from '../text/about-proxy.ts';
import {
  conservationPhrase,
  formatRate,
  formatWhole,
  loopLabel,
  plural,
  quantileText,
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
      ...QUANTILES.map((quantile) => (row.withheld ? 'withheld' : quantileText(row, quantile))),
      LATENCY_MEANING[row.kind],
    ]),
    notes: [
      `${plural(rows[0]?.count ?? 0, 'request')} after ${formatNs(load.measuredFromNs - load.startNs)} of warm-up.`,
      ...rows.filter((row) => row.withheld).map((row) => `${row.kind}: withheld (${row.withheld}).`),
      ...latencyNotes(rows),
    ],
  };
}

/** One row for each kind of a mix; null when there is only one. */
export function kindsTable(load: LoadRecord, diagnosis: Diagnosis): PageTable | null {
  const kinds = kindRows(load, diagnosis);
  if (kinds.length === 0) return null;
  const number = (title: string, hint = '') => ({ title, numeric: true, hint });
  return {
    columns: [
      { title: 'kind of request', numeric: false },
      number('planned'),
      number('share', 'of all planned requests'),
      number('ok'),
      number('failed', 'planned, and not answered as asked'),
      ...QUANTILES.map(({ name }) => number(name, 'of the response time')),
    ],
    rows: kinds.map((kind) => [
      kind.name,
      formatWhole(kind.counts.planned),
      formatShare(kind.share),
      formatWhole(kind.counts.ok),
      formatWhole(kind.failedCount),
      ...QUANTILES.map((quantile) => (kind.withheld ? 'withheld' : quantileText(kind, quantile))),
    ]),
    notes: [],
  };
}

/** One row for each stage; null when the run had one rate throughout. */
export function stagesTable(load: LoadRecord, diagnosis: Diagnosis): PageTable | null {
  const stages = stageRows(load, diagnosis);
  if (stages.length === 0) return null;
  const number = (title: string, hint = '') => ({ title, numeric: true, hint });
  const rate = (perSec: number | null) => (perSec === null ? '–' : formatRate(perSec));
  return {
    columns: [
      { title: 'stage', numeric: false },
      number('due'),
      number('answered'),
      number('failed', 'not answered as asked'),
      ...QUANTILES.map(({ name }) => number(name, 'of the response time')),
    ],
    rows: stages.map((row) => [
      row.stage.text,
      rate(row.duePerSec),
      rate(row.answeredPerSec),
      formatWhole(failedCount(row.counts)),
      ...QUANTILES.map((quantile) => (row.withheld ? 'withheld' : quantileText(row, quantile))),
    ]),
    notes: ['After the warm-up. A late reply counts in the stage it came in.'],
  };
}

/** Arrivals as asked and as they came. */
export function arrivalsTable(load: LoadRecord): PageTable {
  const { titles, rows } = arrivalRows(load);
  return {
    columns: titles.map((title, i) => ({ title: i === 0 ? 'arrivals' : title, numeric: i > 0 })),
    rows,
    notes: [DISPERSION_MEANING],
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
  const { inFlight, client } = load;
  const list = (counts: Record<string, number>) => countsPhrase(counts, load.firstTexts) ?? '';
  const facts = [
    { term: 'Conservation', text: conservationPhrase(load) },
    { term: 'Status codes', text: statusPhrase(load) ?? '' },
    { term: 'Wrong', text: list(load.wrongByReason ?? {}) },
    { term: 'Errors', text: list(load.errorsByKind) },
    { term: 'Connections', text: connectionsPhrase(load) },
    { term: 'Address', text: addressesPhrase(load) ?? '' },
    { term: 'Proxy', text: proxyPhrase(load) ?? '' },
    { term: 'Network', text: networkPhrase(load) ?? '' },
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
  const busy = wallNs >= 1 ? formatShare((thread.userNs + thread.systemNs) / wallNs) : '–';
  return `thread ${thread.threadIndex}: ${busy} of a CPU, ${formatNs(thread.spinNs)} of it spinning, ${formatNs(thread.runDelayNs)} on the run queue`;
}
