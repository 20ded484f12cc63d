import { formatNs } from '../../base/units.ts';
import type { Diagnosis } from '../../diagnose/finding.ts';
import type { LoadRecord } from '../../record/load.ts';
import { type SpectrumPoint, spectrumOf } from '../model/latency.ts';
import type { Paper } from '../text/paper.ts';
import { displayWidth, pad } from '../text/width.ts';

/** Rows to a power of ten: fewer when many powers are to be shown. */
const ROWS_PER_DECADE = 3;
const HEIGHT_MAX = 9;
const COLUMNS_MAX = 64;
const LABEL_CELLS = 9;
const EIGHTHS = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/** Response time over percentiles, as lines of text. Empty when withheld or not measured. */
export function spectrumPlot(paper: Paper, load: LoadRecord, diagnosis: Diagnosis): string[] {
  const points = spectrumOf(load, diagnosis, 'response').filter((point) => point.q < 1);
  const first = points[0];
  const last = points.at(-1);
  if (!first || !last || last.q < 0.9) return [];
  const columns = Math.min(COLUMNS_MAX, paper.columns - LABEL_CELLS - 4);
  const nines = ninesOf(last.q);
  const lowest = Math.floor(Math.log10(Math.max(1, first.ns)));
  const highest = Math.max(lowest + 1, Math.ceil(Math.log10(Math.max(1, last.ns))));
  const decades = highest - lowest;
  const rowsPerDecade = Math.max(1, Math.min(ROWS_PER_DECADE, Math.floor(HEIGHT_MAX / decades)));
  const heights = Array.from({ length: columns }, (_, column) => {
    const ns = at(points, (column / (columns - 1)) * nines);
    return (Math.log10(Math.max(1, ns)) - lowest) * rowsPerDecade;
  });
  const lines: string[] = [];
  for (let row = decades * rowsPerDecade - 1; row >= 0; row--) {
    const top = row + 1;
    const label = top % rowsPerDecade === 0 ? formatNs(10 ** (lowest + top / rowsPerDecade)) : '';
    const cells = heights.map((height) => cellOf(height - row, paper.plain)).join('');
    lines.push(`  ${pad(paper.clean(label), LABEL_CELLS, 'right')} ${paper.ink(cells.trimEnd(), 'cyan')}`);
  }
  lines.push(`  ${' '.repeat(LABEL_CELLS)} ${paper.ink(axis(columns, nines), 'dim')}`);
  return lines;
}

/** 0.9 → 1, 0.99 → 2. */
function ninesOf(q: number): number {
  return -Math.log10(1 - q);
}

function at(points: SpectrumPoint[], nines: number): number {
  const next = points.findIndex((point) => ninesOf(point.q) >= nines);
  return points[next < 0 ? points.length - 1 : next]!.ns;
}

/** One character cell filled to a height; a little is always drawn on the lowest row so that the curve has a foot. */
function cellOf(height: number, plain: boolean): string {
  const filled = Math.min(1, Math.max(0, height));
  if (plain) return filled >= 0.5 ? '#' : filled > 0.1 ? '.' : ' ';
  return EIGHTHS[Math.round(filled * 8)]!;
}

function axis(columns: number, nines: number): string {
  let line = '';
  for (const [label, q] of [
    ['p0', 0],
    ['p50', 0.5],
    ['p90', 0.9],
    ['p99', 0.99],
    ['p99.9', 0.999],
    ['p99.99', 0.9999],
    ['p99.999', 0.99999],
  ] as const) {
    const column = Math.round((ninesOf(q) / nines) * (columns - 1));
    if (column < displayWidth(line) + (line === '' ? 0 : 1) || column + label.length > columns) continue;
    line = pad(line, column) + label;
  }
  return line;
}
