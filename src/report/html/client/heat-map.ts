/** Every cycle of a loop: time along, length of its work upwards, how many by colour. */
import type { PageHeatMap } from '../page-data.ts';
import { el, replaceChildren } from './dom.ts';
import { formatSec, formatTick, formatWholeNumber } from './format.ts';
import { colour, onTheme } from './theme.ts';

const HEIGHT = 260;
const MARGIN = { left: 58, right: 12, top: 8, bottom: 28 };
/** Steps of the colour ramp in the style sheet, --heat-0 to --heat-7. */
const STEPS = 8;

type Plot = { width: number; perSec: number; rowHeight: number; rowCount: number };

export function heatMapCard(map: PageHeatMap): { element: HTMLElement; start: () => void } {
  const hint = 'Point at a cell for its count.';
  const readout = el('p', { class: 'readout' }, hint);
  const canvas = el('canvas', { role: 'img', 'aria-label': 'Heat map of cycle lengths over time' });
  const host = el('div', { class: 'chart heat' }, canvas);
  let chosen = 0;
  const choice = el(
    'select',
    { id: 'heat-loop' },
    ...map.loops.map((loop, i) => el('option', { value: i }, loop.label)),
  );
  const head = el(
    'div',
    { class: 'chart-head' },
    map.loops.length > 1
      ? el('label', { class: 'choice', for: 'heat-loop' }, 'Loop ', choice)
      : el('h3', {}, map.loops[0]?.label ?? ''),
    rampLegend(),
  );
  const element = el(
    'div',
    { class: 'card' },
    head,
    readout,
    host,
    map.note !== '' && el('p', { class: 'note' }, map.note),
  );
  const counts = (): Map<string, number> => {
    const { cells } = map.loops[chosen]!;
    const byCell = new Map<string, number>();
    for (let i = 0; i < cells.length; i += 3) byCell.set(`${cells[i]},${cells[i + 1]}`, cells[i + 2]!);
    return byCell;
  };
  let byCell = counts();
  const draw = () => drawHeatMap(canvas, host.clientWidth, map, chosen);
  choice.addEventListener('change', () => {
    chosen = Number(choice.value);
    byCell = counts();
    draw();
  });
  canvas.addEventListener('pointermove', (event) => {
    const plot = plotOf(host.clientWidth, map);
    const atSec = (event.offsetX - MARGIN.left) / plot.perSec;
    const column = map.edges.findLastIndex((edge) => edge <= atSec);
    const row = plot.rowCount - 1 - Math.floor((event.offsetY - MARGIN.top) / plot.rowHeight);
    if (column < 0 || column > map.edges.length - 2 || row < 0 || row >= plot.rowCount) {
      return replaceChildren(readout, hint);
    }
    const fromSec = map.edges[column]!;
    const count = byCell.get(`${column},${row}`) ?? 0;
    replaceChildren(
      readout,
      `at ${fromSec.toFixed(1)} s · ${formatSec(map.rowLowSec[row])} to ${formatSec(map.rowLowSec[row + 1])} · ` +
        (count === 1 ? '1 cycle' : `${formatWholeNumber(count)} cycles`),
    );
  });
  canvas.addEventListener('pointerleave', () => replaceChildren(readout, hint));
  const start = () => {
    draw();
    onTheme(draw);
    new ResizeObserver(draw).observe(host);
  };
  return { element, start };
}

function rampLegend(): HTMLElement {
  const steps = Array.from({ length: STEPS }, (_, i) => el('span', { class: `heat-step heat-${i}` }));
  return el(
    'div',
    { class: 'legend ramp', 'aria-hidden': 'true' },
    '1 cycle',
    el('span', { class: 'ramp-steps' }, ...steps),
    'most',
    el('span', { class: 'ramp-steps' }, el('span', { class: 'heat-step heat-over' })),
    'over budget',
  );
}

function plotOf(width: number, map: PageHeatMap): Plot {
  const rowCount = map.rowLowSec.length - 1;
  return {
    width,
    perSec: (width - MARGIN.left - MARGIN.right) / Math.max(1e-3, map.durationSec),
    rowHeight: (HEIGHT - MARGIN.top - MARGIN.bottom) / rowCount,
    rowCount,
  };
}

function drawHeatMap(canvas: HTMLCanvasElement, width: number, map: PageHeatMap, chosen: number): void {
  const pixel = devicePixelRatio;
  canvas.width = Math.round(width * pixel);
  canvas.height = Math.round(HEIGHT * pixel);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${HEIGHT}px`;
  const ctx = canvas.getContext('2d');
  const loop = map.loops[chosen];
  if (!ctx || !loop) return;
  ctx.scale(pixel, pixel);
  const plot = plotOf(width, map);
  drawScales(ctx, plot, map);
  const ramp = Array.from({ length: STEPS }, (_, i) => colour(`heat-${i}`));
  const overColour = colour('heat-over');
  let most = 1;
  for (let i = 2; i < loop.cells.length; i += 3) most = Math.max(most, loop.cells[i]!);
  for (let i = 0; i < loop.cells.length; i += 3) {
    const [column, row, count] = [loop.cells[i]!, loop.cells[i + 1]!, loop.cells[i + 2]!];
    const strength = most === 1 ? 1 : Math.log(count) / Math.log(most);
    const over = map.rowLowSec[row]! >= map.budgetSec;
    ctx.fillStyle = over ? overColour : ramp[Math.min(STEPS - 1, Math.floor(strength * STEPS))]!;
    const top = MARGIN.top + (plot.rowCount - 1 - row) * plot.rowHeight;
    // Cells meet on whole device pixels, or the seams between them would show as a grid.
    const snap = (value: number) => Math.round(value * pixel) / pixel;
    const x0 = snap(MARGIN.left + map.edges[column]! * plot.perSec);
    const x1 = snap(MARGIN.left + map.edges[column + 1]! * plot.perSec);
    const y0 = snap(top);
    const y1 = snap(top + plot.rowHeight);
    ctx.fillRect(x0, y0, Math.max(x1 - x0, 1 / pixel), y1 - y0);
  }
  drawBudget(ctx, plot, map);
}

/** Height of a duration between the rows that hold it. */
function yOf(sec: number, plot: Plot, map: PageHeatMap): number {
  const rows = map.rowLowSec;
  let row = 0;
  while (row < plot.rowCount - 1 && rows[row + 1]! <= sec) row++;
  const within = (sec - rows[row]!) / (rows[row + 1]! - rows[row]!);
  return MARGIN.top + (plot.rowCount - row - within) * plot.rowHeight;
}

function drawScales(ctx: CanvasRenderingContext2D, plot: Plot, map: PageHeatMap): void {
  ctx.font = '11px ui-sans-serif, system-ui, sans-serif';
  ctx.fillStyle = colour('ink-2');
  ctx.textAlign = 'right';
  ctx.textBaseline = 'middle';
  const lowest = map.rowLowSec[0]!;
  const highest = map.rowLowSec.at(-1)!;
  for (let power = -9; power <= 4; power++) {
    const sec = 10 ** power;
    if (sec < lowest || sec > highest) continue;
    const y = yOf(sec, plot, map);
    ctx.fillText(formatTick(sec), MARGIN.left - 8, y);
    ctx.fillStyle = colour('line');
    ctx.fillRect(MARGIN.left, y, plot.width - MARGIN.left - MARGIN.right, 1);
    ctx.fillStyle = colour('ink-2');
  }
  ctx.textAlign = 'center';
  ctx.textBaseline = 'top';
  const stepSec = niceStep(map.durationSec / Math.max(2, Math.floor(plot.width / 110)));
  for (let sec = 0; sec <= map.durationSec + 1e-9; sec += stepSec) {
    const x = MARGIN.left + sec * plot.perSec;
    ctx.fillText(`${Number(sec.toPrecision(4))} s`, Math.min(x, plot.width - 16), HEIGHT - MARGIN.bottom + 8);
  }
}

function drawBudget(ctx: CanvasRenderingContext2D, plot: Plot, map: PageHeatMap): void {
  if (map.budgetSec <= map.rowLowSec[0]! || map.budgetSec >= map.rowLowSec.at(-1)!) return;
  const y = yOf(map.budgetSec, plot, map);
  ctx.strokeStyle = colour('line-budget');
  ctx.setLineDash([4, 4]);
  ctx.beginPath();
  ctx.moveTo(MARGIN.left, y);
  ctx.lineTo(plot.width - MARGIN.right, y);
  ctx.stroke();
  ctx.setLineDash([]);
}

function niceStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= rough) ?? 10 * power;
}
