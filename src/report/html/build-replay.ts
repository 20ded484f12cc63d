import type { Diagnosis } from '../../diagnose/finding.ts';
import type { LoadRecord } from '../../record/load.ts';
import { differenceText, hasLoggedZero, loggedText, type ReplayModel, replayModel } from '../model/replay.ts';
import { BELOW_STEP, ROUTES_MEANING, replayRows } from '../text/about-replay.ts';
import { formatQuantile, formatWhole } from '../text/phrases.ts';
import type { PageReplay, PageTable } from './page-data.ts';

/** Of the matrix: statuses beyond these are rare, and are added up. */
const STATUSES_MAX = 8;

/** Null when no log was replayed. */
export function replayOf(load: LoadRecord, diagnosis: Diagnosis): PageReplay | null {
  const model = replayModel(load, diagnosis);
  if (!model) return null;
  return {
    facts: replayRows(model).map(({ term, text, warn }) => ({ term, text, warn: warn ?? false })),
    routes: routesTable(model),
    statuses: statusTable(model),
  };
}

function routesTable({ routes, withheld }: ReplayModel): PageTable | null {
  if (routes.length === 0) return null;
  const number = (title: string, hint: string) => ({ title, numeric: true, hint });
  return {
    columns: [
      { title: 'route', numeric: false },
      number('requests', 'planned, after the warm-up'),
      number('logged p50', 'how long the log’s server says that it took'),
      number('logged p99', 'how long the log’s server says that it took'),
      number('replayed p50', 'response time: due to done'),
      number('replayed p99', 'response time: due to done'),
      number('difference p50', 'replayed less logged'),
      number('difference p99', 'replayed less logged'),
    ],
    rows: routes.map(({ name, requestCount, logged, replayed, differenceNs }) => [
      name,
      formatWhole(requestCount),
      loggedText(logged.p50),
      loggedText(logged.p99),
      withheld ? 'withheld' : formatQuantile(replayed.p50),
      withheld ? 'withheld' : formatQuantile(replayed.p99),
      differenceText(differenceNs.p50),
      differenceText(differenceNs.p99),
    ]),
    notes: [...(hasLoggedZero(routes) ? [BELOW_STEP] : []), ROUTES_MEANING],
  };
}

/** Logged down, as it came across; the diagonal is what came as logged. */
function statusTable({ record: { statusMatrix } }: ReplayModel): PageTable | null {
  if (statusMatrix.length === 0) return null;
  const logged = commonest(statusMatrix.map(([was, , count]) => [was, count]));
  const came = commonest(statusMatrix.map(([, is, count]) => [is, count]));
  const cell = (row: number | null, column: number | null) => {
    let sum = 0;
    for (const [was, is, count] of statusMatrix) {
      const inRow = row === null ? !logged.includes(was) : was === row;
      const inColumn = column === null ? !came.includes(is) : is === column;
      if (inRow && inColumn) sum += count;
    }
    return sum;
  };
  const rows = withOthers(
    logged,
    statusMatrix.map(([was]) => was),
  );
  const columns = withOthers(
    came,
    statusMatrix.map(([, is]) => is),
  );
  return {
    columns: [
      { title: 'logged', numeric: false },
      ...columns.map((status) => ({ title: `came ${statusText(status)}`, numeric: true })),
    ],
    rows: rows.map((row) => [
      row === 0 ? 'not logged' : statusText(row),
      ...columns.map((column) => {
        const count = cell(row, column);
        return count === 0 ? '·' : formatWhole(count);
      }),
    ]),
    notes: [
      'Requests by their status in the log and the one of the reply; those without a reply are not here.',
    ],
  };
}

const statusText = (status: number | null) => (status === null ? 'others' : String(status));

/** The most frequent ones, in order of their number. */
function commonest(counted: [status: number, count: number][]): number[] {
  const sums = new Map<number, number>();
  for (const [status, count] of counted) sums.set(status, (sums.get(status) ?? 0) + count);
  return [...sums]
    .sort((a, b) => b[1] - a[1])
    .slice(0, STATUSES_MAX)
    .map(([status]) => status)
    .sort((a, b) => a - b);
}

function withOthers(shown: number[], all: readonly number[]): (number | null)[] {
  return all.every((status) => shown.includes(status)) ? shown : [...shown, null];
}
