import type { Paper } from './paper.ts';
import { cut, cutMiddle, displayWidth, pad } from './width.ts';

export type Column = {
  title: string;
  align?: 'left' | 'right';
  /** May be cut to this many cells when the table is too wide; columns without it only when nothing else helps. */
  shrinkTo?: number;
  /** Where a cut takes characters away: paths say most at their ends. */
  cutAt?: 'end' | 'middle';
};

/** Cells are laid out in `text`, coloured by `draw` afterwards: escape sequences never count as width. */
export type Cell = string | { text: string; draw: (text: string) => string };

/** A path in a cell, where nothing is cut to the width of a screen. */
const CELL_LENGTH_MAX = 400;
/** So much of a number stays in any case: figures that need a table wider than the screen are absurd ones. */
const CELLS_MIN = 4;

/**
 * Writes a table indented by two, two spaces between columns, no wider than the paper: the widest shrinkable columns give
 * way first, and the others when that is not enough.
 */
export function writeTable(paper: Paper, columns: Column[], rows: Cell[][]): void {
  const titles = columns.map((column) => paper.clean(column.title));
  const texts = rows.map((row) =>
    row.map((cell) => paper.clean(typeof cell === 'string' ? cell : cell.text, CELL_LENGTH_MAX)),
  );
  const widths = columns.map((_, index) =>
    Math.max(displayWidth(titles[index]!), ...texts.map((row) => displayWidth(row[index] ?? ''))),
  );
  if (!paper.plain) {
    shrink(widths, paper.columns, (index) => columns[index]!.shrinkTo ?? widths[index]!);
    shrink(widths, paper.columns, () => CELLS_MIN);
  }
  const layout = (cells: string[], draw: (text: string, index: number) => string) =>
    cells
      .map((cell, index) => {
        const { align, cutAt } = columns[index]!;
        const shortened = (cutAt === 'middle' ? cutMiddle : cut)(cell, widths[index]!);
        return draw(pad(shortened, widths[index]!, align), index);
      })
      .join('  ');
  if (titles.some((title) => title !== ''))
    paper.line(`  ${layout(titles, (text) => paper.ink(text, 'dim'))}`);
  rows.forEach((row, rowIndex) => {
    const draw = (text: string, index: number) => {
      const cell = row[index];
      return cell !== undefined && typeof cell !== 'string' ? cell.draw(text) : text;
    };
    paper.line(`  ${layout(texts[rowIndex]!, draw)}`);
  });
}

function shrink(widths: number[], room: number, floorOf: (index: number) => number): void {
  const total = () => 2 + widths.reduce((sum, width) => sum + width + 2, -2);
  while (total() > room) {
    let widest = -1;
    widths.forEach((width, index) => {
      if (width <= floorOf(index)) return;
      if (widest < 0 || width > widths[widest]!) widest = index;
    });
    if (widest < 0) return;
    widths[widest]!--;
  }
}
