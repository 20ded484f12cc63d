/**
 * A few lines of a terminal that are redrawn where they stand. Each line is overwritten and then cleared to its end, in
 * one write, so nothing flickers; after a resize the rows that the old lines now take are counted and cleared first.
 *
 * Lines are drawn with automatic wrapping off. tmux makes its grid narrower up to 250 ms before it tells us: a line drawn
 * in between would wrap and leave a row that nobody counts. Cut instead, the rows counted once the new width is known are
 * those that the old lines left behind.
 */
import { displayWidth } from '../report/text/width.ts';

export type Screen = { readonly columns?: number; write(text: string): unknown };

const CLEAR_LINE = '\x1b[2K';
const CLEAR_TO_LINE_END = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';
/** DECAWM, private mode 7. */
const WRAP_OFF = '\x1b[?7l';
const WRAP_ON = '\x1b[?7h';

export class LiveArea {
  readonly #screen: Screen;
  #drawn: string[] = [];
  #drawnColumns = 0;

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  get columns(): number {
    return this.#screen.columns || 80;
  }

  /** Lines narrower than the terminal, without control characters. */
  draw(lines: string[]): void {
    const resized = this.#drawn.length > 0 && this.#drawnColumns !== this.columns;
    const start = resized ? this.#clearRows() : this.#toTop();
    const text = lines.map((line) => line + CLEAR_TO_LINE_END).join('\n');
    this.#screen.write(`${start}${WRAP_OFF}${text}${CLEAR_BELOW}${WRAP_ON}`);
    this.#drawn = lines;
    this.#drawnColumns = this.columns;
  }

  /** Leaves the terminal as it was before the first draw(), with the cursor where that began. */
  erase(): void {
    if (this.#drawn.length === 0) return;
    this.#screen.write(this.#clearRows());
    this.#drawn = [];
  }

  /** Row by row: clearing the whole screen from its corner makes tmux keep what was there in its history. */
  #clearRows(): string {
    const rows = this.#rows();
    return `${this.#toTop()}${Array.from({ length: rows }, () => CLEAR_LINE).join('\n')}${up(rows)}`;
  }

  /** From the end of the last line to the beginning of the first. */
  #toTop(): string {
    return up(this.#rows());
  }

  /** Rows that the lines take now, however a narrower terminal has wrapped them. */
  #rows(): number {
    const columns = this.columns;
    return this.#drawn.reduce((sum, line) => sum + Math.max(1, Math.ceil(displayWidth(line) / columns)), 0);
  }
}

/** To the first column of the first of so many rows, from anywhere in the last. */
function up(rows: number): string {
  return rows > 1 ? `\r\x1b[${rows - 1}A` : '\r';
}
