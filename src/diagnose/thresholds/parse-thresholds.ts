/**
 * The grammar of thresholds: NAME OPERATOR VALUE, with "?" at the end for "do not fail when it cannot be judged".
 * docs/reference/thresholds.md is its reference.
 */
import { LoopscopeError } from '../../base/errors.ts';
import type { LatencyKind } from '../statistics/block-series.ts';
import {
  type Figure,
  type Operator,
  OUTCOMES,
  type OutcomeName,
  type Threshold,
  VERDICTS,
} from './threshold.ts';

const NAMES =
  'p50 … p99.99, max, mean (of response; also service.p99, lateness.p99), errors, wrong, timeouts, unsent, unfinished, ' +
  'failed (shares; also errors.count), rate, self, self.NAME';

const TIME_NS: Record<string, number> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, m: 60e9 };

/** Reads what was typed. Throws USAGE that names the character and what may stand there. `option` is for messages. */
export function parseThresholds(texts: readonly string[], option = '--fail-if'): Threshold[] {
  return texts.map((text) => parseThreshold(text, option));
}

type Fail = (at: number, what: string, hint: string) => never;

function parseThreshold(typed: string, option: string): Threshold {
  const fail: Fail = (at, what, hint) => {
    throw new LoopscopeError('USAGE', `${option} '${typed}', at character ${at + 1}: ${what}`, hint);
  };
  const text = typed.trim();
  const from = typed.indexOf(text);
  if (text === '') return fail(0, 'nothing to judge', `try ${option} 'p99>20ms'`);
  const found = /(>=|<=|!=|==|>|<|=)/.exec(withoutQuoted(text));
  if (!found) {
    return fail(from + text.length, 'a comparison is missing', 'one of > >= < <= = !=, as in p99>20ms');
  }
  const operator = (found[1] === '==' ? '=' : found[1]) as Operator;
  const name = text.slice(0, found.index).trim();
  const named = parseName(name);
  if (!named) {
    const what = name === '' ? 'a name is missing' : `"${name}" is nothing that can be judged`;
    return fail(from, what, `one of ${NAMES}; of a mix, checkout.p99`);
  }
  const rest = text.slice(found.index + found[0].length);
  const optional = rest.endsWith('?');
  const value = (optional ? rest.slice(0, -1) : rest).trim();
  const valueAt = from + found.index + found[0].length + (rest.length - rest.trimStart().length);
  const { kind, figure } = named;
  if ((operator === '=' || operator === '!=') && figure.type !== 'self' && figure.type !== 'count') {
    return fail(from + found.index, 'measured figures are never exactly equal', `write ${name}> or ${name}<`);
  }
  const limited = limitOf(figure, value);
  if (!limited) {
    const [what, hint] = EXPECTED[figure.type];
    return fail(valueAt, value === '' ? `${what} is missing` : `"${value}" is not ${what}`, hint);
  }
  return { text, kind, operator, optional, ...limited };
}

/** What a figure is compared with, and how it is written. */
const TIME = ['a time', 'a number with ns, us, ms, s or m: 20ms, 1.5s'] as const;
const EXPECTED: Record<Figure['type'], readonly [what: string, hint: string]> = {
  quantile: TIME,
  max: TIME,
  mean: TIME,
  share: ['a share', '0.1%, or a number from 0 to 1; for a number of requests errors.count>10'],
  count: ['a whole number', 'a number of requests, as in errors.count>10'],
  rate: ['a rate', '0.99 or 99% of what was planned, or 4900/s, 50k/s'],
  throughput: ['a rate', '4900/s, 50k/s'],
  self: ['a verdict', `one of ${VERDICTS.join(', ')}`],
};

function limitOf(figure: Figure, value: string): Pick<Threshold, 'figure' | 'limit' | 'unit'> | null {
  const perSec = figure.type === 'rate' ? perSecOf(value) : null;
  if (perSec !== null) return { figure: { type: 'throughput' }, limit: perSec, unit: 'per s' };
  const [limit, unit] = readValue(figure, value);
  return limit === null ? null : { figure, limit, unit };
}

function readValue(figure: Figure, value: string): [limit: number | null, unit: Threshold['unit']] {
  switch (figure.type) {
    case 'quantile':
    case 'max':
    case 'mean':
      return [timeOf(value), 'ns'];
    case 'share':
    case 'rate':
      return [shareOf(value), 'share'];
    case 'throughput':
      return [perSecOf(value), 'per s'];
    case 'count':
      return [/^\d{1,15}$/.test(value) ? Number(value) : null, 'requests'];
    case 'self': {
      const place = (VERDICTS as readonly string[]).indexOf(value.toUpperCase());
      return [place < 0 ? null : place, 'verdict'];
    }
  }
}

/** A kind's quoted name may hold anything; it is blanked for the search of the comparison. */
function withoutQuoted(text: string): string {
  return text.replace(/^"[^"]*"/, (quoted) => 'q'.repeat(quoted.length));
}

const FIGURE = /(?:(response|service|lateness)\.)?(p\d{1,2}(?:\.\d{1,4})?|max|mean)$/;
const OUTCOME = new RegExp(`(${OUTCOMES.join('|')})(\\.count)?$`);

function parseName(name: string): { kind: string | null; figure: Figure } | null {
  if (name === 'rate') return { kind: null, figure: { type: 'rate' } };
  const self = /^self(?:\.([\w-]+))?$/.exec(name);
  if (self) return { kind: null, figure: { type: 'self', check: self[1] ?? null } };
  const latency = FIGURE.exec(name);
  const outcome = latency ? null : OUTCOME.exec(name);
  const match = latency ?? outcome;
  if (!match) return null;
  const kind = kindOf(name.slice(0, match.index));
  const figure = latency ? latencyFigure(latency) : outcomeFigure(outcome!);
  return kind === undefined || figure === null ? null : { kind, figure };
}

function latencyFigure(match: RegExpExecArray): Figure | null {
  const clock = (match[1] ?? 'response') as LatencyKind;
  const name = match[2]!;
  if (name === 'max' || name === 'mean') return { type: name, clock };
  const percent = Number(name.slice(1));
  // 99.9 ÷ 100 is 0.9990000000000001 in binary.
  return percent > 0 && percent < 100
    ? { type: 'quantile', clock, q: Number((percent / 100).toFixed(8)) }
    : null;
}

function outcomeFigure(match: RegExpExecArray): Figure {
  return { type: match[2] ? 'count' : 'share', outcome: match[1] as OutcomeName };
}

/** What stands before the figure: nothing, or a kind's name and a dot. Undefined: neither. */
function kindOf(prefix: string): string | null | undefined {
  if (prefix === '') return null;
  const plain = /^([\w-]+)\.$/.exec(prefix) ?? /^"([^"]+)"\.$/.exec(prefix);
  return plain ? plain[1]! : undefined;
}

const NUMBER = String.raw`(\d+(?:\.\d+)?)`;

function timeOf(text: string): number | null {
  const match = new RegExp(`^${NUMBER}\\s*(ns|us|µs|ms|s|m)$`).exec(text);
  return match ? Number(match[1]) * TIME_NS[match[2]!]! : null;
}

function shareOf(text: string): number | null {
  const match = new RegExp(`^${NUMBER}\\s*(%?)$`).exec(text);
  if (!match) return null;
  const share = match[2] ? Number(match[1]) / 100 : Number(match[1]);
  return share <= 1 ? share : null;
}

function perSecOf(text: string): number | null {
  const match = new RegExp(`^${NUMBER}\\s*([kKM]?)/s$`).exec(text);
  return match ? Number(match[1]) * (match[2] === 'M' ? 1e6 : match[2] ? 1e3 : 1) : null;
}
