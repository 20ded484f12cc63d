/** The percentile spectrum: share of requests on an axis of nines against their time. */
import type { PageSpectrum } from '../page-data.ts';
import { durationAxis, legend, line, logRange, options, responsive, timeAxis } from './chart-base.ts';
import { el, replaceChildren } from './dom.ts';
import { formatNines, formatSec } from './format.ts';

/** Colour, width and dashes of each time. */
const SPECTRUM_STYLE: Record<string, [name: string, width: number, dash?: number[]]> = {
  response: ['line-p99', 2.25],
  service: ['line-service', 1.75, [6, 4]],
  lateness: ['line-lateness', 1.75, [2, 3]],
};

/** Share of requests on an axis of nines against their time. */
export function spectrumChart(spectrum: PageSpectrum): { element: HTMLElement; start: () => void } {
  const hint = 'Point at the chart for values.';
  const readout = el('p', { class: 'readout' }, hint);
  const host = el('div', {
    class: 'chart',
    role: 'img',
    'aria-label': 'Percentile spectrum: time by share of requests',
  });
  const entries = spectrum.map(({ kind }): [string, string] => [kind, SPECTRUM_STYLE[kind]![0]]);
  const element = el(
    'div',
    { class: 'card' },
    el('div', { class: 'chart-head' }, el('h3', {}, 'Percentile spectrum'), legend(entries)),
    readout,
    host,
  );
  const nines = spectrum.reduce<number[]>(
    (longest, series) => (series.nines.length > longest.length ? series.nines : longest),
    [],
  );
  const columns = spectrum.map((series) => nines.map((_, i) => series.sec[i] ?? null));
  const showAt = (chart: uPlot) => {
    const i = chart.cursor.idx;
    const known = i !== null && i !== undefined && (chart.cursor.left ?? -1) >= 0;
    replaceChildren(readout, known ? spectrumText(spectrum, nines, i) : hint);
  };
  const make = (width: number, height: number) =>
    new uPlot(
      options(width, height, {
        scales: {
          x: { time: false, range: [0, Math.max(1, nines.at(-1) ?? 1)] },
          y: { distr: 3, range: () => logRange(columns.flat()) },
        },
        axes: [ninesAxis(nines.at(-1) ?? 1), durationAxis()],
        series: [{}, ...spectrum.map(({ kind }) => spectrumLine(kind))],
        hooks: { setCursor: [showAt] },
      }),
      [nines, ...columns] as uPlot.AlignedData,
      host,
    );
  return { element, start: () => responsive(host, 300, make) };
}

function ninesAxis(last: number): uPlot.Axis {
  return {
    ...timeAxis(''),
    splits: () => [0, Math.log10(2), 1, 2, 3, 4, 5, 6].filter((value) => value <= last),
    values: (_chart, splits) => splits.map(formatNines),
  };
}

function spectrumLine(kind: string): uPlot.Series {
  const [name, width, dash] = SPECTRUM_STYLE[kind]!;
  return line(kind, name, width, dash ? { dash } : {});
}

function spectrumText(spectrum: PageSpectrum, nines: number[], i: number): string {
  const values = spectrum.map((series) => {
    const bound = series.atLeastFrom !== null && i >= series.atLeastFrom ? '≥' : '';
    return `${series.kind} ${bound}${formatSec(series.sec[i])}`;
  });
  return [formatNines(Math.round(nines[i]! * 100) / 100), ...values].join(' · ');
}
