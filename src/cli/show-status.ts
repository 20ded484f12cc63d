/** What an experiment does now, on standard error: one line redrawn on a terminal, a line for each step elsewhere. */
import { formatNs } from '../base/units.ts';
import { LiveArea } from './live-area.ts';

export type StatusDisplay = {
  show(text: string): void;
  clear(): void;
  [Symbol.dispose](): void;
};

const REDRAW_EVERY_MS = 500;

export function showStatus(options: { quiet: boolean }): StatusDisplay {
  if (options.quiet) return { show() {}, clear() {}, [Symbol.dispose]() {} };
  const began = performance.now();
  const line = (text: string) => `${formatNs((performance.now() - began) * 1e6)}  ${text}`;
  if (process.stderr.isTTY !== true) {
    return {
      show: (text) => process.stderr.write(`lab: ${line(text)}\n`),
      clear() {},
      [Symbol.dispose]() {},
    };
  }
  const area = new LiveArea(process.stderr);
  let now: string | null = null;
  const draw = () => {
    if (now !== null) area.draw([line(now).slice(0, area.columns - 1)]);
  };
  const timer = setInterval(draw, REDRAW_EVERY_MS);
  timer.unref();
  const clear = () => {
    now = null;
    area.erase();
  };
  // Also on the way out after a second Ctrl-C, when nothing is disposed of.
  process.once('exit', clear);
  return {
    show(text) {
      now = text;
      draw();
    },
    clear,
    [Symbol.dispose]() {
      clearInterval(timer);
      process.off('exit', clear);
      clear();
    },
  };
}
