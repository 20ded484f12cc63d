/** Lines or points over two linear axes that begin at zero. */
import { escapeHtml } from '../escape.ts';

export type LineChart = {
  kind: 'lines';
  title: string;
  x: { label: string; format: (value: number) => string };
  y: { label: string; format: (value: number) => string };
  /** `points`: marks only, without a line between them. */
  series: { label: string; tone: 1 | 2 | 3 | 4; points?: boolean; values: [x: number, y: number][] }[];
};

const WIDTH = 720;
const HEIGHT = 320;
const LEFT = 70;
const RIGHT = 20;
const TOP = 16;
const BOTTOM = 46;
const TICKS = 5;

export function drawLines({ title, x, y, series }: LineChart): string {
  const all = series.flatMap(({ values }) => values);
  const xTop = niceTop(Math.max(...all.map(([value]) => value), 0));
  const yTop = niceTop(Math.max(...all.map(([, value]) => value), 0));
  const px = (value: number) => LEFT + (value / xTop) * (WIDTH - LEFT - RIGHT);
  const py = (value: number) => HEIGHT - BOTTOM - (value / yTop) * (HEIGHT - TOP - BOTTOM);
  const parts: string[] = [];
  for (let i = 0; i <= TICKS; i++) {
    const yValue = (yTop * i) / TICKS;
    const xValue = (xTop * i) / TICKS;
    parts.push(
      `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at(py(yValue))}" y2="${at(py(yValue))}"/>`,
      `<text x="${LEFT - 8}" y="${at(py(yValue) + 4)}" text-anchor="end">${escapeHtml(y.format(yValue))}</text>`,
      `<text x="${at(px(xValue))}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${escapeHtml(x.format(xValue))}</text>`,
    );
  }
  parts.push(
    `<text class="axis" x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 6}" text-anchor="middle">${escapeHtml(x.label)}</text>`,
    `<text class="axis" x="14" y="${(TOP + HEIGHT - BOTTOM) / 2}" text-anchor="middle" ` +
      `transform="rotate(-90 14 ${(TOP + HEIGHT - BOTTOM) / 2})">${escapeHtml(y.label)}</text>`,
  );
  for (const { tone, points, values } of series) {
    const path = values
      .map(([vx, vy], index) => `${index === 0 ? 'M' : 'L'}${at(px(vx))} ${at(py(vy))}`)
      .join('');
    if (!points) parts.push(`<path class="stroke-${tone}" d="${path}"/>`);
    for (const [vx, vy] of values) {
      parts.push(
        `<circle class="tone-${tone}" cx="${at(px(vx))}" cy="${at(py(vy))}" r="${points ? 2.5 : 4}">` +
          `<title>${escapeHtml(`${x.format(vx)}: ${y.format(vy)}`)}</title></circle>`,
      );
    }
  }
  const legend = series.map(
    ({ label, tone }) => `<li><span class="swatch back-${tone}"></span>${escapeHtml(label)}</li>`,
  );
  return (
    `<figure><figcaption>${escapeHtml(title)}</figcaption><ul class="legend">${legend.join('')}</ul>` +
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHtml(title)}">${parts.join('')}</svg></figure>`
  );
}

/** The next of 1, 2, 2.5, 5 and 10 times a power of ten. */
export function niceTop(value: number): number {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  for (const step of [1, 1.5, 2, 2.5, 3, 4, 5, 7.5, 10])
    if (value <= step * power * 1.0001) return step * power;
  return 10 * power;
}

function at(value: number): string {
  return value.toFixed(1);
}
