import { amount } from '../../diagnose/facts/numbers.ts';
import type { ObserverCost } from '../../record/observation.ts';

/** CPUs that the BPF programs used, from their run time; null when the kernel did not count, or none ran. */
export function programCpus(cost: ObserverCost): number | null {
  if (cost.programs.length === 0 || !(cost.wallNs >= 1)) return null;
  return cost.programs.reduce((sum, program) => sum + amount(program.runNs), 0) / cost.wallNs;
}
