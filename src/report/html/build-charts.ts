import { greatestOf } from '../../base/extremes.ts';
import type { Diagnosis } from '../../diagnose/finding.ts';
import type { LoadRecord } from '../../record/load.ts';
import type { ObservationRecord } from '../../record/observation.ts';
import type { Run } from '../../record/run.ts';
import { type CycleTimeline, cycleTimeline } from '../model/cycle-timeline.ts';
import { LATENCY_KINDS, spectrumOf, withheldReason } from '../model/latency.ts';
import { type LatencyPoint, latencyTimeline } from '../model/timeline.ts';
import { loopLabel, plural } from '../text/phrases.ts';
import type { PageHeatMap, PageSpectrum, PageTimeline } from './page-data.ts';

/** Loops that get a heat map of their own; each is a few ten kB of the page. */
const HEAT_MAPS_MAX = 6;

/** Four significant digits are finer than any screen, and a third of the bytes. */
function toSec(ns: number): number {
  return Number((ns / 1e9).toPrecision(4));
}

function toSecExact(ns: number): number {
  return Number((ns / 1e9).toFixed(4));
}

const toSecOrNull = (ns: number | null) => (ns === null ? null : toSec(ns));

export function timelineOf(run: Run, diagnosis: Diagnosis): PageTimeline {
  const { load, observation } = run;
  const withheld = withheldReason(diagnosis, 'response');
  const points = load ? latencyTimeline(load, diagnosis) : [];
  const cycles = observation ? cycleTimeline(observation) : null;
  return {
    durationSec: durationSecOf(run),
    latency:
      load && !withheld && points.length > 0
        ? {
            sec: points.map(middleSec),
            p50: points.map((point) => toSecOrNull(point.p50Ns)),
            p99: points.map((point) => toSecOrNull(point.p99Ns)),
            max: points.map((point) => toSecOrNull(point.maxNs)),
            maxAtLeast: points.map((point) => point.maxAtLeast),
            planned: points.map((point) => point.plannedCount),
            failed: points.map((point) => point.failedCount),
          }
        : null,
    latencyNote: withheld
      ? `Response times are withheld (${withheld}).`
      : load
        ? ''
        : 'No load was driven: response times were not measured.',
    rate: load && points.length > 0 ? rateOf(load, points) : null,
    cycles: cycles && observation ? longestCycles(cycles, observation) : null,
    cyclesNote: cyclesNote(run, cycles),
  };
}

function rateOf(load: LoadRecord, points: LatencyPoint[]): NonNullable<PageTimeline['rate']> {
  // Requests of a closed loop are planned when the reply before them is in: that would only be drawn twice.
  const closed = load.plan.arrival === 'closed';
  return {
    sec: points.map(middleSec),
    askedPerSec: closed ? null : points.map((point) => perSec(point.plannedCount, point.durationNs)),
    heldPerSec: points.map((point) => perSec(point.answeredCount, point.durationNs)),
    names: load.replay ? ['due by the log', 'answered'] : ['asked', 'held'],
  };
}

const middleSec = (point: LatencyPoint) => toSecExact(point.startNs + point.durationNs / 2);

function perSec(count: number, durationNs: number): number {
  return durationNs >= 1 ? Number(((count * 1e9) / durationNs).toPrecision(4)) : 0;
}

function cyclesNote(run: Run, cycles: CycleTimeline | null): string {
  if (!run.observation) return 'Nobody watched the server: its cycles are not known.';
  if (run.observation.tier === 'proc') return 'Cycles are not visible through /proc alone.';
  return cycles ? '' : 'No cycle was recorded.';
}

function longestCycles(
  cycles: CycleTimeline,
  observation: ObservationRecord,
): NonNullable<PageTimeline['cycles']> {
  const longestNs = cycles.columnEdgesNs.slice(1).map((_, column) => {
    const values = cycles.loops.map((loop) => loop.longestNs[column] ?? null).filter((ns) => ns !== null);
    return values.length > 0 ? greatestOf(values) : null;
  });
  return {
    edges: cycles.columnEdgesNs.map(toSecExact),
    longest: longestNs.map(toSecOrNull),
    budgetSec: toSec(observation.budgetNs),
  };
}

export function heatMapOf(run: Run): PageHeatMap | null {
  const { observation } = run;
  const cycles = observation ? cycleTimeline(observation) : null;
  if (!observation || !cycles) return null;
  const stallsOf = (loopIndex: number) =>
    observation.stalls.filter((stall) => stall.loopIndex === loopIndex).length;
  const ranked = cycles.loops
    .filter((loop) => loop.cells.length > 0)
    .sort((a, b) => stallsOf(b.loopIndex) - stallsOf(a.loopIndex) || a.loopIndex - b.loopIndex);
  const shown = ranked.slice(0, HEAT_MAPS_MAX).sort((a, b) => a.loopIndex - b.loopIndex);
  return {
    edges: cycles.columnEdgesNs.map(toSecExact),
    durationSec: durationSecOf(run),
    budgetSec: toSec(observation.budgetNs),
    rowLowSec: cycles.rowLowNs.map(toSec),
    loops: shown.map(({ loopIndex, cells }) => ({
      label: loopLabel(observation.loops.find((loop) => loop.loopIndex === loopIndex)),
      cells,
    })),
    note:
      ranked.length > shown.length
        ? `The ${shown.length} loops with the most stalls are here; ${plural(ranked.length - shown.length, 'other is', 'others are')} in the run file.`
        : '',
  };
}

/** The end of every time axis of the page. */
function durationSecOf({ load, observation }: Run): number {
  return toSecExact(Math.max(load?.endNs ?? 0, observation?.endNs ?? 0));
}

export function spectrumSeries(load: LoadRecord, diagnosis: Diagnosis): PageSpectrum | null {
  const series = LATENCY_KINDS.map((kind) => ({ kind, points: spectrumOf(load, diagnosis, kind) }))
    .filter(({ points }) => points.length > 0)
    .map(({ kind, points }) => ({
      kind,
      nines: points.map((point) => Number((-Math.log10(1 - point.q)).toFixed(4))),
      sec: points.map((point) => toSec(Math.max(1, point.ns))),
      atLeastFrom: indexOrNull(points.findIndex((point) => point.atLeast)),
    }));
  return series.length > 0 ? series : null;
}

const indexOrNull = (index: number) => (index < 0 ? null : index);
