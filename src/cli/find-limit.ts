/** `load --find-limit`: the search, its steps as they come, and the report of the run that decided. */

import type { Threshold } from '../diagnose/thresholds/threshold.ts';
import type { LoadChoices } from '../doctor.ts';
import { load } from '../doctor.ts';
import { findLimit, type LimitResult, type LimitStep } from '../find-limit.ts';
import type { MeasureProgress } from '../measure.ts';
import type { Run } from '../record/run.ts';
import { limitHeading, limitStepLine } from '../report/terminal/limit.ts';
import { type OutputFlags, wantsColour } from './options.ts';
import { typedCommand } from './proxy/typed-command.ts';

export type LimitSearch = { limit: LimitResult; run: Run };

type Options = {
  choices: LoadChoices & { target: string; durationNs: number };
  goals: readonly Threshold[];
  flags: OutputFlags;
  signal: AbortSignal;
  onProgress?: (progress: MeasureProgress) => void;
  /** Clears the progress, so that a line can be printed. */
  clearProgress: () => void;
};

/** Runs the load at one rate after another. Each step is a line on standard output, unless that is for JSON. */
export async function searchLimit(options: Options): Promise<LimitSearch> {
  const { choices, goals, flags, signal } = options;
  const runs: Run[] = [];
  const look = {
    colour: wantsColour(flags),
    columns: process.stdout.isTTY ? (process.stdout.columns ?? 80) : null,
  };
  const print = (line: string) => {
    if (flags.json) return;
    options.clearProgress();
    process.stdout.write(`${line}\n`);
  };
  print(limitHeading(goals, choices.durationNs, look));
  const limit = await findLimit({
    goals,
    signal,
    startRatePerSec: choices.ratePerSec!,
    onStep: (step: LimitStep) => print(limitStepLine(step, look)),
    measureAt: async (ratePerSec, attempt) => {
      const run = await load({
        ...choices,
        ratePerSec,
        seed: ((choices.seed ?? 1) + attempt) % 2 ** 32,
        command: typedCommand(),
        signal,
        ...(options.onProgress && { onProgress: options.onProgress }),
      });
      runs.push(run);
      return run;
    },
  });
  return { limit, run: decidingRun(limit, runs) };
}

/** The last run at the rate that is the answer; without one, the last of all. */
function decidingRun(limit: LimitResult, runs: readonly Run[]): Run {
  const best = limit.steps.findLastIndex(
    ({ ratePerSec, outcome }) => ratePerSec === limit.ratePerSec && outcome === 'held',
  );
  return runs[best] ?? runs.at(-1)!;
}
