/** replay --dry-run: reads a log as a replay would, and tells what is in it. */
import { EXIT, type ExitCode, LoopscopeError } from '../../base/errors.ts';
import { openReplay } from '../../plan/replay/open-replay.ts';
import type { ReplayOptions } from '../../plan/replay/replay-options.ts';
import type { ReplayReader } from '../../plan/replay/replay-reader.ts';
import { DROPPING_SINK } from '../../plan/replay/replay-reader.ts';
import { onInterrupt } from '../interrupt.ts';
import { LiveArea } from '../live-area.ts';
import { type OutputFlags, wantsColour } from '../options.ts';
import { surveyObject } from './survey-json.ts';
import { readingText, surveyText } from './survey-text.ts';

type Flags = Pick<OutputFlags, 'json' | 'quiet' | 'color'>;

/** They hold what a run measured, and there is none. */
const OF_RUNS = ['html', 'out', 'hdr', 'hgrm', 'csv', 'junit'] as const;

/** Refuses outputs that a dry run has nothing for. Throws USAGE naming one. */
export function refuseWithoutRun(flags: Partial<OutputFlags> & { failIf?: readonly string[] }): void {
  const given = OF_RUNS.find((name) => flags[name] !== undefined);
  const other = given === undefined ? (flags.failIf?.length ? 'fail-if' : null) : given;
  if (other === null) return;
  throw new LoopscopeError(
    'USAGE',
    `--dry-run and --${other} contradict each other: nothing is sent, so nothing is measured`,
    `leave out one; --json prints what is in the logs`,
  );
}

/** How often progress is shown, on a terminal and in a log. */
const DRAW_EVERY_MS = 250;
const LINE_EVERY_MS = 5000;

/** Prints what is in the logs. 0, 1 when nothing in them can be replayed, or the status of the signal that ended it. */
export async function dryRun(options: ReplayOptions, flags: Flags): Promise<ExitCode | number> {
  using interrupt = onInterrupt();
  const begun = process.hrtime.bigint();
  // One round tells all: a log that is followed is read to its end.
  const reader = await openReplay({ ...options, loop: false, follow: false }, interrupt.signal);
  const endProgress = showReading(reader, flags);
  const summary = await reader.pump(DROPPING_SINK, interrupt.signal).finally(endProgress);
  const readNs = Number(process.hrtime.bigint() - begun);
  const text = flags.json
    ? `${JSON.stringify(surveyObject(summary, readNs), null, 2)}\n`
    : surveyText(summary, {
        colour: wantsColour(flags),
        columns: process.stdout.isTTY ? (process.stdout.columns ?? 80) : null,
        readNs,
      });
  process.stdout.write(text);
  return interrupt.exitStatus() ?? (summary.requestCount > 0 ? EXIT.ok : EXIT.failed);
}

/** Shows how far reading is, until the function that is returned is called. */
export function showReading(reader: ReplayReader, { quiet, json }: Flags): () => void {
  const isTerminal = process.stderr.isTTY === true;
  if (quiet || (json && !isTerminal)) return () => {};
  const area = isTerminal ? new LiveArea(process.stderr) : null;
  const timer = setInterval(
    () => {
      const line = readingText(reader.progress());
      if (area === null) process.stderr.write(`${line}\n`);
      else area.draw([line.slice(0, area.columns - 1)]);
    },
    area === null ? LINE_EVERY_MS : DRAW_EVERY_MS,
  );
  return () => {
    clearInterval(timer);
    area?.erase();
  };
}
