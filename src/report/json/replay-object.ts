import type { Diagnosis } from '../../diagnose/finding.ts';
import type { LoadRecord } from '../../record/load.ts';
import type { Quantile } from '../model/distribution.ts';
import { type ReplayModel, type RouteRow, replayModel } from '../model/replay.ts';
import { secondsOf, sumCounts } from '../model/seconds.ts';

const RATES_MAX = 600;

/** The part `replay` of a load; null when no log was replayed. */
export function replayObject(load: LoadRecord, diagnosis: Diagnosis) {
  const model = replayModel(load, diagnosis);
  if (!model) return null;
  const { record, statuses } = model;
  const { clients, sizes, starved } = record;
  return {
    log: logObject(model),
    clients: {
      session: clients.session,
      session_why: clients.why,
      distinct: clients.distinct,
      distinct_at_limit: clients.atLimit,
      unknown: clients.unknownCount,
      waited_for_predecessor: clients.waitedCount,
      waited_share: model.waitedShare,
      moved_connection: clients.movedCount,
      out_of_order: clients.disorderedCount,
    },
    schedule: scheduleObject(model),
    fidelity: fidelityObject(model),
    starved: { requests: starved.count, longest_ns: starved.longestNs },
    routes: model.routes.map(routeObject),
    statuses: {
      as_logged: statuses.sameCount,
      otherwise: statuses.differentCount,
      not_logged: statuses.unloggedCount,
      matrix: record.statusMatrix.map(([logged, came, count]) => ({
        logged: logged === 0 ? null : logged,
        came,
        count,
      })),
    },
    sizes: {
      equal: sizes.equal,
      larger: sizes.larger,
      smaller: sizes.smaller,
      unknown: sizes.unknown,
      more_bytes: sizes.moreBytes,
      fewer_bytes: sizes.fewerBytes,
      filled_requests: sizes.filledCount,
    },
    rates: ratesOf(load),
  };
}

/** Second by second, of a long replay several together: what was due by the log, and the replies that came. */
function ratesOf(load: LoadRecord) {
  const seconds = secondsOf(load);
  const step = Math.max(1, Math.ceil(seconds.length / RATES_MAX));
  return Array.from({ length: Math.ceil(seconds.length / step) }, (_, i) => {
    const group = seconds.slice(i * step, (i + 1) * step);
    const { planned, ok, wrong } = sumCounts(group.map(({ counts }) => counts));
    return {
      start_ns: group[0]!.startNs - load.startNs,
      duration_ns: group.reduce((sum, { durationNs }) => sum + durationNs, 0),
      due: planned,
      answered: ok + wrong,
    };
  });
}

function logObject({ record: { log }, lines }: ReplayModel) {
  return {
    sources: log.sources,
    source_count: log.sourceCount,
    format: log.format.name,
    format_why: log.format.why,
    lines: lines.readCount,
    requests: log.requestCount,
    refused: log.refused.map(({ reason, count, firstLines, example }) => ({
      reason,
      count,
      first_lines: firstLines.map(({ source, line }) => ({ source, line })),
      example,
    })),
    left_out: log.skipped.map(({ reason, count }) => ({ reason, count })),
    unaccounted: lines.unaccountedCount,
    not_due: lines.notDueCount,
    span_ns: log.spanNs,
    first_wall_ms: log.firstWallMs,
    remarks: log.remarks,
  };
}

function scheduleObject({ record: { schedule } }: ReplayModel) {
  return {
    pace: schedule.pace,
    speed: schedule.speed,
    rate_per_sec: schedule.ratePerSec,
    from: schedule.from,
    to: schedule.to,
    rounds: schedule.roundCount,
    grain_ns: schedule.grainNs,
    spread: schedule.spreadCount,
    reorder_overflow: schedule.overflowCount,
    follow: schedule.follow
      ? {
          behind_ns: schedule.follow.behindNs,
          behind_bytes: schedule.follow.behindBytes,
          rotated: schedule.follow.rotatedCount,
          truncated: schedule.follow.truncatedCount,
          delay_ns: schedule.follow.delayNs ?? null,
          overtaken: schedule.follow.overtakenCount ?? null,
        }
      : null,
  };
}

/** Null at full speed: there is no schedule to be true to. */
function fidelityObject({ record, gaps, lag, dispersion }: ReplayModel) {
  if (record.schedule.pace === 'max') return null;
  return {
    gaps: gaps && {
      ks_distance: gaps.distance,
      tolerance_ns: gaps.toleranceNs,
      mean_asked_ns: gaps.meanNs,
      count: gaps.count,
    },
    dispersion: dispersion.map(({ ms, asked, sent, ratio }) => ({ window_ms: ms, asked, sent, ratio })),
    lag: lag && { final_ns: lag.finalNs, largest_ns: lag.largestNs, schedule_ns: lag.spanNs },
  };
}

function routeObject({ name, requestCount, logged, replayed, differenceNs }: RouteRow) {
  const ns = (quantile: Quantile | null) => quantile?.ns ?? null;
  return {
    name,
    requests: requestCount,
    logged: { p50_ns: ns(logged.p50), p99_ns: ns(logged.p99) },
    replayed: { p50_ns: ns(replayed.p50), p99_ns: ns(replayed.p99) },
    difference: { p50_ns: differenceNs.p50, p99_ns: differenceNs.p99 },
  };
}
