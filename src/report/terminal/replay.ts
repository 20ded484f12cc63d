import type { Diagnosis } from '../../diagnose/finding.ts';
import type { LoadRecord } from '../../record/load.ts';
import {
  differenceText,
  hasLoggedZero,
  loggedText,
  type ReplayModel,
  type RouteRow,
  replayModel,
} from '../model/replay.ts';
import { BELOW_STEP, ROUTES_MEANING, replayRows } from '../text/about-replay.ts';
import type { Paper } from '../text/paper.ts';
import { formatQuantile, formatWhole, plural } from '../text/phrases.ts';
import { writeTable } from '../text/table.ts';

const WIDE_COLUMNS = 96;
const ROUTES_MAX = 12;

/** The log, how true the replay was to it, and what came back otherwise than logged. */
export function writeReplay(paper: Paper, load: LoadRecord, diagnosis: Diagnosis): void {
  const model = replayModel(load, diagnosis);
  if (!model) return;
  paper.heading('Replay');
  for (const { term, text, warn } of replayRows(model)) {
    paper.sentence(text, { first: `  ${term.padEnd(11)}  `, rest: '', ...(warn && { ink: ['yellow'] }) });
  }
  writeRoutes(paper, model);
}

/** One row a route; a narrow screen has room for the p99 alone. */
function writeRoutes(paper: Paper, { routes, withheld }: ReplayModel): void {
  if (routes.length === 0) return;
  paper.heading('Routes', 'as the log’s server timed them, as replayed, and the difference');
  const wide = paper.plain || paper.columns >= WIDE_COLUMNS;
  const right = (title: string) => ({ title, align: 'right' as const });
  const titles = wide
    ? ['requests', 'logged p50', 'p99', 'replayed p50', 'p99', 'difference p50', 'p99']
    : ['requests', 'logged p99', 'replayed', 'difference'];
  const shown = routes.slice(0, ROUTES_MAX);
  writeTable(
    paper,
    [{ title: '', shrinkTo: 12, cutAt: 'middle' }, ...titles.map(right)],
    shown.map((row) => [row.name, formatWhole(row.requestCount), ...cellsOf(row, wide)]),
  );
  const more = routes.length - shown.length;
  if (more > 0) paper.sentence(`and ${plural(more, 'more route')}, in --json`, { first: '  ', ink: ['dim'] });
  if (withheld) paper.sentence(`replayed times withheld: ${withheld}`, { first: '  ', ink: ['red'] });
  if (hasLoggedZero(shown)) paper.sentence(BELOW_STEP, { first: '  ', ink: ['dim'] });
  paper.sentence(ROUTES_MEANING, { first: '  ', ink: ['dim'] });
}

function cellsOf({ logged, replayed, differenceNs }: RouteRow, wide: boolean): string[] {
  const names = wide ? (['p50', 'p99'] as const) : (['p99'] as const);
  return [
    ...names.map((name) => loggedText(logged[name])),
    ...names.map((name) => formatQuantile(replayed[name])),
    ...names.map((name) => differenceText(differenceNs[name])),
  ];
}
