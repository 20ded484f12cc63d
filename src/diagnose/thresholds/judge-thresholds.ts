import { formatCount, formatNs } from '../../base/units.ts';
import type { Run } from '../../record/run.ts';
import { diagnose } from '../diagnose.ts';
import type { SelfCheck } from '../finding.ts';
import { type Reading, readFigure } from './read-figure.ts';
import { type Operator, type Threshold, type ThresholdResult, VERDICTS } from './threshold.ts';

/**
 * Judges a run by each threshold, in their order. A figure that the self-checks withhold, that too few requests carry or
 * that is only known to be "at least" something below the limit cannot be judged, and fails unless the threshold ends in
 * "?". `checks`: the run's self-checks, when they are at hand already.
 */
export function judgeThresholds(
  run: Run,
  thresholds: readonly Threshold[],
  checks: readonly SelfCheck[] = thresholds.length > 0 ? diagnose(run).self.checks : [],
): ThresholdResult[] {
  return thresholds.map((threshold) => judgeThreshold(run, threshold, checks));
}

function judgeThreshold(run: Run, threshold: Threshold, checks: readonly SelfCheck[]): ThresholdResult {
  const { text, unit, limit, optional } = threshold;
  const reading = readFigure(run, threshold, checks);
  const truth = truthOf(reading, threshold.operator, limit);
  const outcome = truth === null ? 'unjudged' : truth ? 'crossed' : 'held';
  return {
    text,
    outcome,
    failed: outcome === 'crossed' || (outcome === 'unjudged' && !optional),
    value: reading.known && reading.weak === null ? reading.value : null,
    unit,
    limit,
    atLeast: reading.known && reading.atLeast !== null,
    low: reading.known ? (reading.interval?.low ?? null) : null,
    high: reading.known ? (reading.interval?.high ?? null) : null,
    sure: reading.known ? sureOf(reading, threshold.operator, limit) : null,
    why: wordOf(reading, threshold, outcome),
  };
}

/** Null: the run cannot tell. */
export function truthOf(reading: Reading, operator: Operator, limit: number): boolean | null {
  if (!reading.known) return null;
  const { value, atLeast, weak } = reading;
  if (weak !== null) return sureOf(reading, operator, limit) ? compare(value, operator, limit) : null;
  if (atLeast === null) return compare(value, operator, limit);
  // Only a lower bound is known: enough when it is beyond the limit already.
  if (operator === '>' || operator === '>=') return compare(value, operator, limit) ? true : null;
  return value > limit ? compare(value, operator, limit) : null;
}

function sureOf(
  reading: Extract<Reading, { known: true }>,
  operator: Operator,
  limit: number,
): boolean | null {
  if (!reading.interval) return null;
  const { low, high } = reading.interval;
  return compare(low, operator, limit) === compare(high ?? Number.POSITIVE_INFINITY, operator, limit);
}

function compare(value: number, operator: Operator, limit: number): boolean {
  switch (operator) {
    case '>':
      return value > limit;
    case '>=':
      return value >= limit;
    case '<':
      return value < limit;
    case '<=':
      return value <= limit;
    case '=':
      return value === limit;
    case '!=':
      return value !== limit;
  }
}

function wordOf(reading: Reading, threshold: Threshold, outcome: ThresholdResult['outcome']): string {
  if (!reading.known) return `cannot be judged: ${reading.why}`;
  const { atLeast, weak, interval } = reading;
  const show = (value: number) => formatValue(value, threshold.unit);
  const within = interval
    ? `[${show(interval.low)}, ${interval.high === null ? 'open' : show(interval.high)}]`
    : '';
  if (weak !== null) {
    const known = `it lies in ${within}`;
    return outcome === 'unjudged' ? `cannot be judged: ${known}; ${weak.why}` : `${known}; ${weak.why}`;
  }
  const value = `${atLeast === null ? '' : 'at least '}${show(reading.value)}`;
  if (outcome === 'unjudged') return `cannot be judged: it is ${value}; ${atLeast}`;
  const sure = sureOf(reading, threshold.operator, threshold.limit);
  const close = sure === false ? '; the limit lies within the interval: another run may say otherwise' : '';
  return `it is ${value}${within === '' ? '' : ` ${within}`}${close}`;
}

function formatValue(value: number, unit: Threshold['unit']): string {
  if (unit === 'ns') return formatNs(value);
  if (unit === 'share') return `${Number((value * 100).toPrecision(4))} %`;
  if (unit === 'verdict') return VERDICTS[value] ?? 'SKIP';
  return `${formatCount(Math.round(value))}${unit === 'per s' ? '/s' : ' requests'}`;
}
