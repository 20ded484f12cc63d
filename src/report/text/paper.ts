/**
 * What the terminal report is written on: knows the width, whether colours may be used and whether the reader's screen
 * draws more than ASCII. Everything that came from outside passes through clean() before it is laid out.
 */
import { printable } from '../../base/printable.ts';
import { displayWidth, wrap } from './width.ts';

export type Ink = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'blue' | 'cyan' | 'magenta';

export type SentenceStyle = {
  /** Before the first line, and before the others. */
  first?: string;
  rest?: string;
  ink?: Ink[];
};

const SGR: Record<Ink, [on: number, off: number]> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  blue: [34, 39],
  magenta: [35, 39],
  cyan: [36, 39],
};

const ASCII: Record<string, string> = {
  µ: 'u',
  '·': '.',
  '•': '-',
  '–': '-',
  '—': '-',
  '…': '...',
  '≥': '>=',
  '≤': '<=',
  '×': 'x',
  '÷': '/',
  '−': '-',
  '’': "'",
  '“': '"',
  '”': '"',
  '→': '->',
  '²': '^2',
  '±': '+/-',
};

/** Of one sentence: longer than any of ours, and names from outside are cut where they are put in one. */
const TEXT_LENGTH_MAX = 1600;

/** Narrower than this no table can be read; wider, the eye loses the line. */
const COLUMNS_MIN = 60;
const COLUMNS_MAX = 100;

export class Paper {
  /** Width that tables and bars aim at. */
  readonly columns: number;
  readonly #colour: boolean;
  readonly #ascii: boolean;
  readonly #lines: string[] = [];

  constructor(options: { colour: boolean; columns: number | null }) {
    this.#colour = options.colour;
    this.#ascii = options.columns === null;
    this.columns = Math.min(COLUMNS_MAX, Math.max(COLUMNS_MIN, options.columns ?? COLUMNS_MAX));
  }

  /** The output is not a terminal: nothing is wrapped, cut or drawn with more than ASCII. */
  get plain(): boolean {
    return this.#ascii;
  }

  /** Makes text from outside harmless, and ASCII where only that is wanted. */
  clean(text: string, lengthMax: number = TEXT_LENGTH_MAX): string {
    const harmless = printable(text, lengthMax);
    return this.#ascii ? harmless.replace(/[^\x20-\x7e]/g, (char) => ASCII[char] ?? char) : harmless;
  }

  /** Colours a text that is already laid out. */
  ink(text: string, ...inks: Ink[]): string {
    if (!this.#colour || text === '') return text;
    const on = inks.map((ink) => `\u001b[${SGR[ink][0]}m`).join('');
    const off = inks.map((ink) => `\u001b[${SGR[ink][1]}m`).join('');
    return on + text + off;
  }

  /** A line as it is. */
  line(text = ''): void {
    this.#lines.push(text);
  }

  /** A heading, with an empty line before it. */
  heading(text: string, aside = ''): void {
    if (this.#lines.length > 0) this.line();
    const room = this.columns - displayWidth(text) - 2;
    const cleanAside = this.clean(aside);
    const beside = cleanAside !== '' && (this.#ascii || displayWidth(cleanAside) <= room);
    this.line(this.ink(this.clean(text), 'bold') + (beside ? `  ${this.ink(cleanAside, 'dim')}` : ''));
    if (cleanAside !== '' && !beside) this.sentence(cleanAside, { first: '  ', ink: ['dim'] });
  }

  /** Running text with a hanging indent, wrapped on a terminal and left whole in a pipe. */
  sentence(text: string, style: SentenceStyle = {}): void {
    const { first = '', rest = first, ink = [] } = style;
    const room = this.#ascii
      ? Number.POSITIVE_INFINITY
      : this.columns - Math.max(displayWidth(first), displayWidth(rest));
    wrap(this.clean(text), room).forEach((line, index) => {
      this.line(this.clean(index === 0 ? first : rest.padEnd(displayWidth(first))) + this.ink(line, ...ink));
    });
  }

  bullet(text: string, ink: Ink[] = []): void {
    this.sentence(text, { first: '  • ', rest: '    ', ink });
  }

  /** A horizontal bar of at most `width` cells; anything above zero shows at least a sliver. */
  bar(share: number, width: number): string {
    const clamped = Math.min(1, Math.max(0, Number.isFinite(share) ? share : 0));
    if (this.#ascii) return '#'.repeat(clamped > 0 ? Math.max(1, Math.round(clamped * width)) : 0);
    const eighths = clamped > 0 ? Math.max(1, Math.round(clamped * width * 8)) : 0;
    const whole = Math.floor(eighths / 8);
    return '█'.repeat(whole) + (eighths % 8 > 0 ? '▏▎▍▌▋▊▉'[(eighths % 8) - 1]! : '');
  }

  toString(): string {
    return `${this.#lines.map((line) => line.trimEnd()).join('\n')}\n`;
  }
}
