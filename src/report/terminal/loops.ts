import { formatNs, formatShare } from '../../base/units.ts';
import type { ObservationRecord } from '../../record/observation.ts';
import { type LoopRow, loopRows } from '../model/loop-rows.ts';
import type { Paper } from '../text/paper.ts';
import { formatWhole, loopLabel } from '../text/phrases.ts';
import { type Column, writeTable } from '../text/table.ts';

/** From this width on, one table holds everything about a loop. */
const ONE_TABLE_COLUMNS = 104;
const LOOPS_SHOWN = 32;

type LoopColumn = Column & { value: (row: LoopRow) => string };

const NAME: LoopColumn = { title: 'loop', shrinkTo: 10, value: (row) => loopLabel(row.record) };

const CYCLE_COLUMNS: LoopColumn[] = [
  { title: 'cycles/s', align: 'right', value: (row) => orDash(row.cyclesPerSec, formatWhole) },
  { title: 'work p50', align: 'right', value: (row) => orDash(row.workNsP50, formatNs) },
  { title: 'p99', align: 'right', value: (row) => orDash(row.workNsP99, formatNs) },
  { title: 'max', align: 'right', value: (row) => orDash(row.workNsMax, formatNs) },
  {
    title: 'events/wake-up',
    align: 'right',
    value: (row) => orDash(row.eventsPerWakeUp, (n) => n.toFixed(2)),
  },
  { title: 'stalls', align: 'right', value: (row) => String(row.stallCount) },
];

const CPU_COLUMNS: LoopColumn[] = [
  { title: 'busy', align: 'right', value: (row) => formatShare(row.busyShare) },
  { title: 'run queue', align: 'right', value: (row) => formatNs(row.runDelayNs) },
  { title: 'accepts', align: 'right', value: (row) => formatWhole(row.acceptCount) },
  { title: 'first EAGAIN', align: 'right', value: (row) => formatWhole(row.acceptFirstEagainCount) },
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
  if (observation.tier === 'proc') writeColumns(paper, [NAME, ...PROC_COLUMNS], shown);
  else if (paper.columns >= ONE_TABLE_COLUMNS)
    writeColumns(paper, [NAME, ...CYCLE_COLUMNS, ...CPU_COLUMNS], shown);
  else {
    writeColumns(paper, [NAME, ...CYCLE_COLUMNS], shown);
    paper.line();
    writeColumns(paper, [NAME, ...CPU_COLUMNS], shown);
  }
  if (rows.length > shown.length)
    paper.sentence(`and ${rows.length - shown.length} more loops`, { first: '  ', ink: ['dim'] });
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
