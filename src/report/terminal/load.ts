import { formatBytes, formatNs } from '../../base/units.ts';
import type { Diagnosis } from '../../diagnose/finding.ts';
import type { LoadRecord } from '../../record/load.ts';
import { LATENCY_MEANING, type LatencyRow, QUANTILES } from '../model/latency.ts';
import { latencyNotes } from '../text/about-load.ts';
import type { Paper } from '../text/paper.ts';
import { arrivalPhrase, conservationPhrase, formatQuantile, formatWhole, plural } from '../text/phrases.ts';
import { writeTable } from '../text/table.ts';
import { spectrumPlot } from './spectrum.ts';

/** The three times of a request as percentiles, and the response time as a picture. */
export function writeLatency(paper: Paper, load: LoadRecord, diagnosis: Diagnosis, rows: LatencyRow[]): void {
  const measured = rows[0]?.count ?? 0;
  paper.heading(
    'Latency',
    `${plural(measured, 'request')} after ${formatNs(load.measuredFromNs - load.startNs)} of warm-up`,
  );
  const shown = rows.filter((row) => !row.withheld);
  if (shown.length > 0) {
    writeTable(
      paper,
      [{ title: '' }, ...QUANTILES.map(({ name }) => ({ title: name, align: 'right' as const }))],
      shown.map((row) => [row.kind, ...QUANTILES.map(({ name }) => formatQuantile(row.quantiles[name]))]),
    );
  }
  for (const row of rows.filter((candidate) => candidate.withheld)) {
    paper.line(`  ${row.kind.padEnd(8)}  ${paper.ink(paper.clean(`withheld: ${row.withheld}`), 'red')}`);
  }
  for (const row of rows) {
    paper.sentence(`${row.kind}: ${LATENCY_MEANING[row.kind]}`, { first: '  ', ink: ['dim'] });
  }
  for (const note of latencyNotes(rows)) paper.sentence(note, { first: '  ', ink: ['dim'] });
  const plot = spectrumPlot(paper, load, diagnosis);
  if (plot.length === 0) return;
  paper.heading('Response time by percentile', 'logarithmic in both directions');
  for (const line of plot) paper.line(line);
}

/** Conservation, connections, errors and the shape of arrivals. */
export function writeLoad(paper: Paper, load: LoadRecord): void {
  paper.heading('Load');
  paper.bullet(conservationPhrase(load));
  const statuses = Object.entries(load.statusCounts).map(
    ([status, count]) => `${status}: ${formatWhole(count)}`,
  );
  if (statuses.length > 0) paper.bullet(`status ${statuses.join(', ')}`);
  const errors = Object.entries(load.errorsByKind).map(([kind, count]) => `${kind}: ${formatWhole(count)}`);
  if (errors.length > 0) paper.bullet(`errors: ${errors.join(', ')}`, ['red']);
  const { connections } = load;
  paper.bullet(
    `connections: ${formatWhole(connections.opened)} opened, ${formatWhole(connections.failed)} failed, ` +
      `${formatWhole(connections.reopened)} reopened, ${formatWhole(connections.closedByPeer)} closed by the server, ` +
      `${plural(connections.lateReplies, 'late reply', 'late replies')}; ` +
      `${formatBytes(load.bytesSent)} sent, ${formatBytes(load.bytesReceived)} received`,
  );
  paper.bullet(
    `in flight: ${load.inFlight.mean.toFixed(2)} on average, ${formatWhole(load.inFlight.max)} at most ` +
      `(limit ${formatWhole(load.inFlight.limit)})`,
  );
  paper.bullet(`arrivals ${arrivalPhrase(load)}`);
}
