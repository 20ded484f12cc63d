/** Progress on standard error, so that standard output stays clean for pipes: redrawn in place on a terminal. */
import type { MeasureProgress } from '../measure.ts';
import { ProgressView } from '../report/progress.ts';
import { LiveArea } from './live-area.ts';
import type { OutputFlags } from './options.ts';

export type ProgressDisplay = {
  /** Nothing is ever shown: then figures of the run so far need not be worked out four times a second. */
  readonly silent: boolean;
  show(progress: MeasureProgress): void;
  /** Makes room for a line of output; the next show() draws again. */
  clear(): void;
  [Symbol.dispose](): void;
};

/** A log gets a line this often. */
const LINE_EVERY_NS = 5e9;

/**
 * Nothing with --quiet, and nothing but a line now and then when standard error is not a terminal. `signal` is the
 * user's wish to end: it is answered at once, since replies under way may take a while.
 */
export function showProgress(
  flags: Pick<OutputFlags, 'quiet'> & { json?: boolean },
  signal: AbortSignal,
  options: ConstructorParameters<typeof ProgressView>[0] = {},
): ProgressDisplay {
  const view = new ProgressView(options);
  if (process.stderr.isTTY !== true) return logProgress(view, flags.quiet || flags.json === true);
  const area = new LiveArea(process.stderr);
  const redraw = () => area.draw(view.lines(area.columns));
  const end = () => {
    view.ending = true;
    if (flags.quiet) process.stderr.write('\nending the run; Ctrl-C again quits at once\n');
    else redraw();
  };
  // Also on the way out after a second Ctrl-C, when nothing is disposed of.
  const leave = () => area.erase();
  signal.addEventListener('abort', end, { once: true });
  process.once('exit', leave);
  if (!flags.quiet) process.stderr.on('resize', redraw);
  return {
    silent: flags.quiet,
    show(progress) {
      if (flags.quiet) return;
      view.add(progress);
      redraw();
    },
    clear: () => area.erase(),
    [Symbol.dispose]() {
      signal.removeEventListener('abort', end);
      process.off('exit', leave);
      process.stderr.off('resize', redraw);
      area.erase();
    },
  };
}

function logProgress(view: ProgressView, silent: boolean): ProgressDisplay {
  let nextLineNs = LINE_EVERY_NS;
  return {
    silent,
    show(progress) {
      if (silent) return;
      view.add(progress);
      if (progress.elapsedNs < nextLineNs) return;
      nextLineNs += LINE_EVERY_NS;
      process.stderr.write(view.logLine());
    },
    clear() {},
    [Symbol.dispose]() {},
  };
}
