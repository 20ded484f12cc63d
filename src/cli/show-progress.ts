/** Progress on standard error, so that standard output stays clean for pipes: redrawn in place on a terminal. */
import type { MeasureProgress } from '../measure.ts';
import { renderProgress } from '../report/progress.ts';
import type { OutputFlags } from './options.ts';

const ERASE_LINE = '\r\x1b[2K';

export type ProgressDisplay = { show(progress: MeasureProgress): void; [Symbol.dispose](): void };

/** Nothing with --quiet or when standard error is not a terminal. */
export function showProgress(flags: Pick<OutputFlags, 'quiet'>): ProgressDisplay {
  const active = process.stderr.isTTY === true && !flags.quiet;
  let drawn = false;
  return {
    show(progress) {
      if (!active) return;
      process.stderr.write(ERASE_LINE + renderProgress(progress, { columns: process.stderr.columns ?? 80 }));
      drawn = true;
    },
    [Symbol.dispose]() {
      if (drawn) process.stderr.write(ERASE_LINE);
      drawn = false;
    },
  };
}
