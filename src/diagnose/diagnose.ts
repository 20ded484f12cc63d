/** From a run to a verdict. Pure: the same run gives the same diagnosis on any machine. */
import { EXIT, type ExitCode } from '../base/errors.ts';
import type { Run } from '../record/run.ts';
import { type Facts, factsOf } from './facts/facts.ts';
import type { ClearedSuspect, Diagnosis, Finding } from './finding.ts';
import { SHARE } from './limits.ts';
import { overview } from './overview.ts';
import type { Judgement } from './rule.ts';
import { RULES } from './rules/registry.ts';
import { judgeSelf } from './self/registry.ts';
import { worstVerdict } from './self-check.ts';

type Candidate = Extract<Judgement, { finding: Finding }>;

/** Names the culprit, the contributors, and the suspects that the evidence clears. Never throws on a well-shaped run. */
export function diagnose(run: Run): Diagnosis {
  const base = factsOf(run);
  const checks = judgeSelf(base);
  const facts: Facts = { ...base, checks };
  const candidates: Candidate[] = [];
  const suspectsCleared: ClearedSuspect[] = [];
  for (const rule of RULES) {
    const judgement = rule.judge(facts);
    if (!judgement) continue;
    if ('cleared' in judgement) suspectsCleared.push({ culprit: rule.culprit, why: judgement.cleared });
    else candidates.push(judgement);
  }
  const verdict = choose(candidates);
  const contributors: Finding[] = [];
  for (const candidate of candidates) {
    const { finding } = candidate;
    if (finding === verdict || isFallback(candidate)) continue;
    if (finding.share >= SHARE.contributing || candidate.standing) contributors.push(finding);
    else
      suspectsCleared.push({ culprit: finding.culprit, why: `only ${percent(finding.share)} of the excess` });
  }
  contributors.sort((a, b) => b.share - a.share);
  return {
    verdict,
    contributors,
    suspectsCleared,
    evidence: overview(base),
    self: { verdict: worstVerdict(checks), checks, couldNotSee: couldNotSee(run) },
  };
}

/**
 * The first decisive finding; else the first with half of the excess; else the largest that contributes, where a near
 * tie with the hypervisor goes to the other; unless most of the excess is unexplained, which is then the verdict; else
 * what would be the effect of another fault, were there one; else the first fallback. RULES ends with one that is always
 * there.
 */
function choose(candidates: readonly Candidate[]): Finding {
  const decisive = candidates.find((candidate) => candidate.standing === 'decisive');
  if (decisive) return decisive.finding;
  const sharing = candidates.filter((c) => (c.standing ?? 'share') === 'share').map((c) => c.finding);
  const primary = sharing.find((finding) => finding.share >= SHARE.primary);
  if (primary) return primary;
  const [largest, second] = sharing
    .filter((finding) => finding.share >= SHARE.contributing)
    .toSorted((a, b) => b.share - a.share);
  if (largest && second && isNearTie(largest, second)) return second;
  if (largest) return largest;
  return candidates.find(({ standing }) => standing === 'effect' || standing === 'fallback')!.finding;
}

function isNearTie(largest: Finding, second: Finding): boolean {
  return largest.culprit === 'cpu.steal' && second.share >= SHARE.nearTie * largest.share;
}

function isFallback(candidate: Candidate): boolean {
  return candidate.standing === 'fallback';
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function couldNotSee(run: Run): string[] {
  const hidden = run.header.capabilities
    .filter((capability) => !capability.available)
    .map((c) => [c.name, c.reason, c.hides].filter((text) => text !== '').join(': '));
  if (run.observation?.tier === 'proc') {
    hidden.push(
      'cycles and stalls: read from /proc only, so what blocked or delayed a single turn is not visible',
    );
  }
  return hidden;
}

/**
 * The exit status a diagnosis leads to: 3 when the tool judged its own run VOID, whatever the verdict; 0 when
 * healthy; 1 when a culprit is named or lateness is unexplained.
 */
export function exitStatusOf(diagnosis: Diagnosis): ExitCode {
  if (diagnosis.self.verdict === 'VOID') return EXIT.void;
  return diagnosis.verdict.culprit === 'healthy' ? EXIT.ok : EXIT.failed;
}
