import type { SelfCheck } from './finding.ts';

export type Withheld = {
  /** Quantiles from here on may not be told; 0: none may. */
  from: number;
  /** The checks that spoil them. */
  checks: string[];
};

/** What the self-checks spoil of one of the three times; null when all of it may be told. */
export function withheldOf(checks: readonly SelfCheck[], kind: SelfCheck['spoils'][number]): Withheld | null {
  const spoiling = checks.filter(
    (check) => check.spoils.includes(kind) && (check.verdict === 'VOID' || check.spoilsFrom !== undefined),
  );
  if (spoiling.length === 0) return null;
  return {
    from: Math.min(...spoiling.map((check) => check.spoilsFrom ?? 0)),
    checks: spoiling.map((check) => check.name),
  };
}
