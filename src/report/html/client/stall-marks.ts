/** Stalls and cycles as they are drawn over the charts of time. */
import type { PageStalls, PageTimeline } from '../page-data.ts';
import { el } from './dom.ts';
import { colour } from './theme.ts';

/** A click this near to a stall, in CSS pixels, means it. */
const CLICK_RADIUS = 14;

/** What dots, rings and their colours mean. */
export function stallLegend(stalls: PageStalls): HTMLElement {
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

function middleOf(mark: PageStalls['marks'][number]): number {
  return mark.atSec + mark.wallSec / 2;
}

/** Index of the stall under the pointer, or -1. */
export function nearestStall(chart: uPlot, stalls: PageStalls | null): number {
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
export function drawTicks(chart: uPlot, stalls: PageStalls | null, selected: number): void {
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

/** Columns that stand side by side: each is the longest cycle that ended in its stretch of time. */
export function drawColumns(chart: uPlot, cycles: NonNullable<PageTimeline['cycles']>): void {
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

/** The budget as a dashed line, every stall as a dot, a ring when it is a late wake-up; the selected one is larger. */
export function drawStalls(
  chart: uPlot,
  stalls: PageStalls | null,
  budgetSec: number,
  selected: number,
): void {
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
