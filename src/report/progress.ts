/** One line that says how a run is going, for a terminal where it is redrawn in place. */
import { formatCount, formatNs, NS_PER_S } from '../base/units.ts';
import { cut } from './text/width.ts';

/** What is known while a run goes on; load is null when only live traffic is watched. */
export type ProgressSnapshot = {
  elapsedNs: number;
  durationNs: number;
  load: ProgressLoad | null;
  /** Null when nobody watches the server. */
  stallCount: number | null;
};

export type ProgressLoad = {
  planned: number;
  done: number;
  /** Errors, wrong replies and timeouts. */
  failed: number;
  inFlight: number;
  /** Due, and without a free connection yet. */
  waiting: number;
};

const BAR_CELLS = 20;

/** The line, never wider than `columns`: a wrapped line could not be redrawn in place. No colours, no line break. */
export function renderProgress(snapshot: ProgressSnapshot, options: { columns: number }): string {
  const { elapsedNs, durationNs, load, stallCount } = snapshot;
  const share = durationNs > 0 ? Math.min(1, Math.max(0, elapsedNs / durationNs)) : 0;
  const parts = [`${bar(share)} ${seconds(Math.min(elapsedNs, durationNs))}/${seconds(durationNs)} s`];
  if (load) {
    const ratePerSec = elapsedNs > 0 ? (load.done / elapsedNs) * NS_PER_S : 0;
    parts.push(`${formatCount(load.done)} answered`, `${formatCount(Math.round(ratePerSec))}/s`);
    parts.push(`${formatCount(load.inFlight)} in flight`);
    if (load.waiting > 0) parts.push(`${formatCount(load.waiting)} waiting`);
    if (load.failed > 0) parts.push(`${formatCount(load.failed)} FAILED`);
  }
  if (stallCount !== null) parts.push(stallCount === 1 ? '1 stall' : `${formatCount(stallCount)} stalls`);
  return cut(parts.join('  '), Math.max(1, options.columns - 1));
}

/** The same for a log: a whole line without the bar, to be written at most once a second. */
export function renderProgressLine(snapshot: ProgressSnapshot): string {
  const line = renderProgress(snapshot, { columns: Number.POSITIVE_INFINITY });
  return `${line.slice(BAR_CELLS + 1)} (${formatNs(Math.max(0, snapshot.durationNs - snapshot.elapsedNs))} to go)\n`;
}

function bar(share: number): string {
  const filled = Math.round(share * BAR_CELLS);
  return '━'.repeat(filled) + '─'.repeat(BAR_CELLS - filled);
}

function seconds(ns: number): string {
  return (ns / NS_PER_S).toFixed(1);
}
