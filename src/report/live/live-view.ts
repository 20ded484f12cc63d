/** The live view of a terminal, as lines: a row a loop, the newest stalls, what watching costs. Fits any size. */
import { formatCount, formatNs, formatShare } from '../../base/units.ts';
import { Paper } from '../text/paper.ts';
import { formatWhole, plural } from '../text/phrases.ts';
import { sparkline } from '../text/sparkline.ts';
import { clockTime } from '../text/wall-clock.ts';
import { cut, cutMiddle, displayWidth, pad } from '../text/width.ts';
import type { LiveModel, LiveRow, LogEntry } from './live-model.ts';
import { levelPhrase, lossPhrase, takenPhrase } from './observer-phrases.ts';

export type LiveSize = { columns: number; rows: number };

type Column = {
  title: string;
  /** Columns with the highest rank go first when there is no room. */
  rank: number;
  value: (row: LiveRow) => string;
  /** So wide at least, so that what follows stands still. */
  cells: number;
};

const SPARK_CELLS = 14;
const NAME_CELLS = 22;
const NAME_CELLS_MIN = 12;
/** Room that a terminal needs to echo ^C behind the last line without wrapping. */
const ECHO_CELLS = 3;
const LOG_LINES_MIN = 3;
const REMARKS_MAX = 3;
const NOTEWORTHY_NS = 10e9;

const dash = <T>(value: T | null, format: (value: T) => string) => (value === null ? '–' : format(value));
const perSec = (value: number) => formatCount(value < 10 ? Number(value.toPrecision(2)) : Math.round(value));

const CYCLE_COLUMNS: Column[] = [
  { title: 'cycles/s', rank: 3, cells: 8, value: (row) => dash(row.cyclesPerSec, perSec) },
  { title: 'work p50', rank: 6, cells: 8, value: (row) => dash(row.workNsP50, formatNs) },
  { title: 'p99', rank: 5, cells: 8, value: (row) => dash(row.workNsP99, formatNs) },
  { title: 'max', rank: 1, cells: 8, value: (row) => dash(row.workNsMax, formatNs) },
  {
    title: 'ev/wake',
    rank: 8,
    cells: 7,
    value: (row) => dash(row.eventsPerWakeUp, (n) => n.toFixed(n < 100 ? 2 : 0)),
  },
  { title: 'busy', rank: 2, cells: 6, value: (row) => dash(row.busyShare, formatShare) },
  { title: 'run q', rank: 4, cells: 6, value: (row) => formatShare(row.runDelayShare) },
  { title: 'acc/s', rank: 9, cells: 6, value: (row) => dash(row.acceptsPerSec, perSec) },
  { title: 'herd', rank: 10, cells: 6, value: (row) => dash(row.herdShare, formatShare) },
  { title: 'stalls', rank: 0, cells: 6, value: (row) => formatWhole(row.stallCount) },
  {
    title: 'work max',
    rank: 7,
    cells: SPARK_CELLS,
    value: (row) => sparkline(row.longestNs, SPARK_CELLS, 'log'),
  },
];

/** What /proc shows when cycles cannot be seen. */
const PROC_COLUMNS: Column[] = [
  { title: 'on CPU', rank: 0, cells: 6, value: (row) => formatShare(row.cpuShare) },
  { title: 'run q', rank: 1, cells: 6, value: (row) => formatShare(row.runDelayShare) },
  { title: 'in D state', rank: 2, cells: 10, value: (row) => dash(row.blockedShare, formatShare) },
];

export class LiveView {
  readonly #model: LiveModel;
  readonly #paper: Paper;
  readonly #host: string | null;
  /** The user asked for the end. */
  ending = false;

  constructor(model: LiveModel, options: { colour: boolean; host?: string }) {
    this.#model = model;
    this.#host = options.host ?? null;
    this.#paper = new Paper({ colour: options.colour, columns: 100 });
  }

  /** At most `rows` − 1 lines, each narrower than `columns`. */
  lines({ columns, rows }: LiveSize): string[] {
    const room = Math.max(1, columns - ECHO_CELLS);
    const height = Math.max(1, rows - 1);
    const head = this.#head(room);
    const foot = this.#foot(room);
    // On a screen of a few lines the loops come first.
    if (height < 6) return [head, ...this.#table(room, Math.max(0, height - 2)), foot].slice(0, height);
    const logWanted = Math.min(this.#model.log.length, Math.max(LOG_LINES_MIN, Math.floor(height / 3)));
    const logRoom = logWanted === 0 ? 0 : logWanted + 1;
    const remarks = this.#remarks(room, Math.min(REMARKS_MAX, height - 5));
    const table = this.#table(room, Math.max(1, height - 2 - logRoom - remarks.length));
    const left = height - 2 - table.length - remarks.length;
    return [head, ...table, ...remarks, ...this.#log(room, left), foot];
  }

  #head(room: number): string {
    const { status, nowNs, stallCount } = this.#model;
    const rows = this.#model.rows();
    const live = rows.filter((row) => !row.isGone).length;
    const names = [...new Set(rows.map((row) => row.record.comm))].slice(0, 4).join(', ');
    const pieces = [
      `${this.#clean(names)}: ${plural(live, 'loop')}`,
      `${(nowNs / 1e9).toFixed(1)} s`,
      ...this.#whenAndWhere(),
      plural(stallCount, 'stall'),
      ...(status?.tier === 'bpf' ? [`budget ${formatNs(status.budgetNs)}`] : []),
      this.ending ? 'ending; Ctrl-C again quits at once' : 'Ctrl-C ends with a report',
    ];
    while (pieces.length > 1 && displayWidth(pieces.join('  ')) > room) pieces.pop();
    return this.#paper.ink(cut(pieces.join('  '), room), 'bold');
  }

  /** The time of day and the host, so that what is seen here can be found in a log. */
  #whenAndWhere(): string[] {
    const wallMs = this.#model.wallMsOf(this.#model.nowNs);
    if (wallMs === null) return [];
    return [`${clockTime(wallMs).slice(0, 8)}${this.#host === null ? '' : ` on ${this.#clean(this.#host)}`}`];
  }

  #table(room: number, height: number): string[] {
    if (height < 1) return [];
    const all = this.#model.rows();
    const shown = mostNoteworthy(all, Math.max(1, height - 1), this.#model);
    const hidden = all.length - shown.length;
    const isProc = this.#model.status?.tier === 'proc';
    const { columns, nameCells } = fitColumns(isProc ? PROC_COLUMNS : CYCLE_COLUMNS, shown, room);
    const line = (name: string, cells: string[]) =>
      cut([pad(cutMiddle(name, nameCells), nameCells), ...cells].join('  '), room);
    const title = line(
      hidden > 0 ? `loop (${hidden} more)` : 'loop',
      columns.map((column) => pad(column.title, column.cells, 'right')),
    );
    const lines = shown.map((row) => {
      const name = this.#clean(row.label);
      if (row.isGone) return this.#paper.ink(line(name, ['gone']), 'dim');
      const cells = columns.map((column) => {
        const text = pad(column.value(row), column.cells, 'right');
        return row.isStuck && column.title === 'max' ? this.#paper.ink(text, 'red') : text;
      });
      return line(name, cells);
    });
    return [this.#paper.ink(title, 'dim'), ...lines].slice(0, height);
  }

  #remarks(room: number, height: number): string[] {
    return this.#model
      .remarks()
      .slice(0, Math.max(0, height))
      .map(({ text }) => this.#paper.ink(cut(`! ${this.#clean(text)}`, room), 'yellow'));
  }

  /** The newest at the bottom. */
  #log(room: number, height: number): string[] {
    const { log } = this.#model;
    if (height < 2 || log.length === 0) return [];
    const shown = log.slice(-(height - 1));
    return [this.#paper.ink(cut('stalls', room), 'dim'), ...shown.map((entry) => this.#logLine(entry, room))];
  }

  #logLine(entry: LogEntry, room: number): string {
    const wallMs = this.#model.wallMsOf(entry.atNs);
    const time = wallMs === null ? `${(entry.atNs / 1e9).toFixed(2).padStart(7)} s` : clockTime(wallMs);
    const isOpen = entry.kind === 'open';
    const wall = `${formatNs(entry.wallNs)}${isOpen ? '…' : ' '}`.padStart(9);
    const name = cutMiddle(this.#clean(entry.label), NAME_CELLS);
    const frame = entry.frame === null ? '' : ` at ${entry.frame}`;
    const prefix = {
      work: '',
      wait: 'late wake-up: ',
      open: '',
      gone: 'gone in it: ',
      lost: 'record lost: ',
    }[entry.kind];
    const text = cut(`${time}  ${wall} ${name}  ${prefix}${this.#clean(entry.text + frame)}`, room);
    return isOpen
      ? this.#paper.ink(text, 'red')
      : entry.kind === 'wait'
        ? this.#paper.ink(text, 'yellow')
        : text;
  }

  #foot(room: number): string {
    const { status } = this.#model;
    if (status === null) return this.#paper.ink(cut('looking…', room), 'dim');
    const lost = lossPhrase(status.losses);
    const text = this.#clean(
      [takenPhrase(status), lost ?? 'nothing lost', levelPhrase(this.#model)].join('; '),
    );
    const shown = cut(text, room);
    return lost === null ? this.#paper.ink(shown, 'dim') : this.#paper.ink(shown, 'red');
  }

  #clean(text: string): string {
    return this.#paper.clean(text);
  }
}

/** The columns that fit, the least important left out; the name gets what is left. */
function fitColumns(all: Column[], rows: LiveRow[], room: number): { columns: Column[]; nameCells: number } {
  const wanted = Math.min(NAME_CELLS, Math.max(4, ...rows.map((row) => displayWidth(row.label))));
  let columns = all.map((column) => ({
    ...column,
    cells: Math.max(
      column.cells,
      ...rows.filter((row) => !row.isGone).map((row) => displayWidth(column.value(row))),
    ),
  }));
  const taken = () => columns.reduce((sum, column) => sum + 2 + column.cells, 0);
  while (columns.length > 1 && taken() + Math.min(wanted, NAME_CELLS_MIN) > room) {
    const rank = Math.max(...columns.map((column) => column.rank));
    columns = columns.filter((column) => column.rank !== rank);
  }
  return { columns, nameCells: Math.max(1, Math.min(wanted, room - taken())) };
}

/** In their own order; when there is no room for all, those that are stuck or stalled of late, then the busiest. */
function mostNoteworthy(rows: LiveRow[], count: number, model: LiveModel): LiveRow[] {
  if (rows.length <= count) return rows;
  const late = new Set(
    model.log.filter((entry) => entry.atNs > model.nowNs - NOTEWORTHY_NS).map((entry) => entry.loopIndex),
  );
  const weight = (row: LiveRow) =>
    (row.isStuck ? 4 : 0) +
    (late.has(row.record.loopIndex) ? 2 : 0) -
    (row.isGone ? 1 : 0) +
    (row.busyShare ?? row.cpuShare);
  const kept = new Set([...rows].sort((a, b) => weight(b) - weight(a)).slice(0, count));
  return rows.filter((row) => kept.has(row));
}
