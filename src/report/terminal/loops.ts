import { greatestOf } from '../../base/extremes.ts';
import { formatNs, formatShare } from '../../base/units.ts';
import type { ObservationRecord } from '../../record/observation.ts';
import { type LoopRow, loopRows } from '../model/loop-rows.ts';
import type { Paper } from '../text/paper.ts';
import { formatWhole, loopLabel } from '../text/phrases.ts';
import { type Column, writeTable } from '../text/table.ts';
import { displayWidth } from '../text/width.ts';

/** A longer name gives way to the numbers. */
const NAME_CELLS = 16;
const LOOPS_SHOWN = 32;

type LoopColumn = Column & { value: (row: LoopRow) => string };

const NAME: LoopColumn = {
  title: 'loop',
  shrinkTo: NAME_CELLS,
  cutAt: 'middle',
  value: (row) => loopLabel(row.record),
};

const CYCLE_COLUMNS: LoopColumn[] = [
  { title: 'cycles/s', align: 'right', value: (row) => orDash(row.cyclesPerSec, formatWhole) },
  { title: 'work p50', align: 'right', value: (row) => orDash(row.workNsP50, formatNs) },
  { title: 'p99', align: 'right', value: (row) => orDash(row.workNsP99, formatNs) },
  { title: 'max', align: 'right', value: (row) => orDash(row.workNsMax, formatNs) },
  {
    title: 'events/wake',
    align: 'right',
    value: (row) => orDash(row.eventsPerWakeUp, (n) => n.toFixed(2)),
  },
  { title: 'stalls', align: 'right', value: (row) => String(row.stallCount) },
];

const CPU_COLUMNS: LoopColumn[] = [
  { title: 'busy', align: 'right', value: (row) => formatShare(row.busyShare) },
  { title: 'run queue', align: 'right', value: (row) => formatNs(row.runDelayNs) },
  { title: 'accepts', align: 'right', value: (row) => formatWhole(row.acceptCount) },
  { title: 'EAGAIN', align: 'right', value: (row) => formatWhole(row.acceptFirstEagainCount) },
];

/** What /proc shows when cycles cannot be seen. */
const PROC_COLUMNS: LoopColumn[] = [
  { title: 'on CPU', align: 'right', value: (row) => formatShare(row.cpuShare) },
  { title: 'run queue', align: 'right', value: (row) => formatNs(row.runDelayNs) },
  { title: 'share', align: 'right', value: (row) => formatShare(row.runDelayShare) },
  { title: 'in D state', align: 'right', value: (row) => orDash(row.blockedShare, formatShare) },
];

export function writeLoops(paper: Paper, observation: ObservationRecord): void {
  if (observation.loops.length === 0) return;
  const rows = loopRows(observation);
  const shown = rows.slice(0, LOOPS_SHOWN);
  paper.heading('Loops', observation.tier === 'proc' ? 'from /proc: single cycles are not visible' : '');
  const columns = observation.tier === 'proc' ? PROC_COLUMNS : [...CYCLE_COLUMNS, ...CPU_COLUMNS];
  packColumns(columns, shown, paper.plain ? Number.POSITIVE_INFINITY : paper.columns).forEach(
    (group, index) => {
      if (index > 0) paper.line();
      writeColumns(paper, [NAME, ...group], shown);
    },
  );
  if (rows.length > shown.length)
    paper.sentence(`and ${rows.length - shown.length} more loops`, { first: '  ', ink: ['dim'] });
}

/** As many columns beside the name as fit, then a table more. */
function packColumns(columns: LoopColumn[], rows: LoopRow[], room: number): LoopColumn[][] {
  const widthOf = (column: LoopColumn) =>
    2 + Math.max(displayWidth(column.title), ...rows.map((row) => displayWidth(column.value(row))));
  const nameWidth = Math.min(NAME_CELLS, greatestOf(rows.map((row) => displayWidth(NAME.value(row)))));
  const groups: LoopColumn[][] = [];
  let left = 0;
  for (const column of columns) {
    const width = widthOf(column);
    if (width > left || groups.length === 0) {
      groups.push([]);
      left = room - 2 - nameWidth;
    }
    groups.at(-1)!.push(column);
    left -= width;
  }
  return groups;
}

function writeColumns(paper: Paper, columns: LoopColumn[], rows: LoopRow[]): void {
  writeTable(
    paper,
    columns,
    rows.map((row) => columns.map((column) => column.value(row))),
  );
}

function orDash(value: number | null, format: (value: number) => string): string {
  return value === null ? '–' : format(value);
}
