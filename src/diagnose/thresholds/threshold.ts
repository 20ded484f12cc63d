import type { SelfVerdict } from '../finding.ts';
import type { LatencyKind } from '../statistics/block-series.ts';

export const OUTCOMES = ['errors', 'wrong', 'timeouts', 'unsent', 'unfinished', 'failed'] as const;

export type OutcomeName = (typeof OUTCOMES)[number];

/** What is looked at. */
export type Figure =
  | { type: 'quantile'; clock: LatencyKind; q: number }
  | { type: 'max' | 'mean'; clock: LatencyKind }
  | { type: 'share' | 'count'; outcome: OutcomeName }
  /** Requests that came to an end ÷ planned. */
  | { type: 'rate' }
  /** Replies a second. */
  | { type: 'throughput' }
  /** A self-check's verdict; null: the worst of all. */
  | { type: 'self'; check: string | null };

export type Operator = '>' | '>=' | '<' | '<=' | '=' | '!=';

/** A condition on a run, as typed after --fail-if or --find-limit. */
export type Threshold = {
  /** As typed, without space at its ends. */
  text: string;
  /** Of a mix; null: all requests. */
  kind: string | null;
  figure: Figure;
  operator: Operator;
  /** ns, a share of 1, a count, or a number a second; a verdict's place in VERDICTS. */
  limit: number;
  unit: 'ns' | 'share' | 'requests' | 'per s' | 'verdict';
  /** With "?": a run that cannot answer does not fail. */
  optional: boolean;
};

/** From good to bad; SKIP is below PASS. */
export const VERDICTS: readonly SelfVerdict[] = ['SKIP', 'PASS', 'WARN', 'VOID'];

export type ThresholdResult = {
  text: string;
  /** crossed: the condition is true. */
  outcome: 'held' | 'crossed' | 'unjudged';
  /** Crossed, or not to be judged although it had to be. */
  failed: boolean;
  /** In `unit`; null when it is not known. */
  value: number | null;
  unit: Threshold['unit'];
  limit: number;
  /** The value is this or more. */
  atLeast: boolean;
  /** 95 % interval within this run; null when there is none. An upper end of null is open. */
  low: number | null;
  high: number | null;
  /** The whole interval answers alike; null without one. */
  sure: boolean | null;
  /** One sentence with the numbers. */
  why: string;
};
