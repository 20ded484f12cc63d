/** Latency, rate and longest cycle over time: charts with one read-out and one selected stall. */
import type { PageStalls, PageTimeline } from '../page-data.ts';
import {
  countAxis,
  durationAxis,
  legend,
  line,
  logRange,
  options,
  responsive,
  timeAxis,
} from './chart-base.ts';
import { el, replaceChildren } from './dom.ts';
import { formatSec, formatWholeNumber } from './format.ts';
import { drawColumns, drawStalls, drawTicks, nearestStall, stallLegend } from './stall-marks.ts';

const LATENCY_HEIGHT = 230;
const RATE_HEIGHT = 130;
const CYCLES_HEIGHT = 210;

/** What the charts share. */
type TimelineContext = {
  timeline: PageTimeline;
  stalls: PageStalls | null;
  /** Mark of the stall that is shown, -1 for none. */
  selected: () => number;
  select: (mark: number) => void;
  onCursor: (chart: uPlot) => void;
};

/** The charts over time with a common read-out. Clicking near a stall calls `select` with its mark. */
export function timelineCharts(
  timeline: PageTimeline,
  stalls: PageStalls | null,
  select: (mark: number) => void,
): { element: HTMLElement; start: () => void; highlight: (mark: number) => void } {
  const clickable = stalls !== null && stalls.marks.length > 0;
  const hint = `Point at a chart for values${clickable ? ', click a stall for its account' : ''}.`;
  const readout = el('p', { class: 'readout' }, hint);
  let selected = -1;
  const context: TimelineContext = {
    timeline,
    stalls,
    select,
    selected: () => selected,
    onCursor: (chart) => {
      const left = chart.cursor.left ?? -1;
      replaceChildren(readout, left < 0 ? hint : readoutText(timeline, stalls, chart.posToVal(left, 'x')));
    },
  };
  const latencyHost = chartHost('Response time per second, as p50, p99 and maximum', 'chart');
  const rateHost = chartHost('Requests due and replies per second', 'chart');
  const cyclesHost = chartHost('Longest cycle over time, with stalls as dots', 'chart clickable');
  const element = el(
    'div',
    { class: 'card' },
    (timeline.rate || timeline.cycles) && readout,
    chartHead('Response time', timeline.latency ? LATENCY_LEGEND : []),
    timeline.latency ? latencyHost : el('p', { class: 'absent' }, timeline.latencyNote),
    timeline.rate && chartHead('Rate', rateLegend(timeline.rate)),
    timeline.rate && rateHost,
    chartHead('Longest cycle of any loop', timeline.cycles ? CYCLES_LEGEND : []),
    timeline.cycles ? cyclesHost : el('p', { class: 'absent' }, timeline.cyclesNote),
    timeline.cycles && clickable && stallLegend(stalls),
  );
  const charts: (() => uPlot)[] = [];
  const start = () => {
    if (timeline.latency) {
      charts.push(
        responsive(latencyHost, LATENCY_HEIGHT, latencyChart(context, timeline.latency, latencyHost)),
      );
    }
    if (timeline.rate) {
      charts.push(responsive(rateHost, RATE_HEIGHT, rateChart(context, timeline.rate, rateHost)));
    }
    if (timeline.cycles) {
      charts.push(responsive(cyclesHost, CYCLES_HEIGHT, cyclesChart(context, timeline.cycles, cyclesHost)));
    }
  };
  const highlight = (mark: number) => {
    selected = mark;
    for (const present of charts) present().redraw(false);
  };
  return { element, start, highlight };
}

const LATENCY_LEGEND: [string, string][] = [
  ['max', 'line-max'],
  ['p99', 'line-p99'],
  ['p50', 'line-p50'],
];
const CYCLES_LEGEND: [string, string][] = [
  ['longest cycle', 'line-cycle'],
  ['budget', 'line-budget'],
];

function rateLegend({ names, askedPerSec }: NonNullable<PageTimeline['rate']>): [string, string][] {
  const held: [string, string] = [names[1], 'line-p50'];
  return askedPerSec ? [[names[0], 'line-asked'], held] : [held];
}

function chartHost(label: string, className: string): HTMLElement {
  return el('div', { class: className, role: 'img', 'aria-label': label });
}

function chartHead(title: string, entries: [string, string][]): HTMLElement {
  return el('div', { class: 'chart-head' }, el('h3', {}, title), entries.length > 0 && legend(entries));
}

type MakeChart = (width: number, height: number) => uPlot;

function latencyChart(
  { timeline, stalls, selected, onCursor }: TimelineContext,
  latency: NonNullable<PageTimeline['latency']>,
  host: HTMLElement,
): MakeChart {
  return (width, height) =>
    new uPlot(
      options(width, height, {
        cursor: sharedCursor(),
        scales: {
          x: sharedTime(timeline),
          y: { distr: 3, range: () => logRange([...latency.p50, ...latency.p99, ...latency.max]) },
        },
        axes: [timeAxis(' s'), durationAxis()],
        series: [{}, line('max', 'line-max', 1.5), line('p99', 'line-p99', 2), line('p50', 'line-p50', 2)],
        hooks: { setCursor: [onCursor], draw: [(chart) => drawTicks(chart, stalls, selected())] },
      }),
      [latency.sec, latency.max, latency.p99, latency.p50] as uPlot.AlignedData,
      host,
    );
}

/** Requests due and replies that came, a second: stages are seen here, and where a server fell behind them. */
function rateChart(
  { timeline, onCursor }: TimelineContext,
  rate: NonNullable<PageTimeline['rate']>,
  host: HTMLElement,
): MakeChart {
  const asked = rate.askedPerSec ?? rate.sec.map(() => null);
  const top = Math.max(1, ...(rate.askedPerSec ?? []), ...rate.heldPerSec);
  return (width, height) =>
    new uPlot(
      options(width, height, {
        cursor: sharedCursor(),
        scales: { x: sharedTime(timeline), y: { range: () => [0, top * 1.1] } },
        axes: [timeAxis(' s'), countAxis()],
        series: [{}, line(rate.names[0], 'line-asked', 4), line(rate.names[1], 'line-p50', 1.5)],
        hooks: { setCursor: [onCursor] },
      }),
      [rate.sec, asked, rate.heldPerSec] as uPlot.AlignedData,
      host,
    );
}

function cyclesChart(
  { timeline, stalls, selected, select, onCursor }: TimelineContext,
  cycles: NonNullable<PageTimeline['cycles']>,
  host: HTMLElement,
): MakeChart {
  const walls = stalls ? stalls.marks.map((mark) => mark.wallSec) : [];
  const middles = cycles.edges.slice(1).map((edge, i) => (edge + cycles.edges[i]!) / 2);
  return (width, height) => {
    const chart = new uPlot(
      options(width, height, {
        cursor: sharedCursor(),
        scales: {
          x: sharedTime(timeline),
          y: { distr: 3, range: () => logRange([...cycles.longest, ...walls, cycles.budgetSec]) },
        },
        axes: [timeAxis(' s'), durationAxis()],
        series: [{}, { label: 'longest', width: 0, points: { show: false } }],
        hooks: {
          setCursor: [onCursor],
          drawAxes: [(drawn) => drawColumns(drawn, cycles)],
          draw: [(drawn) => drawStalls(drawn, stalls, cycles.budgetSec, selected())],
        },
      }),
      [middles, cycles.longest] as uPlot.AlignedData,
      host,
    );
    chart.over.addEventListener('click', () => {
      const mark = nearestStall(chart, stalls);
      if (mark >= 0) select(mark);
    });
    return chart;
  };
}

const sharedCursor = () => ({ ...options(0, 0, {}).cursor, sync: { key: 'time' } });

const sharedTime = (timeline: PageTimeline): uPlot.Scale => ({
  time: false,
  range: [0, Math.max(timeline.durationSec, 1e-3)],
});

function readoutText(timeline: PageTimeline, stalls: PageStalls | null, atSec: number): string {
  const parts = [`at ${atSec.toFixed(1)} s`];
  const { latency, rate, cycles } = timeline;
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
  if (rate) {
    const i = nearestIndex(rate.sec, atSec);
    parts.push(`${formatWholeNumber(rate.heldPerSec[i] ?? 0)}/s ${rate.names[1]}`);
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
