/** A proxy's counters in its row of the board, beside those of its loop. */
import type { LoopStats } from '../../loop/event-loop.ts';
import { publishLoop } from '../stats.ts';
import { ROW, type Row } from '../workers/board.ts';
import type { FlowTable } from './flow/flow-table.ts';
import type { ProxyCounts } from './proxy-counts.ts';

/** Writes the row. Once a cycle; allocates nothing. */
export function publishProxy(
  row: Row,
  elapsedNs: number,
  loop: LoopStats,
  counts: ProxyCounts,
  table: FlowTable,
): void {
  publishLoop(row, elapsedNs, loop);
  row[ROW.isProxy] = 1;
  row[ROW.requests] = counts.flowCount;
  row[ROW.bad] = counts.wrongCount;
  row[ROW.timedOut] = counts.timedOutCount;
  row[ROW.connections] = table.clientCount;
  row[ROW.refused] = counts.refusedCount;
  row[ROW.unreached] = counts.unreachedCount;
  row[ROW.resets] = counts.resetCount;
  row[ROW.upBytes] = table.totalBytes[0]!;
  row[ROW.downBytes] = table.totalBytes[1]!;
}
