/**
 * Response time by percentile as a picture in text. The lower part of each column is the service time, what most tools
 * would print; what stands on it is the wait before the request could be sent; the part that is only a lower bound,
 * because no answer came, is hatched. Where service times are withheld, the whole column is of one piece.
 */
import { formatNs } from '../../base/units.ts';
import type { Diagnosis } from '../../diagnose/finding.ts';
import type { LoadRecord } from '../../record/load.ts';
import { type SpectrumPoint, spectrumOf, withheldAboveOf } from '../model/latency.ts';
import type { Ink, Paper } from '../text/paper.ts';
import { displayWidth, pad } from '../text/width.ts';

/** Rows to a power of ten: fewer when many powers are to be shown. */
const ROWS_PER_DECADE = 3;
const HEIGHT_MAX = 12;
const COLUMNS_MAX = 72;
const LABEL_CELLS = 9;
const LEGEND_GAP = '   ';
const EIGHTHS = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/** What a column is made of, from the foot up. */
type Part = 'service' | 'wait' | 'whole' | 'atLeast';
const PARTS: readonly Part[] = ['service', 'wait', 'whole', 'atLeast'];

const LOOK: Record<Part, { glyph: string; ascii: string; ink: Ink; meaning: string }> = {
  service: { glyph: '█', ascii: '#', ink: 'cyan', meaning: 'service time' },
  wait: { glyph: '░', ascii: '+', ink: 'yellow', meaning: 'waiting to be sent' },
  whole: {
    glyph: '█',
    ascii: '#',
    ink: 'yellow',
    meaning: 'response time: service times are withheld',
  },
  atLeast: { glyph: '▒', ascii: '?', ink: 'red', meaning: 'at least this: no answer came' },
};

type Column = { service: SpectrumPoint | null; response: SpectrumPoint };
type Cell = { part: Part; glyph: string } | null;

/** The lines of the picture and its legend. Empty when response times are withheld or not measured. */
export function spectrumPlot(paper: Paper, load: LoadRecord, diagnosis: Diagnosis): string[] {
  const points = below1(spectrumOf(load, diagnosis, 'response'));
  const service = below1(spectrumOf(load, diagnosis, 'service'));
  // Beyond it the service time is withheld, which is not the same as no more than the last that is known.
  const serviceTo = ninesOf(withheldAboveOf(diagnosis, 'service')?.q ?? 1);
  const first = service[0] ?? points[0];
  const last = points.at(-1);
  if (!first || !last || last.q < 0.9) return [];
  const columnCount = Math.min(COLUMNS_MAX, paper.columns - LABEL_CELLS - 4);
  const nines = ninesOf(last.q);
  const lowest = Math.floor(log10(first.ns));
  const highest = Math.max(lowest + 1, Math.ceil(log10(last.ns)));
  const decades = highest - lowest;
  const rowsPerDecade = Math.max(1, Math.min(ROWS_PER_DECADE, Math.floor(HEIGHT_MAX / decades)));
  const heightOf = (point: SpectrumPoint) => (log10(point.ns) - lowest) * rowsPerDecade;
  const columns = Array.from({ length: columnCount }, (_, i) => {
    const at = (i / (columnCount - 1)) * nines;
    return { response: pointAt(points, at)!, service: at > serviceTo ? null : pointAt(service, at) };
  });
  const used = new Set<Part>();
  const lines: string[] = [];
  for (let row = decades * rowsPerDecade - 1; row >= 0; row--) {
    const top = row + 1;
    const label = top % rowsPerDecade === 0 ? formatNs(10 ** (lowest + top / rowsPerDecade)) : '';
    const cells = columns.map((column) => cellOf(column, row, heightOf, paper.plain));
    for (const cell of cells) if (cell) used.add(cell.part);
    lines.push(`  ${pad(paper.clean(label), LABEL_CELLS, 'right')} ${inked(paper, cells)}`);
  }
  lines.push(`  ${' '.repeat(LABEL_CELLS)} ${paper.ink(axis(columnCount, nines), 'dim')}`);
  for (const line of legend(paper, used, columnCount)) lines.push(`  ${' '.repeat(LABEL_CELLS)} ${line}`);
  return lines;
}

const below1 = (points: SpectrumPoint[]) => points.filter((point) => point.q < 1);

const log10 = (ns: number) => Math.log10(Math.max(1, ns));

/** 0.9 → 1, 0.99 → 2. */
function ninesOf(q: number): number {
  return -Math.log10(1 - q);
}

function pointAt(points: SpectrumPoint[], nines: number): SpectrumPoint | null {
  return points.find((point) => ninesOf(point.q) >= nines - 1e-9) ?? points.at(-1) ?? null;
}

function cellOf(
  { response, service }: Column,
  row: number,
  heightOf: (point: SpectrumPoint) => number,
  plain: boolean,
): Cell {
  const whole = Math.min(1, heightOf(response) - row);
  if (whole <= 0) return null;
  // A service quantile above the response's can only come from rounding within a bucket.
  const served = service ? Math.min(whole, heightOf(service) - row) : 0;
  const onlyServed = service !== null && whole - served < 1 / 8;
  const part = service === null ? wholeOf(response) : partOf(service, response, onlyServed || served >= 0.5);
  const { glyph, ascii } = LOOK[part];
  if (plain) return whole >= 0.5 ? { part, glyph: ascii } : whole > 0.1 ? { part, glyph: '.' } : null;
  if (part === 'whole') return { part, glyph: EIGHTHS[Math.round(whole * 8)]! };
  if (part === 'service') return { part, glyph: EIGHTHS[onlyServed ? Math.round(whole * 8) : 8]! };
  return whole >= 0.3 ? { part, glyph } : null;
}

function partOf(service: SpectrumPoint, response: SpectrumPoint, served: boolean): Part {
  if (served) return service.atLeast ? 'atLeast' : 'service';
  return response.atLeast ? 'atLeast' : 'wait';
}

const wholeOf = (response: SpectrumPoint): Part => (response.atLeast ? 'atLeast' : 'whole');

/** One colour sequence for each run of equal parts, not for each cell. */
function inked(paper: Paper, cells: Cell[]): string {
  let end = cells.length;
  while (end > 0 && cells[end - 1] === null) end--;
  let text = '';
  for (let from = 0; from < end; ) {
    const part = cells[from]?.part ?? null;
    let to = from;
    let run = '';
    while (to < end && (cells[to]?.part ?? null) === part) run += cells[to++]?.glyph ?? ' ';
    text += part === null ? run : paper.ink(run, LOOK[part].ink);
    from = to;
  }
  return text;
}

/** What the parts in use mean, in as many lines as that takes. */
function legend(paper: Paper, used: Set<Part>, cells: number): string[] {
  const lines: string[] = [];
  let left = 0;
  for (const part of PARTS) {
    if (!used.has(part)) continue;
    const { glyph, ascii, ink, meaning } = LOOK[part];
    const entry = `${paper.ink(paper.plain ? ascii : glyph, ink)} ${paper.ink(meaning, 'dim')}`;
    const width = displayWidth(entry) + LEGEND_GAP.length;
    if (lines.length === 0 || width > left) {
      lines.push(entry);
      left = cells - displayWidth(entry);
    } else {
      lines.push(`${lines.pop()}${LEGEND_GAP}${entry}`);
      left -= width;
    }
  }
  return lines;
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
    ['p99.9999', 0.999999],
  ] as const) {
    const column = Math.round((ninesOf(q) / nines) * (columns - 1));
    if (column < displayWidth(line) + (line === '' ? 0 : 1) || column + label.length > columns) continue;
    line = pad(line, column) + label;
  }
  return line;
}
