import { EXIT } from '../base/errors.ts';
import type { Run } from '../record/run.ts';

/** Exit status 4, said on standard error, when a watched process ended during the run; null when all stayed. */
export function processGone(run: Run): number | null {
  const masters = run.observation?.exits.filter(({ pid }) => run.header.watchedPids.includes(pid)) ?? [];
  if (masters.length === 0) return null;
  for (const { pid, atNs } of masters) {
    const atSec = (atNs / 1e9).toFixed(1);
    process.stderr.write(
      `loopscope: process ${pid} ended ${atSec} s into the run; the report covers what came before\n`,
    );
  }
  return EXIT.unreachable;
}
