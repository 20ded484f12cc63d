/** What --dry-run prints with --json. */
import type { ReplaySummary } from '../../plan/replay/replay-summary.ts';
import { isoTime } from '../../report/text/wall-clock.ts';

/** The format is described in docs/reference/replay.md. */
export function surveyObject(summary: ReplaySummary, readNs: number): object {
  const { sources, format, session, time } = summary;
  return {
    format: 'loopscope-replay-survey',
    version: 1,
    read_sec: readNs / 1e9,
    sources: sources.map(({ path, packing, lineCount, damage }) => ({
      path,
      packing,
      lines: lineCount,
      damage,
    })),
    log_format: format,
    lines: summary.lineCount,
    requests: summary.requestCount,
    refused: summary.refused.map(({ meaning, count, firstAt, example }) => ({
      reason: meaning,
      count,
      first_at: firstAt,
      example,
    })),
    left_out: summary.leftOut.map(({ why, count }) => ({ reason: why, count })),
    unsafe_methods: summary.unsafeMethods,
    clients: {
      session: session.kind,
      why: session.why,
      count: session.clientCount,
      is_more: session.clientCount === session.clientLimit,
      unknown: session.unknownCount,
    },
    methods: summary.methods,
    statuses: summary.statuses,
    routes: summary.routes,
    time: time && {
      first: isoTime(time.firstSec * 1000),
      last: isoTime(time.lastSec * 1000),
      span_sec: time.spanNs / 1e9,
      replay_sec: time.speed === 0 ? null : time.replayNs / 1e9,
      speed: time.speed === 0 ? null : time.speed,
      grain_ns: time.grainNs,
      spread: summary.spreadCount,
      mean_per_sec: time.meanPerSec,
      peak_per_sec: time.peakPerSec,
      peak_at: isoTime(time.peakSec * 1000),
      curve: time.curve,
      curve_step_sec: time.curveStepSec,
    },
    window_overflow: summary.windowOverflowCount,
    remarks: summary.remarks,
  };
}
