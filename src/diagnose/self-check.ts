import type { BaseFacts } from './facts/facts.ts';
import type { SelfCheck, SelfVerdict } from './finding.ts';

/** One way in which the tool doubts itself. Listed in self/registry.ts and in docs/reference/self-checks.md. */
export type Check = {
  name: string;
  /** What it asks, for tables: "sends on time". */
  title: string;
  /** Null when the run has nothing it could apply to (no load was driven, nothing was watched). */
  judge(facts: BaseFacts): CheckResult | null;
};

export type CheckResult = Omit<SelfCheck, 'name' | 'spoils'> & { spoils?: SelfCheck['spoils'] };

export const EVERY_PERCENTILE: SelfCheck['spoils'] = ['response', 'service', 'lateness'];

export function skip(text: string): CheckResult {
  return { verdict: 'SKIP', value: null, unit: '', limit: null, text };
}

const SEVERITY: readonly SelfVerdict[] = ['SKIP', 'PASS', 'WARN', 'VOID'];

/** The gravest of several; SKIP when there is none. */
export function worstVerdict(checks: readonly Pick<SelfCheck, 'verdict'>[]): SelfVerdict {
  let worst = 0;
  for (const check of checks) worst = Math.max(worst, SEVERITY.indexOf(check.verdict));
  return SEVERITY[worst]!;
}
