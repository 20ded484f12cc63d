/** Where stalled time went, as folded stacks with µs for weights: for speedscope, flamegraph.pl and inferno. */
import type { Run } from '../../record/run.ts';
import { stallStacks } from '../model/stall-stacks.ts';
import type { Reporter } from '../reporter.ts';
import { foldStacks } from './folded.ts';

export const foldedReporter = {
  name: 'folded',
  extension: 'folded',
  summary: 'where stalls spent their time: folded stacks in µs, for flame graphs',
  render: renderFolded,
} satisfies Reporter;

/** The empty string when nothing was watched, or nothing stalled. */
function renderFolded(run: Run): string {
  if (!run.observation) return '';
  return foldStacks(
    stallStacks(run.observation).map(({ frames, ns }) => ({
      // flamegraph.pl colours kernel functions by this mark.
      frames: frames.toReversed().map(({ name, kernel }) => (kernel ? `${name}_[k]` : name)),
      count: ns / 1000,
    })),
  );
}
