/** The seam of a rule, and what most rules share: weighing lost time, wording it, and being modest about it. */
import { formatNs, formatShare } from '../base/units.ts';
import type { CauseTally } from './facts/excess.ts';
import type { Facts, WatchFacts } from './facts/facts.ts';
import { weigh } from './facts/material.ts';
import { describeScope } from './facts/scope.ts';
import type { Confidence, CulpritId, Evidence, Finding } from './finding.ts';
import { CONFIDENCE } from './limits.ts';

/** One culprit. Listed in rules/registry.ts and described in docs/reference/culprits.md. */
export type Rule = {
  culprit: CulpritId;
  /** What it means in a few words, for tables. */
  title: string;
  /** Place in the order of tests; unique. */
  order: number;
  /** Null: this run holds no evidence for or against it. */
  judge(facts: Facts): Judgement | null;
};

export type Judgement =
  | {
      finding: Finding;
      /**
       * decisive: the verdict whatever the shares are, in the order of tests. share (default): competes by its
       * share of the excess. aside: listed as a contributor, never the verdict. effect: came of another
       * fault, which is the verdict; where none is named, this is. fallback: only when nothing else is.
       */
      standing?: 'decisive' | 'share' | 'effect' | 'aside' | 'fallback';
    }
  | { cleared: string };

export type Wording = { headline: string; evidence: Evidence[]; advice: string[]; atMost?: Confidence };

/**
 * Judges a culprit by the time it cost. `word` is called only for a culprit worth naming. Null when only /proc was
 * read, where stalls cannot be seen, unless `fromCounters` says that counters alone can tell.
 */
export function judgeByLostTime(
  facts: Facts,
  culprit: CulpritId,
  word: (tally: CauseTally, watch: WatchFacts) => Wording,
  options: { fromCounters?: boolean; innocent?: string } = {},
): Judgement | null {
  const { watch } = facts;
  if (!watch || watch.loops.length === 0) return null;
  const weight = weigh(culprit, watch.excess, watch.loops, watch.record, facts.load);
  if (watch.record.tier === 'proc' && !options.fromCounters) return null;
  if (!weight) return innocent(watch, options.innocent);
  if (!weight.material) return { cleared: weight.why };
  const { tally } = weight;
  const { headline, evidence, advice, atMost } = word(tally, watch);
  const confidence = modest(confidenceOf(tally, watch), atMost ?? 'high');
  const lost = lostTimeEvidence(tally, watch);
  return {
    finding: { culprit, share: tally.share, confidence, headline, evidence: [...evidence, ...lost], advice },
  };
}

/** Without stalls to look at, only a number from the counters can clear anybody. */
function innocent(watch: WatchFacts, fromCounters: string | undefined): Judgement | null {
  if (fromCounters !== undefined) return { cleared: fromCounters };
  if (watch.record.tier === 'proc') return null;
  const { stallCount } = watch.excess;
  return { cleared: stallCount === 0 ? 'no loop stalled' : `none of the ${stallCount} stalls shows it` };
}

/** Sure only when it dominates, was seen rather than inferred, was seen often, and little is left unexplained. */
export function confidenceOf(tally: CauseTally, watch: WatchFacts): Confidence {
  const { unnamedShare } = watch.excess;
  if (watch.record.tier === 'proc' && tally.estimatedShare > CONFIDENCE.highEstimated) return 'low';
  if (
    watch.record.tier === 'bpf' &&
    tally.share >= CONFIDENCE.highShare &&
    unnamedShare <= CONFIDENCE.highUnexplained &&
    tally.count >= CONFIDENCE.highStalls &&
    tally.estimatedShare <= CONFIDENCE.highEstimated
  ) {
    return 'high';
  }
  const medium = tally.share >= CONFIDENCE.mediumShare && unnamedShare <= CONFIDENCE.mediumUnexplained;
  return medium ? 'medium' : 'low';
}

const RANK: readonly Confidence[] = ['low', 'medium', 'high'];

export function modest(confidence: Confidence, atMost: Confidence): Confidence {
  return RANK[Math.min(RANK.indexOf(confidence), RANK.indexOf(atMost))]!;
}

export function fact(metric: string, value: number | string, unit: string, text: string): Evidence {
  return { metric, value, unit, text };
}

function lostTimeEvidence(tally: CauseTally, watch: WatchFacts): Evidence[] {
  const loop = tally.worstLoop?.name ?? 'the loop';
  const longest = tally.longestNs > 0 ? `, the longest ${formatNs(tally.longestNs)}` : '';
  const evidence = [
    fact(
      'lost_share_of_loop_time',
      tally.worstLoopShare,
      'share',
      `${loop} lost ${formatShare(tally.worstLoopShare)} of its time to it: ` +
        `${formatNs(tally.lostNs)} in ${tally.count} delays over all loops${longest}.`,
    ),
    fact(
      'share_of_excess',
      tally.share,
      'share',
      `That is ${formatShare(tally.share)} of all the time that loops lost.`,
    ),
  ];
  if (tally.estimatedShare > 0.05) {
    evidence.push(
      fact(
        'estimated_share',
        tally.estimatedShare,
        'share',
        `${formatShare(tally.estimatedShare)} of it is inferred from stalls seen in full, or from CPU totals.`,
      ),
    );
  }
  const scope = describeScope(watch.scope);
  if (scope) evidence.push(fact('scope', scope, '', `Scope: ${scope}.`));
  return evidence;
}
