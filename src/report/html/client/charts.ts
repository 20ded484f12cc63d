/** The line charts: latency and longest cycle over time, and the percentile spectrum. */
import type { PageData, PageSpectrum, PageStalls, PageTimeline } from '../page-data.ts';
import { el, replaceChildren } from './dom.ts';
import { formatNines, formatSec, formatTick, formatWholeNumber } from './format.ts';
import { colour, onTheme } from './theme.ts';

const AXIS_FONT = '11px ui-sans-serif, system-ui, sans-serif';
/** A click this near to a stall, in CSS pixels, means it. */
const CLICK_RADIUS = 14;

type Drawn = { chart: uPlot; host: HTMLElement };

/** Makes a chart that follows the width of its host, and is made anew when the theme changes. */
function responsive(
  host: HTMLElement,
  height: number,
  make: (width: number, height: number) => uPlot,
): () => Drawn {
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
  return () => ({ chart, host });
}

function timeAxis(label: string): uPlot.Axis {
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
function durationAxis(): uPlot.Axis {
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

/** Whole powers of ten round what is drawn. */
function logRange(values: (number | null)[]): [number, number] {
  const seen = values.filter((value): value is number => value !== null && value > 0);
  const low = Math.floor(Math.log10(Math.min(...seen, 1)));
  const high = Math.ceil(Math.log10(Math.max(...seen, 1e-9)));
  return seen.length === 0 ? [1e-6, 1] : [10 ** low, 10 ** Math.max(low + 1, high)];
}

function line(label: string, name: string, width: number, more: Partial<uPlot.Series> = {}): uPlot.Series {
  return { label, stroke: colour(name), width, points: { show: false }, spanGaps: false, ...more };
}

function options(width: number, height: number, more: Partial<uPlot.Options>): uPlot.Options {
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

/** Both charts over time with a common read-out. Clicking near a stall calls `select` with its mark. */
export function timelineCharts(
  timeline: PageTimeline,
  stalls: PageStalls | null,
  select: (mark: number) => void,
): { element: HTMLElement; start: () => void; highlight: (mark: number) => void } {
  const hint =
    stalls && stalls.marks.length > 0
      ? 'Point at a chart for values, click a stall for its account.'
      : 'Point at a chart for values.';
  const readout = el('p', { class: 'readout', 'aria-live': 'off' }, hint);
  const latencyHost = el('div', {
    class: 'chart',
    role: 'img',
    'aria-label': 'Response time per second, as p50, p99 and maximum',
  });
  const cyclesHost = el('div', {
    class: 'chart clickable',
    role: 'img',
    'aria-label': 'Longest cycle over time, with stalls as dots',
  });
  const element = el('div', { class: 'card' });
  const made: (() => Drawn)[] = [];
  let selected = -1;

  const onCursor = (chart: uPlot) => {
    const { left } = chart.cursor;
    if (left === undefined || left === null || left < 0) replaceChildren(readout, hint);
    else replaceChildren(readout, readoutText(timeline, stalls, chart.posToVal(left, 'x')));
  };
  const cursor = { ...options(0, 0, {}).cursor, sync: { key: 'time' } };
  const scaleX: uPlot.Scale = { time: false, range: [0, Math.max(timeline.durationSec, 1e-3)] };

  if (timeline.latency) {
    element.append(
      el(
        'div',
        { class: 'chart-head' },
        el('h3', {}, 'Response time'),
        legend([
          ['max', 'line-max'],
          ['p99', 'line-p99'],
          ['p50', 'line-p50'],
        ]),
      ),
      latencyHost,
    );
  } else
    element.append(
      el('div', { class: 'chart-head' }, el('h3', {}, 'Response time')),
      el('p', { class: 'absent' }, timeline.latencyNote),
    );
  if (timeline.cycles) {
    element.append(
      el(
        'div',
        { class: 'chart-head' },
        el('h3', {}, 'Longest cycle of any loop'),
        legend([
          ['longest cycle', 'line-cycle'],
          ['budget', 'line-budget'],
        ]),
      ),
      cyclesHost,
    );
    if (stalls && stalls.marks.length > 0) element.append(stallLegend(stalls));
  } else if (timeline.cyclesNote !== '') {
    element.append(
      el('div', { class: 'chart-head' }, el('h3', {}, 'Longest cycle of any loop')),
      el('p', { class: 'absent' }, timeline.cyclesNote),
    );
  }
  if (timeline.latency || timeline.cycles) element.prepend(readout);

  const start = () => {
    const { latency, cycles } = timeline;
    if (latency) {
      made.push(
        responsive(
          latencyHost,
          230,
          (width, height) =>
            new uPlot(
              options(width, height, {
                cursor,
                scales: {
                  x: scaleX,
                  y: { distr: 3, range: () => logRange([...latency.p50, ...latency.p99, ...latency.max]) },
                },
                axes: [timeAxis(' s'), durationAxis()],
                series: [
                  {},
                  line('max', 'line-max', 1.5),
                  line('p99', 'line-p99', 2),
                  line('p50', 'line-p50', 2),
                ],
                hooks: { setCursor: [onCursor], draw: [(chart) => drawTicks(chart, stalls, selected)] },
              }),
              [latency.sec, latency.max, latency.p99, latency.p50] as uPlot.AlignedData,
              latencyHost,
            ),
        ),
      );
    }
    if (cycles) {
      const walls = stalls ? stalls.marks.map((mark) => mark.wallSec) : [];
      made.push(
        responsive(cyclesHost, 210, (width, height) => {
          const chart = new uPlot(
            options(width, height, {
              cursor,
              scales: {
                x: scaleX,
                y: { distr: 3, range: () => logRange([...cycles.longest, ...walls, cycles.budgetSec]) },
              },
              axes: [timeAxis(' s'), durationAxis()],
              series: [{}, { label: 'longest', width: 0, points: { show: false } }],
              hooks: {
                setCursor: [onCursor],
                drawAxes: [(drawn) => drawColumns(drawn, cycles)],
                draw: [(drawn) => drawStalls(drawn, stalls, cycles.budgetSec, selected)],
              },
            }),
            [middles(cycles.edges), cycles.longest] as uPlot.AlignedData,
            cyclesHost,
          );
          chart.over.addEventListener('click', () => {
            const mark = nearestStall(chart, stalls);
            if (mark >= 0) select(mark);
          });
          return chart;
        }),
      );
    }
  };
  const highlight = (mark: number) => {
    selected = mark;
    for (const drawn of made) drawn().chart.redraw(false);
  };
  return { element, start, highlight };
}

function legend(entries: [label: string, name: string][]): HTMLElement {
  return el(
    'ul',
    { class: 'legend', 'aria-hidden': 'true' },
    ...entries.map(([label, name]) => el('li', {}, el('span', { class: `swatch ${name}` }), label)),
  );
}

function stallLegend(stalls: PageStalls): HTMLElement {
  const groups = [...new Set(stalls.marks.map((mark) => mark.group))];
  const title = (group: string) => stalls.total.parts.find((part) => part.group === group)?.title ?? group;
  return el(
    'ul',
    { class: 'legend below' },
    el('li', { class: 'legend-title' }, 'Each dot is a stall, coloured by where most of it went:'),
    stalls.marks.some((mark) => mark.late) &&
      el('li', {}, el('span', { class: 'dot ring' }), 'a ring is a wait that ended late'),
    ...groups.map((group) => el('li', {}, el('span', { class: `dot part-${group}` }), title(group))),
  );
}

function readoutText(timeline: PageTimeline, stalls: PageStalls | null, atSec: number): string {
  const parts = [`at ${atSec.toFixed(1)} s`];
  const { latency, cycles } = timeline;
  if (latency) {
    const i = nearestIndex(latency.sec, atSec);
    parts.push(
      `p50 ${formatSec(latency.p50[i])}`,
      `p99 ${formatSec(latency.p99[i])}`,
      `max ${latency.maxAtLeast[i] ? '≥' : ''}${formatSec(latency.max[i])}`,
      `${formatWholeNumber(latency.planned[i] ?? 0)} requests`,
    );
    if ((latency.failed[i] ?? 0) > 0) parts.push(`${formatWholeNumber(latency.failed[i]!)} failed`);
  }
  if (cycles) {
    const i = Math.max(
      0,
      cycles.edges.findLastIndex((edge) => edge <= atSec),
    );
    parts.push(`longest cycle ${formatSec(cycles.longest[i])}`);
    const [from, to] = [cycles.edges[i]!, cycles.edges[i + 1] ?? Number.POSITIVE_INFINITY];
    const count = stalls ? stalls.marks.filter(({ atSec: at }) => at >= from && at < to).length : 0;
    if (count > 0) parts.push(count === 1 ? '1 stall' : `${count} stalls`);
  }
  return parts.join(' · ');
}

function nearestIndex(sorted: number[], value: number): number {
  let best = 0;
  for (let i = 1; i < sorted.length; i++) {
    if (Math.abs(sorted[i]! - value) < Math.abs(sorted[best]! - value)) best = i;
  }
  return best;
}

function middleOf(mark: PageStalls['marks'][number]): number {
  return mark.atSec + mark.wallSec / 2;
}

function nearestStall(chart: uPlot, stalls: PageStalls | null): number {
  const { left, top } = chart.cursor;
  if (!stalls || left === undefined || top === undefined) return -1;
  let best = -1;
  let bestDistance = CLICK_RADIUS;
  stalls.marks.forEach((mark, index) => {
    const distance = Math.hypot(
      chart.valToPos(middleOf(mark), 'x') - left,
      chart.valToPos(mark.wallSec, 'y') - top,
    );
    if (distance < bestDistance) {
      best = index;
      bestDistance = distance;
    }
  });
  return best;
}

/** Small ticks along the top of the latency chart: where the stalls are, without hiding the lines. */
function drawTicks(chart: uPlot, stalls: PageStalls | null, selected: number): void {
  if (!stalls) return;
  const { ctx, bbox } = chart;
  const pixel = devicePixelRatio;
  ctx.save();
  stalls.marks.forEach((mark, index) => {
    const x = chart.valToPos(middleOf(mark), 'x', true);
    ctx.fillStyle = colour(`part-${mark.group}`);
    ctx.globalAlpha = index === selected ? 1 : 0.75;
    ctx.fillRect(x - pixel, bbox.top - 6 * pixel, 2 * pixel, 6 * pixel);
    if (index === selected) drawSelection(chart, x);
  });
  ctx.restore();
}

const middles = (edges: number[]) => edges.slice(1).map((edge, i) => (edge + edges[i]!) / 2);

/** Columns that stand side by side: each is the longest cycle that ended in its stretch of time. */
function drawColumns(chart: uPlot, cycles: NonNullable<PageTimeline['cycles']>): void {
  const { ctx, bbox } = chart;
  ctx.save();
  ctx.fillStyle = colour('line-cycle');
  cycles.longest.forEach((longest, i) => {
    if (longest === null) return;
    const left = Math.round(chart.valToPos(cycles.edges[i]!, 'x', true));
    const right = Math.round(chart.valToPos(cycles.edges[i + 1]!, 'x', true));
    const top = chart.valToPos(longest, 'y', true);
    ctx.fillRect(left, top, Math.max(1, right - left), bbox.top + bbox.height - top);
  });
  ctx.restore();
}

function drawSelection(chart: uPlot, x: number): void {
  const { ctx, bbox } = chart;
  ctx.fillStyle = colour('ink-2');
  ctx.globalAlpha = 0.6;
  ctx.fillRect(x - devicePixelRatio / 2, bbox.top, devicePixelRatio, bbox.height);
  ctx.globalAlpha = 1;
}

function drawStalls(chart: uPlot, stalls: PageStalls | null, budgetSec: number, selected: number): void {
  const { ctx, bbox } = chart;
  const pixel = devicePixelRatio;
  ctx.save();
  const y = chart.valToPos(budgetSec, 'y', true);
  ctx.strokeStyle = colour('line-budget');
  ctx.lineWidth = pixel;
  ctx.setLineDash([4 * pixel, 4 * pixel]);
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
  ctx.setLineDash([]);
  const xOf = (mark: PageStalls['marks'][number]) => chart.valToPos(middleOf(mark), 'x', true);
  const dot = (index: number, radius: number) => {
    const mark = stalls!.marks[index]!;
    const hue = colour(`part-${mark.group}`);
    ctx.beginPath();
    ctx.arc(xOf(mark), chart.valToPos(mark.wallSec, 'y', true), radius * pixel, 0, 2 * Math.PI);
    ctx.fillStyle = mark.late ? colour('card') : hue;
    ctx.fill();
    ctx.strokeStyle = mark.late ? hue : colour('card');
    ctx.lineWidth = (mark.late ? 2 : 1) * pixel;
    ctx.stroke();
  };
  const radius = (stalls?.marks.length ?? 0) > 300 ? 2.5 : 4;
  for (const index of stalls?.marks.keys() ?? []) dot(index, radius);
  if (stalls?.marks[selected]) {
    drawSelection(chart, xOf(stalls.marks[selected]!));
    dot(selected, radius + 3);
  }
  ctx.restore();
}

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
  const start = () => {
    responsive(
      host,
      300,
      (width, height) =>
        new uPlot(
          options(width, height, {
            scales: {
              x: { time: false, range: [0, Math.max(1, nines.at(-1) ?? 1)] },
              y: { distr: 3, range: () => logRange(columns.flat()) },
            },
            axes: [
              {
                ...timeAxis(''),
                splits: () =>
                  [0, Math.log10(2), 1, 2, 3, 4, 5, 6].filter((value) => value <= (nines.at(-1) ?? 1)),
                values: (_chart, splits) => splits.map(formatNines),
              },
              durationAxis(),
            ],
            series: [
              {},
              ...spectrum.map(({ kind }) => {
                const [name, lineWidth, dash] = SPECTRUM_STYLE[kind]!;
                return line(kind, name, lineWidth, dash ? { dash } : {});
              }),
            ],
            hooks: {
              setCursor: [
                (chart) => {
                  const i = chart.cursor.idx;
                  const known = i !== null && i !== undefined && (chart.cursor.left ?? -1) >= 0;
                  replaceChildren(readout, known ? spectrumText(spectrum, nines, i) : hint);
                },
              ],
            },
          }),
          [nines, ...columns] as uPlot.AlignedData,
          host,
        ),
    );
  };
  return { element, start };
}

function spectrumText(spectrum: PageData['spectrum'] & object, nines: number[], i: number): string {
  const values = spectrum.map((series) => {
    const bound = series.atLeastFrom !== null && i >= series.atLeastFrom ? '≥' : '';
    return `${series.kind} ${bound}${formatSec(series.sec[i])}`;
  });
  return [formatNines(Math.round(nines[i]! * 100) / 100), ...values].join(' · ');
}
