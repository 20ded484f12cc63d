/** What the line charts have in common: axes, scales, and keeping up with the page's width and theme. */
import { el } from './dom.ts';
import { formatTick, formatWholeNumber } from './format.ts';
import { colour, onTheme } from './theme.ts';

const AXIS_FONT = '11px ui-sans-serif, system-ui, sans-serif';

/** Makes a chart that follows the width of its host and is made anew when the theme changes; returns the present one. */
export function responsive(
  host: HTMLElement,
  height: number,
  make: (width: number, height: number) => uPlot,
): () => uPlot {
  const width = () => Math.max(200, Math.floor(host.clientWidth));
  let chart = make(width(), height);
  let drawnWidth = width();
  const draw = () => {
    chart.destroy();
    drawnWidth = width();
    chart = make(drawnWidth, height);
  };
  onTheme(draw);
  new ResizeObserver(() => {
    if (width() === drawnWidth) return;
    drawnWidth = width();
    chart.setSize({ width: drawnWidth, height });
  }).observe(host);
  return () => chart;
}

/** The axis along the bottom. */
export function timeAxis(label: string): uPlot.Axis {
  return {
    stroke: colour('ink-2'),
    font: AXIS_FONT,
    grid: { show: false },
    ticks: { stroke: colour('line-strong'), width: 1, size: 4 },
    size: 30,
    gap: 4,
    values: (_chart, ticks) => ticks.map((tick) => `${tick}${label}`),
  };
}

/** A logarithmic axis of times, labelled at powers of ten only. */
export function durationAxis(): uPlot.Axis {
  return {
    stroke: colour('ink-2'),
    font: AXIS_FONT,
    grid: { stroke: colour('line'), width: 1 },
    ticks: { show: false },
    size: 58,
    gap: 6,
    splits: (chart) => {
      const { min, max } = chart.scales.y!;
      const splits: number[] = [];
      for (let power = Math.ceil(Math.log10(min!) - 1e-9); 10 ** power <= max! * 1.0001; power++)
        splits.push(10 ** power);
      return splits;
    },
    filter: (_chart, splits) => splits,
    values: (_chart, splits) => splits.map((split) => formatTick(split)),
  };
}

/** A linear axis of counts, from zero. */
export function countAxis(): uPlot.Axis {
  return {
    stroke: colour('ink-2'),
    font: AXIS_FONT,
    grid: { stroke: colour('line'), width: 1 },
    ticks: { show: false },
    size: 58,
    gap: 6,
    values: (_chart, splits) => splits.map(formatWholeNumber),
  };
}

/** Whole powers of ten round what is drawn. */
export function logRange(values: (number | null)[]): [number, number] {
  const seen = values.filter((value): value is number => value !== null && value > 0);
  const low = Math.floor(Math.log10(Math.min(...seen, 1)));
  const high = Math.ceil(Math.log10(Math.max(...seen, 1e-9)));
  return seen.length === 0 ? [1e-6, 1] : [10 ** low, 10 ** Math.max(low + 1, high)];
}

/** A line without points; `name` is its colour in the style sheet. */
export function line(
  label: string,
  name: string,
  width: number,
  more: Partial<uPlot.Series> = {},
): uPlot.Series {
  return { label, stroke: colour(name), width, points: { show: false }, spanGaps: false, ...more };
}

/** Options that every chart starts from. */
export function options(width: number, height: number, more: Partial<uPlot.Options>): uPlot.Options {
  return {
    width,
    height,
    padding: [12, 12, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
    series: [],
    ...more,
  };
}

/** Names of lines beside a heading. */
export function legend(entries: [label: string, name: string][]): HTMLElement {
  return el(
    'ul',
    { class: 'legend', 'aria-hidden': 'true' },
    ...entries.map(([label, name]) => el('li', {}, el('span', { class: `swatch ${name}` }), label)),
  );
}
