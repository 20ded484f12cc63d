/** The live view as plain lines for pipes and logs: one a second for all loops, one for each stall. ASCII. */
import { formatCount, formatNs, formatShare } from '../../base/units.ts';
import { histogramQuantile, sumHistograms } from '../../diagnose/facts/cycle-histogram.ts';
import { ratio, sumBy } from '../../diagnose/facts/numbers.ts';
import { cycleBucketHigh } from '../../record/cycle-buckets.ts';
import type { CycleWindow } from '../../record/observation.ts';
import { Paper } from '../text/paper.ts';
import { plural } from '../text/phrases.ts';
import { isoTime } from '../text/wall-clock.ts';
import type { LogEntry } from './live-model.ts';

const paper = new Paper({ colour: false, columns: null });

/** `windows`: of all loops, of the last second or so. */
export function secondLine(
  atNs: number,
  loopCount: number,
  windows: readonly CycleWindow[],
  stallCount: number,
  wallMs: number | null = null,
): string {
  const loopNs = sumBy(windows, (w) => w.durationNs);
  const spanNs = loopCount > 0 ? loopNs / loopCount : 0;
  const cycleCount = sumBy(windows, (w) => w.cycleCount);
  const work = sumHistograms(windows.map((w) => w.workHistogram));
  const workNs = sumBy(windows, (w) => w.workNs);
  const waitNs = sumBy(windows, (w) => w.waitNs);
  const longest = Math.max(0, ...windows.map(({ workHistogram }) => cycleBucketTop(workHistogram)));
  const isProc = windows.some((w) => w.blockedShare !== null);
  const share = ratio(
    sumBy(windows, (w) => w.runDelayNs),
    loopNs,
  );
  const rate = formatCount(spanNs >= 1 ? Math.round((cycleCount / spanNs) * 1e9) : 0);
  const pieces = isProc
    ? [
        `on CPU ${formatShare(
          ratio(
            sumBy(windows, (w) => w.cpuNs),
            loopNs,
          ),
        )}`,
      ]
    : [
        `${rate} cycles/s`,
        `work p50 ${time(histogramQuantile(work, 0.5))} p99 ${time(histogramQuantile(work, 0.99))} max ${time(longest || null)}`,
        `busy ${formatShare(ratio(workNs, workNs + waitNs))}`,
      ];
  const all = [plural(loopCount, 'loop'), ...pieces, `run queue ${formatShare(share)}`];
  if (!isProc) all.push(plural(stallCount, 'stall'));
  return line(atNs, all.join('  '), wallMs);
}

/** Told at its end, or while it lasts: lines are in the order of their times. `wallMs`: the time of day of that. */
export function stallLine(entry: LogEntry, wallMs: number | null = null): string {
  const frame = entry.frame === null ? '' : ` at ${entry.frame}`;
  const head = {
    work: `stall ${formatNs(entry.wallNs)}`,
    wait: `late wake-up ${formatNs(entry.wallNs)}`,
    open: `stuck for ${formatNs(entry.wallNs)} and on`,
    gone: `ended while stuck, after ${formatNs(entry.wallNs)}`,
    lost: `stall over, record lost, at least ${formatNs(entry.wallNs)}`,
  }[entry.kind];
  return line(entry.atNs + entry.wallNs, `${head}  ${entry.label}  ${entry.text}${frame}`, wallMs);
}

/** Anything else worth a line: a worker that came or went, a change of tier. */
export function noteLine(atNs: number, text: string, wallMs: number | null = null): string {
  return line(atNs, text, wallMs);
}

function line(atNs: number, text: string, wallMs: number | null): string {
  const when = wallMs === null ? '' : `${isoTime(wallMs)} `;
  return `${when}${(atNs / 1e9).toFixed(2).padStart(8)} s  ${paper.clean(text)}\n`;
}

function time(ns: number | null): string {
  return ns === null ? '-' : formatNs(ns);
}

function cycleBucketTop(histogram: CycleWindow['workHistogram']): number {
  const top = histogram.at(-1);
  return top ? cycleBucketHigh(top[0]) : 0;
}
