import type { ThresholdResult } from '../../diagnose/thresholds/threshold.ts';
import type { Paper } from '../text/paper.ts';

/** How the run did by the caller's own conditions, those that failed it first. */
export function writeThresholds(paper: Paper, thresholds: readonly ThresholdResult[]): void {
  if (thresholds.length === 0) return;
  paper.heading('Thresholds');
  const failedFirst = [...thresholds].sort((a, b) => Number(b.failed) - Number(a.failed));
  for (const { text, failed, outcome, why } of failedFirst) {
    const label = failed ? 'FAILED' : outcome === 'unjudged' ? 'open' : 'fine';
    paper.sentence(`${text}: ${why}`, {
      first: `  ${label.padEnd(6)}  `,
      rest: '',
      ...(failed && { ink: ['red' as const] }),
    });
  }
}
