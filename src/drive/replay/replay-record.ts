/** From what the reader of a log and the load threads tell to the run's record of a replay. Pure. */
import { basename } from 'node:path';
import { printable } from '../../base/printable.ts';
import { REFUSAL } from '../../plan/replay/lines/refusal.ts';
import { LIVE_SLACK_NS } from '../../plan/replay/order/pace.ts';
import type { ReplayOptions } from '../../plan/replay/replay-options.ts';
import type { ReplaySummary } from '../../plan/replay/replay-summary.ts';
import type {
  ReplayClients,
  ReplayLog,
  ReplayRecord,
  ReplaySchedule,
  ReplaySizes,
} from '../../record/replay/replay.ts';

const SOURCES_MAX = 64;
const METHODS_TOLD = 4;
const FIRST_LINES_MAX = 8;

/** What was counted while the log was replayed. */
export type ReplayTally = Pick<ReplayClients, 'waitedCount' | 'movedCount' | 'disorderedCount'> & {
  starved: ReplayRecord['starved'];
  /** Histograms, encoded. Of the gaps that were due, in order of all clients together; null at full speed. */
  askedGaps: string | null;
  /** By route: how long the server says that it took; null where no line told. */
  logged: readonly (string | null)[];
  statusMatrix: ReplayRecord['statusMatrix'];
  sizes: Omit<ReplaySizes, 'filledCount'>;
  filledCount: number;
};

/** The account of a replay that has ended. */
export function replayRecordOf(
  summary: ReplaySummary,
  options: ReplayOptions,
  tally: ReplayTally,
  startMs: number,
): ReplayRecord {
  const { session } = summary;
  return {
    log: logOf(summary),
    clients: {
      session: session.kind,
      why: session.why,
      distinct: session.kind === 'none' ? null : session.clientCount,
      atLimit: session.clientCount >= session.clientLimit && session.clientLimit > 0,
      unknownCount: session.unknownCount,
      waitedCount: tally.waitedCount,
      movedCount: tally.movedCount,
      disorderedCount: tally.disorderedCount,
    },
    schedule: scheduleOf(summary, options, startMs),
    askedGaps: tally.askedGaps,
    starved: tally.starved,
    routes: summary.routes.map(({ name }, route) => ({ name, logged: tally.logged[route] ?? null })),
    statusMatrix: tally.statusMatrix,
    sizes: { ...tally.sizes, filledCount: tally.filledCount },
  };
}

function logOf(summary: ReplaySummary): ReplayLog {
  // Lines with nothing to send are none that could not be read.
  const aside = summary.refused.find(({ reason }) => reason === REFUSAL.aside);
  const leftOut = summary.leftOut.map(({ why, count }) => ({ reason: leftOutText(why, summary), count }));
  return {
    sources: summary.sources
      .slice(0, SOURCES_MAX)
      .map(({ path }) => (path === '-' ? 'standard input' : basename(path))),
    sourceCount: summary.sources.length,
    format: summary.format,
    readCount: summary.lineCount,
    requestCount: summary.requestCount,
    refused: summary.refused
      .filter((refused) => refused !== aside)
      .map(({ meaning, count, firstAt, example }) => ({
        reason: meaning,
        count,
        firstLines: firstAt.slice(0, FIRST_LINES_MAX),
        example,
      })),
    skipped: aside ? [...leftOut, { reason: aside.meaning, count: aside.count }] : leftOut,
    spanNs: summary.time?.spanNs ?? null,
    firstWallMs: summary.time ? Math.max(0, Math.round(summary.time.firstSec * 1e3)) : null,
    remarks: summary.remarks,
  };
}

/** "a method that changes things: POST, PUT"; the options under their own names. */
function leftOutText(why: ReplaySummary['leftOut'][number]['why'], { unsafeMethods }: ReplaySummary): string {
  if (why === 'only' || why === 'skip' || why === 'sample') return `--${why}`;
  if (why !== 'method') return why;
  const methods = unsafeMethods.slice(0, METHODS_TOLD).map(({ method }) => printable(method, 20));
  const more = unsafeMethods.length > methods.length ? ', …' : '';
  return `a method that changes things${methods.length > 0 ? `: ${methods.join(', ')}${more}` : ''}`;
}

function scheduleOf(
  summary: ReplaySummary,
  { pace, from, to }: ReplayOptions,
  startMs: number,
): ReplaySchedule {
  const { time, follow } = summary;
  const isTimed = pace?.kind !== 'max';
  return {
    pace: pace?.kind ?? 'speed',
    speed: isTimed ? (time?.speed ?? null) : null,
    ratePerSec: pace?.kind === 'rate' ? pace.perSec : null,
    from: from ?? null,
    to: to ?? null,
    roundCount: summary.roundCount,
    grainNs: time?.grainNs ?? null,
    spreadCount: summary.spreadCount,
    overflowCount: summary.windowOverflowCount,
    ...(follow && { follow: followOf(follow, startMs) }),
  };
}

function followOf(
  { beganMs, ...counts }: NonNullable<ReplaySummary['follow']>,
  startMs: number,
): ReplaySchedule['follow'] {
  if (Number.isNaN(beganMs)) return counts;
  return { ...counts, delayNs: Math.max(0, (startMs - beganMs) * 1e6 + LIVE_SLACK_NS) };
}
