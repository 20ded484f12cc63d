/**
 * Whether one group of runs differs from another. Each start of a server settles a little elsewhere, so runs of one
 * side differ among themselves by more than any of them shows inside: a verdict needs several runs a side, or one against
 * several.
 */
import { createPrng } from '../../base/prng.ts';
import type { Run } from '../../record/run.ts';
import { diagnose } from '../diagnose.ts';
import type { SelfCheck } from '../finding.ts';
import { blockSeriesOf } from '../statistics/block-series.ts';
import { bootstrapQuantileNs, middleOf } from '../statistics/bootstrap.ts';
import { type Difference, holm, permutationP, predict, welch } from '../statistics/two-samples.ts';
import { readFigure } from '../thresholds/read-figure.ts';
import type { Figure } from '../thresholds/threshold.ts';
import { differencesOf, weaknessesOf } from './comparability.ts';
import type { ChangeVerdict, ComparedFigure, Comparison, ComparisonBasis } from './comparison.ts';

export type CompareOptions = {
  /** A difference smaller than this share is none, however sure. Default 0. */
  minChange?: number;
};

const P_MAX = 0.05;
/** Of the bootstrap and the permutations: the same runs give the same answer. */
const SEED = 1;

type Compared = {
  name: string;
  unit: ComparedFigure['unit'];
  figure: Figure;
  better: 'lower' | 'higher';
  /** Only where it is a result and not the plan. */
  closedOnly?: boolean;
};

const FIGURES: readonly Compared[] = [
  ...[0.5, 0.9, 0.99, 0.999].map(
    (q): Compared => ({
      name: `response p${Number((q * 100).toFixed(2))}`,
      unit: 'ns',
      figure: { type: 'quantile', clock: 'response', q },
      better: 'lower',
    }),
  ),
  { name: 'throughput', unit: 'per s', figure: { type: 'throughput' }, better: 'higher', closedOnly: true },
  { name: 'failed', unit: 'share', figure: { type: 'share', outcome: 'failed' }, better: 'lower' },
];

type Side = { run: Run; checks: readonly SelfCheck[] };

/** One run is judged against so many others, no fewer: two hardly show how much runs differ. */
export const EARLIER_MIN = 3;

/** What a comparison of so many runs with so many can rest on. */
export function basisOf(runCountA: number, runCountB: number): ComparisonBasis {
  const [fewer, more] = [Math.min(runCountA, runCountB), Math.max(runCountA, runCountB)];
  if (fewer >= 2) return 'between-runs';
  return more >= EARLIER_MIN ? 'one-against-runs' : 'within-run';
}

/** Compares B with A. Runs without load have no figures to compare. Deterministic. */
export function compareRuns(a: readonly Run[], b: readonly Run[], options: CompareOptions = {}): Comparison {
  const selves = [...a, ...b].map((run) => diagnose(run).self);
  const sides = [...a, ...b].map((run, index) => ({ run, checks: selves[index]!.checks }));
  const sideA = sides.slice(0, a.length);
  const sideB = sides.slice(a.length);
  const basis = basisOf(a.length, b.length);
  const isClosed = sides.every(({ run }) => run.load?.plan.arrival === 'closed');
  const figures = FIGURES.filter(({ closedOnly }) => !closedOnly || isClosed).map((compared) =>
    compareFigure(compared, sideA, sideB, basis),
  );
  if (basis !== 'within-run') settle(figures, options.minChange ?? 0);
  const verdict = overall(figures);
  return {
    runCountA: a.length,
    runCountB: b.length,
    basis,
    figures: figures.map(({ compared: _, ...figure }) => figure),
    verdict,
    warnings: [...differencesOf(a, b), ...weaknessesOf(a, b, selves)],
    why: explain(verdict, basis, Math.max(a.length, b.length), figures),
  };
}

type Working = ComparedFigure & { compared: Compared };

function compareFigure(compared: Compared, a: Side[], b: Side[], basis: ComparisonBasis): Working {
  const readings = [...a, ...b].map(({ run, checks }) => {
    const reading = readFigure(run, { figure: compared.figure, kind: null }, checks);
    if (!reading.known) return { value: null, why: reading.why };
    if (reading.atLeast !== null) return { value: null, why: reading.atLeast };
    // Seconds that differ widen the interval, or show between the runs; too few requests show nothing.
    if (reading.weak?.isThin) return { value: null, why: reading.weak.why };
    return { value: reading.value, why: '' };
  });
  const valuesA = readings.slice(0, a.length).map(({ value }) => value);
  const valuesB = readings.slice(a.length).map(({ value }) => value);
  const lost = readings.findIndex(({ value }) => value === null);
  const nameOf = (index: number) => (index < a.length ? `A${index + 1}` : `B${index - a.length + 1}`);
  const base: Working = {
    compared,
    name: compared.name,
    unit: compared.unit,
    a: valuesA,
    b: valuesB,
    centreA: centreOf(compared, valuesA),
    centreB: centreOf(compared, valuesB),
    change: null,
    changeLow: null,
    changeHigh: null,
    p: null,
    permutationP: null,
    verdict: 'unknown',
    why: lost < 0 ? '' : `${nameOf(lost)}: ${readings[lost]!.why}`,
  };
  if (lost >= 0) return base;
  const change = changeOf(compared, base.centreA!, base.centreB!);
  const found =
    basis === 'within-run'
      ? within(compared, a, b)
      : between(compared, valuesA as number[], valuesB as number[], leastDeviation(compared, [...a, ...b]));
  return { ...base, change, ...found };
}

/** Times and rates are compared by their ratio: a difference of logarithms. */
function scaleOf({ unit }: Compared, values: readonly number[]): number[] {
  return unit === 'share' ? [...values] : values.map((value) => Math.log(Math.max(value, 1e-9)));
}

function unscale({ unit }: Compared, difference: number): number {
  return unit === 'share' ? difference : Math.expm1(difference);
}

function centreOf(compared: Compared, values: readonly (number | null)[]): number | null {
  if (values.length === 0 || values.some((value) => value === null)) return null;
  const scaled = scaleOf(compared, values as number[]);
  const mean = scaled.reduce((sum, value) => sum + value, 0) / scaled.length;
  return compared.unit === 'share' ? mean : Math.exp(mean);
}

function changeOf(compared: Compared, a: number, b: number): number {
  return unscale(compared, scaleOf(compared, [b])[0]! - scaleOf(compared, [a])[0]!);
}

function between(compared: Compared, a: number[], b: number[], least: number): Partial<Working> {
  const x = scaleOf(compared, a);
  const y = scaleOf(compared, b);
  const found = x.length === 1 ? mirrored(predict(y, x[0]!, least)!) : differenceOf(x, y, least);
  return {
    changeLow: unscale(compared, found.low),
    changeHigh: unscale(compared, found.high),
    p: found.p,
    permutationP: permutationP(x, y, createPrng(SEED)),
  };
}

function differenceOf(x: number[], y: number[], least: number): Difference {
  return y.length === 1 ? predict(x, y[0]!, least)! : welch(x, y)!;
}

function mirrored({ estimate, low, high, p }: Difference): Difference {
  return { estimate: -estimate, low: -high, high: -low, p };
}

/** Times come from a histogram of three digits. */
const RESOLUTION = 0.0005;

/** Runs may be alike to the last digit by chance, above all in failing never: what one run can be known to at best. */
function leastDeviation({ unit }: Compared, sides: readonly Side[]): number {
  if (unit !== 'share') return RESOLUTION;
  const counts = sides.map(({ run }) => run.load!.counts);
  const planned = counts.reduce((sum, each) => sum + each.planned, 0);
  const failed = counts.reduce((sum, each) => sum + Math.max(0, each.planned - each.ok), 0);
  // Of a binomial; the half keeps it from 0 where none failed.
  const share = Math.min(0.5, (failed + 0.5) / (planned + 1));
  return Math.sqrt((share * (1 - share) * sides.length) / Math.max(1, planned));
}

/** How far the two would differ if only the seconds of these runs had been dealt otherwise. */
function within(compared: Compared, a: Side[], b: Side[]): Partial<Working> {
  const why = 'one run a side: how much runs differ among themselves is unknown';
  if (compared.figure.type !== 'quantile') return { why };
  const { q } = compared.figure;
  const [x, y] = [a, b].map((side, index) => logDraws(side, q, SEED + index));
  const differences = Float64Array.from(x!, (value, i) => y![i]! - value).sort();
  // Draws that fall among requests without an answer have no end: NaN sorts last.
  if (differences.length === 0 || !differences.every(Number.isFinite)) return { why };
  const { low, high } = middleOf(differences);
  return { changeLow: Math.expm1(low), changeHigh: Math.expm1(high), why };
}

/** Mean over the runs of a side of the logarithm of the drawn quantile; not sorted. */
function logDraws(side: Side[], q: number, seed: number): Float64Array {
  const prng = createPrng(seed);
  const runs = side.map(({ run }) => {
    const draws = bootstrapQuantileNs(run.load ? blockSeriesOf(run.load, 'response') : [], q, prng);
    // Drawn values come in ascending order; two sides in the same order would cancel out.
    for (let i = draws.length - 1; i > 0; i--) {
      const other = prng.below(i + 1);
      [draws[i], draws[other]] = [draws[other]!, draws[i]!];
    }
    return draws;
  });
  if (runs.some((draws) => draws.length === 0)) return new Float64Array(0);
  return runs[0]!.map((_, i) => runs.reduce((sum, draws) => sum + Math.log(draws[i]!), 0) / runs.length);
}

/** Corrects for the number of figures, and words what is left. */
function settle(figures: Working[], minChange: number): void {
  const known = figures.filter((figure) => figure.p !== null);
  const corrected = holm(known.map((figure) => figure.p!));
  known.forEach((figure, index) => {
    figure.p = corrected[index]!;
    const change = figure.change!;
    const margin = figure.unit === 'share' ? 0 : minChange;
    if (figure.p >= P_MAX || Math.abs(change) <= margin) figure.verdict = 'same';
    else figure.verdict = change < 0 === (figure.compared.better === 'lower') ? 'better' : 'worse';
  });
}

function overall(figures: readonly ComparedFigure[]): Comparison['verdict'] {
  const verdicts = new Set<ChangeVerdict>(figures.map((figure) => figure.verdict));
  if (verdicts.has('worse')) return verdicts.has('better') ? 'mixed' : 'worse';
  if (verdicts.has('better')) return 'better';
  // That as few requests failed says nothing of how fast the others were.
  return figures.some(({ verdict, unit }) => verdict === 'same' && unit !== 'share') ? 'same' : 'unknown';
}

function explain(
  verdict: Comparison['verdict'],
  basis: ComparisonBasis,
  runCountMax: number,
  figures: readonly ComparedFigure[],
): string {
  if (basis === 'within-run') {
    const few = runCountMax === 1 ? 'one run a side' : 'one run against two';
    return (
      `no verdict: with ${few} the variation between runs is unknown; the intervals are within these runs only ` +
      `(one run is judged against ${EARLIER_MIN} others or more)`
    );
  }
  const named = (wanted: ChangeVerdict) =>
    figures.filter((figure) => figure.verdict === wanted).map((figure) => figure.name);
  switch (verdict) {
    case 'unknown':
      return 'no times or rates could be compared';
    case 'same':
      return 'no difference that stands out from the variation between runs, in what could be compared';
    default:
      return ['better', 'worse']
        .map((wanted) => ({ wanted, names: named(wanted as ChangeVerdict) }))
        .filter(({ names }) => names.length > 0)
        .map(({ wanted, names }) => `B is ${wanted} in ${names.join(', ')}`)
        .join('; ');
  }
}

/** Shares of failed requests have no ratio to nothing: from this many more on they are worse. */
const FAILED_MORE = 0.001;

/** Whether B is worse by more than a share, sure enough; or might be, because a figure of it could not be compared. */
export function isWorse(comparison: Comparison, byMoreThan: number): { failed: boolean; why: string } {
  const worse = comparison.figures.filter(
    ({ verdict, unit, change }) =>
      verdict === 'worse' && Math.abs(change!) > (unit === 'share' ? FAILED_MORE : byMoreThan),
  );
  if (worse.length > 0) return { failed: true, why: `worse: ${worse.map(({ name }) => name).join(', ')}` };
  const lost = comparison.figures.find(
    ({ verdict, centreA, centreB }) => verdict === 'unknown' && centreA !== null && centreB === null,
  );
  if (lost) return { failed: true, why: `${lost.name} cannot be judged: ${lost.why}` };
  if (comparison.verdict === 'unknown') return { failed: true, why: `cannot be judged: ${comparison.why}` };
  return { failed: false, why: comparison.why };
}
