/** Progress on standard error, so that standard output stays clean for pipes: redrawn in place on a terminal. */
import type { MeasureProgress } from '../measure.ts';
import { renderProgress, renderProgressLine } from '../report/progress.ts';
import type { OutputFlags } from './options.ts';

const ERASE_LINE = '\r\x1b[2K';

export type ProgressDisplay = { show(progress: MeasureProgress): void; [Symbol.dispose](): void };

/** A log gets a line this often. */
const LINE_EVERY_NS = 5e9;

/** Nothing with --quiet, and nothing but a line now and then when standard error is not a terminal. */
export function showProgress(flags: Pick<OutputFlags, 'quiet'> & { json?: boolean }): ProgressDisplay {
  const active = process.stderr.isTTY === true && !flags.quiet;
  const logging = !active && !flags.quiet && !flags.json;
  let nextLineNs = LINE_EVERY_NS;
  let drawn = false;
  return {
    show(progress) {
      if (logging && progress.elapsedNs >= nextLineNs) {
        nextLineNs += LINE_EVERY_NS;
        process.stderr.write(renderProgressLine(progress));
      }
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
