/** What was sent, what became of it, and how long it took. */
import { formatBytes, formatNs, formatShare } from '../../base/units.ts';
import { failedCount } from '../../diagnose/facts/throughput.ts';
import type { Diagnosis } from '../../diagnose/finding.ts';
import type { LoadRecord } from '../../record/load.ts';
import { kindRows } from '../model/kinds.ts';
import { LATENCY_MEANING, type LatencyRow, QUANTILES } from '../model/latency.ts';
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
import type { Paper } from '../text/paper.ts';
import {
  conservationPhrase,
  formatRate,
  formatWhole,
  plural,
  quantileText,
  ratePhrase,
} from '../text/phrases.ts';
import { writeTable } from '../text/table.ts';
import { spectrumPlot } from './spectrum.ts';

/** From this width on the meaning of each time stands beside its figures. */
const WIDE_COLUMNS = 96;
const ARRIVALS_COLUMNS = 80;
const KIND_QUANTILES: readonly string[] = ['p50', 'p99', 'max'];

const SHORT_MEANING = {
  response: 'planned to done: what a user feels',
  service: 'sent to done: what most tools print',
  lateness: 'planned to sent: waiting to be sent',
} as const;

/** The three times of a request as percentiles, and the response time as a picture. */
export function writeLatency(paper: Paper, load: LoadRecord, diagnosis: Diagnosis, rows: LatencyRow[]): void {
  const measured = rows[0]?.count ?? 0;
  paper.heading(
    'Latency',
    `${plural(measured, 'request')} after ${formatNs(load.measuredFromNs - load.startNs)} of warm-up`,
  );
  const shown = rows.filter((row) => !row.withheld);
  const wide = paper.plain || paper.columns >= WIDE_COLUMNS;
  const dim = (text: string) => paper.ink(text, 'dim');
  if (shown.length > 0) {
    writeTable(
      paper,
      [
        { title: '' },
        ...QUANTILES.map(({ name }) => ({ title: name, align: 'right' as const })),
        ...(wide ? [{ title: '' }] : []),
      ],
      shown.map((row) => [
        row.kind,
        ...QUANTILES.map((quantile) => quantileText(row, quantile)),
        ...(wide ? [{ text: SHORT_MEANING[row.kind], draw: dim }] : []),
      ]),
    );
  }
  for (const row of rows.filter((candidate) => candidate.withheld)) {
    paper.sentence(`withheld: ${row.withheld}`, {
      first: `  ${row.kind.padEnd(8)}  `,
      rest: '',
      ink: ['red'],
    });
  }
  if (!wide) {
    for (const row of rows) {
      paper.sentence(`${row.kind}: ${LATENCY_MEANING[row.kind]}`, { first: '  ', ink: ['dim'] });
    }
  }
  for (const note of latencyNotes(rows)) paper.sentence(note, { first: '  ', ink: ['dim'] });
  const plot = spectrumPlot(paper, load, diagnosis);
  if (plot.length === 0) return;
  paper.heading('Response time by percentile', 'logarithmic in both directions');
  for (const line of plot) paper.line(line);
}

/** One row for each kind of a mix. */
export function writeKinds(paper: Paper, load: LoadRecord, diagnosis: Diagnosis): void {
  const kinds = kindRows(load, diagnosis);
  if (kinds.length === 0) return;
  paper.heading('Kinds of request', 'response times');
  const rows = kinds.map((kind) => {
    const failed = formatWhole(kind.failedCount);
    const quantiles = QUANTILES.filter(({ name }) => KIND_QUANTILES.includes(name));
    return [
      kind.name,
      formatWhole(kind.counts.planned),
      formatShare(kind.share),
      formatWhole(kind.counts.ok),
      kind.failedCount > 0 ? { text: failed, draw: (text: string) => paper.ink(text, 'red') } : failed,
      ...quantiles.map((quantile) => quantileText(kind, quantile)),
    ];
  });
  const right = (title: string) => ({ title, align: 'right' as const });
  const counts = ['planned', 'share', 'ok', 'failed'].map(right);
  const columns = [{ title: '', shrinkTo: 12 }, ...counts, ...KIND_QUANTILES.map(right)];
  // A narrow screen has room for the share and what failed, not for the counts they come from.
  const wide = paper.plain || paper.columns >= ARRIVALS_COLUMNS;
  const shown = <T>(cells: T[]) => (wide ? cells : cells.filter((_, i) => i !== 1 && i !== 3));
  writeTable(paper, shown(columns), rows.map(shown));
}

/** One row for each stage, after the warm-up. */
export function writeStages(paper: Paper, load: LoadRecord, diagnosis: Diagnosis): void {
  const stages = stageRows(load, diagnosis);
  if (stages.length === 0) return;
  paper.heading('Stages', 'after the warm-up; response times');
  const right = (title: string) => ({ title, align: 'right' as const });
  const quantiles = QUANTILES.filter(({ name }) => KIND_QUANTILES.includes(name));
  writeTable(
    paper,
    [{ title: '', shrinkTo: 16 }, ...['due', 'answered', 'failed', ...KIND_QUANTILES].map(right)],
    stages.map((row) => {
      const failed = failedCount(row.counts);
      return [
        row.stage.text,
        row.duePerSec === null ? '–' : formatRate(row.duePerSec),
        row.answeredPerSec === null ? '–' : formatRate(row.answeredPerSec),
        failed > 0
          ? { text: formatWhole(failed), draw: (text: string) => paper.ink(text, 'red') }
          : formatWhole(failed),
        ...quantiles.map((quantile) => quantileText(row, quantile)),
      ];
    }),
  );
}

/** Conservation, errors, connections, and what the network stack had to say. */
export function writeLoad(paper: Paper, load: LoadRecord): void {
  paper.heading('Load');
  const { inFlight } = load;
  const rows: [term: string, text: string | null, ink?: 'red' | 'yellow'][] = [
    ['outcomes', conservationPhrase(load)],
    ['status', statusPhrase(load)],
    ['wrong', countsPhrase(load.wrongByReason ?? {}, load.firstTexts), 'red'],
    ['errors', countsPhrase(load.errorsByKind, load.firstTexts), 'red'],
    ['connections', connectionsPhrase(load)],
    ['address', addressesPhrase(load)],
    ['proxy', proxyPhrase(load)],
    ['network', networkPhrase(load), 'yellow'],
    [
      'in flight',
      `${inFlight.mean.toFixed(2)} on average, ${formatWhole(inFlight.max)} at most (limit ${formatWhole(inFlight.limit)})`,
    ],
    ['bytes', `${formatBytes(load.bytesSent)} sent, ${formatBytes(load.bytesReceived)} received`],
  ];
  for (const [term, text, ink] of rows) {
    if (text === null) continue;
    paper.sentence(text, { first: `  ${term.padEnd(11)}  `, rest: '', ...(ink && { ink: [ink] }) });
  }
}

/** How requests were to arrive, and how they did. */
export function writeArrivals(paper: Paper, load: LoadRecord): void {
  paper.heading('Arrivals', load.replay ? ratePhrase(load) : (load.plan.arrivalSpec ?? load.plan.arrival));
  const { titles, rows } = arrivalRows(load);
  // The last two columns of a narrow screen become a sentence.
  const shown = paper.plain || paper.columns >= ARRIVALS_COLUMNS ? titles.length : 5;
  writeTable(
    paper,
    titles
      .slice(0, shown)
      .map((title, i) => ({ title, align: i === 0 ? ('left' as const) : ('right' as const) })),
    rows.map((row) => row.slice(0, shown)),
  );
  if (shown < titles.length) {
    const came = rows.at(-1)!;
    const gaps = came[5] === '–' ? '' : `; ${came[5]} of gaps under 150 µs`;
    paper.sentence(`At most ${came[6]} in 1 ms${gaps}.`, { first: '  ' });
  }
  paper.sentence(DISPERSION_MEANING, { first: '  ', ink: ['dim'] });
}
