import { formatShare } from '../../base/units.ts';
import type { LimitReport } from '../limit.ts';
import { formatRate, formatValue, formatWhole } from '../text/phrases.ts';
import type { PageLimit } from './page-data.ts';

/** The search for a limit: every run as a row, and as a point over its rate when a time was the goal. */
export function limitOf(limit: LimitReport): PageLimit {
  const goals = limit.steps[0]?.goals ?? [];
  return {
    found: limit.ended === 'found',
    answer: limit.ratePerSec === null ? 'no rate held' : `${formatWhole(limit.ratePerSec)} requests/s`,
    why: limit.why,
    table: {
      columns: [
        { title: 'run', numeric: false },
        { title: 'rate', numeric: true },
        { title: 'outcome', numeric: false },
        ...goals.map(({ text }) => ({ title: text, numeric: true })),
        { title: 'came to an end', numeric: true, hint: 'requests that ended ÷ planned' },
        { title: 'why', numeric: false },
      ],
      rows: limit.steps.map((step, i) => [
        String(i + 1),
        formatRate(step.ratePerSec),
        step.outcome,
        ...step.goals.map(({ value, unit, atLeast }) =>
          value === null ? '–' : `${atLeast ? '≥' : ''}${formatValue(value, unit)}`,
        ),
        formatShare(step.achievedShare),
        step.why,
      ]),
      notes: [],
    },
    chart: chartOf(limit),
  };
}

/** Rate against the first goal that is a time. Null when there is none, or nothing was measured. */
function chartOf(limit: LimitReport): PageLimit['chart'] {
  const index = limit.steps[0]?.goals.findIndex(({ unit }) => unit === 'ns') ?? -1;
  const points = limit.steps
    .map((step) => ({ ...step, goal: step.goals[index] }))
    .filter(({ goal }) => goal?.value !== null && goal?.value !== undefined)
    .sort((a, b) => a.ratePerSec - b.ratePerSec);
  const first = points[0]?.goal;
  if (!first) return null;
  return {
    goal: first.text,
    limitSec: first.limit / 1e9,
    ratePerSec: points.map(({ ratePerSec }) => Math.round(ratePerSec)),
    sec: points.map(({ goal }) => goal!.value! / 1e9),
    held: points.map(({ outcome }) => outcome === 'held'),
  };
}
