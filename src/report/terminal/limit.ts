/** The steps of a search for the highest rate, a line each, and what came of it. */
import { formatNs, formatShare } from '../../base/units.ts';
import type { LimitReport, LimitReportStep } from '../limit.ts';
import { type Ink, Paper } from '../text/paper.ts';
import { formatRate, formatValue, formatWhole } from '../text/phrases.ts';

type Look = { colour: boolean; columns: number | null };

const INK: Record<LimitReportStep['outcome'], Ink> = {
  held: 'green',
  failed: 'red',
  client: 'magenta',
  unjudged: 'yellow',
};

/** What is looked for, before the first step. */
export function limitHeading(goals: readonly { text: string }[], durationNs: number, look: Look): string {
  const paper = new Paper(look);
  const what = goals.map(({ text }) => text).join(' and ');
  paper.line(
    paper.ink(paper.clean(`The highest rate with ${what}, in runs of ${formatNs(durationNs)}:`), 'bold'),
  );
  return paper.toString().trimEnd();
}

/** "  2 000/s  held    p99 1.20 ms". */
export function limitStepLine(step: LimitReportStep, look: Look): string {
  const paper = new Paper(look);
  const rate = formatRate(step.ratePerSec).padStart(11);
  const figures = step.goals.map(({ text, value, unit, atLeast }) => {
    const name = /^[\w.:[\]'"-]+/.exec(text)?.[0] ?? text;
    return `${name} ${value === null ? 'not known' : `${atLeast ? '≥' : ''}${formatValue(value, unit)}`}`;
  });
  // Of a step that could not be judged, or that the client spoilt, the reason is what matters.
  const detail =
    step.outcome === 'client' || step.outcome === 'unjudged'
      ? step.why
      : `${figures.join(', ')}${step.achievedShare < 0.9995 ? `, ${formatShare(step.achievedShare)} came to an end` : ''}`;
  const outcome = step.outcome.padEnd(8);
  const text = paper.clean(detail);
  return `  ${paper.clean(rate)}  ${paper.ink(outcome, INK[step.outcome])}  ${text}`;
}

/** The answer, to stand at the top of the report. */
export function writeLimit(paper: Paper, limit: LimitReport): void {
  const answer =
    limit.ratePerSec === null ? 'No rate held' : `The limit is ${formatWhole(limit.ratePerSec)} requests/s`;
  const sure = limit.ended === 'found';
  paper.sentence(sure ? `${answer}: ${limit.why}.` : `No limit was found: ${limit.why}.`, {
    ink: ['bold', sure ? 'green' : 'yellow'],
  });
  const runs = limit.steps.length;
  const aside = `after ${formatWhole(runs)} ${runs === 1 ? 'run' : 'runs'}; what follows is the run that decided`;
  paper.sentence(aside, { ink: ['dim'] });
  paper.line();
}
