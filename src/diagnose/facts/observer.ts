import { NS_PER_MS } from '../../base/units.ts';
import type { ObservationRecord } from '../../record/observation.ts';
import { amount, maxBy, sumBy } from './numbers.ts';

/** The observer's own cost, in CPUs; null when the run has no length. */
export function observerCpu(
  record: ObservationRecord,
): { ownCpu: number; bpfCpu: number; dearestProgram: string | null } | null {
  const { cost } = record;
  if (!(cost.wallNs >= NS_PER_MS)) return null;
  return {
    ownCpu: amount(cost.ownCpuNs) / cost.wallNs,
    bpfCpu: sumBy(cost.programs, (program) => program.runNs) / cost.wallNs,
    dearestProgram: maxBy(cost.programs, (program) => program.runNs)?.name ?? null,
  };
}
