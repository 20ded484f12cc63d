/** The reader's counts as one plain value. */
import { formatNs } from '../../../base/units.ts';
import type { SessionKind } from '../formats/log-format.ts';
import type { LiveClock } from '../order/live-clock.ts';
import type { Pace } from '../order/pace.ts';
import type { Reader } from '../reader.ts';
import type { ReplaySummary, TimeSummary } from '../replay-summary.ts';
import { type LogFile, nameOf } from '../sources/log-file.ts';
import type { Account } from './account.ts';

type Parts = {
  reader: Reader;
  pace: Pace;
  account: Account;
  logs: readonly LogFile[];
  session: { kind: SessionKind; why: string };
  live: LiveClock | null;
};

export function summarize({ reader, pace, account, logs, session, live }: Parts): ReplaySummary {
  const { survey, methods } = reader;
  return {
    sources: logs.map((log) => log.summary()),
    format: formatOf(logs),
    session: {
      ...session,
      clientCount: survey.clients.count,
      clientLimit: survey.clients.limit,
      unknownCount: reader.unknownCount,
    },
    lineCount: account.lineCount,
    requestCount: account.requestCount,
    refused: account.refused(),
    leftOut: account.leftOut(),
    unsafeMethods: survey.unsafeMethods(methods),
    methods: survey.methods(methods),
    statuses: survey.statuses(),
    routes: survey.routes(reader.routes.names()),
    time: timeOf(reader, pace),
    roundCount: reader.roundCount,
    spreadCount: reader.spreadCount,
    filledCount: reader.filledCount,
    follow: followOf(logs, live, reader),
    windowOverflowCount: reader.overflowCount,
    remarks: remarksOf(reader, logs, live),
  };
}

function followOf(
  logs: readonly LogFile[],
  live: LiveClock | null,
  { beganMs, overtakenCount }: Reader,
): ReplaySummary['follow'] {
  const followed = logs[0]?.followed ?? null;
  if (followed === null || live === null) return null;
  const { rotatedCount, truncatedCount, behindBytes } = followed;
  return {
    rotatedCount,
    truncatedCount,
    behindBytes,
    behindNs: behindBytes > 0 ? live.behindNs() : 0,
    beganMs,
    overtakenCount,
  };
}

function formatOf(logs: readonly LogFile[]): ReplaySummary['format'] {
  const known = logs.flatMap(({ recognised }) => (recognised === null ? [] : [recognised]));
  const names = [...new Set(known.map(({ format }) => format.name))];
  if (names.length === 0) return { name: 'none', why: 'no line says' };
  const why = names.length > 1 ? 'not all files are in one' : known[0]!.why;
  return { name: names.join(', '), why };
}

function timeOf({ survey, anchorSec, grainNs }: Reader, { speed }: Pace): TimeSummary | null {
  const { curve } = survey;
  if (Number.isNaN(curve.firstNs)) return null;
  const spanNs = curve.lastNs - curve.firstNs;
  return {
    firstSec: anchorSec + curve.firstNs / 1e9,
    lastSec: anchorSec + curve.lastNs / 1e9,
    spanNs,
    replayNs: speed === 0 ? 0 : spanNs / speed,
    speed,
    grainNs,
    meanPerSec: spanNs > 0 ? curve.count / (spanNs / 1e9) : 0,
    peakPerSec: curve.peakPerSec,
    peakSec: anchorSec + curve.peakSec,
    curve: curve.counts(),
    curveStepSec: curve.stepSec,
  };
}

/** So far behind, it is not one slow request: the log itself goes back. */
const BACKWARDS_NS = 3600e9;

function remarksOf(
  { endedEarly, overflowCount, heldNsMin, lateNsMax }: Reader,
  logs: readonly LogFile[],
  live: LiveClock | null,
): string[] {
  const remarks = logs
    .map((log) => ({ path: log.path, damage: log.summary().damage }))
    .filter(({ damage }) => damage !== null)
    .map(({ path, damage }) => `${nameOf(path)}: ${damage}`);
  for (const log of logs.filter(({ setBackCount }) => setBackCount > 0)) {
    remarks.push(
      `${nameOf(log.path)}: its stamps have no zone and go back by an hour, as at the end of summer time: what follows is taken ` +
        'to be an hour later than it says',
    );
  }
  if (live !== null && live.setCount > 0) {
    remarks.push(
      'the log’s clock was set while it was followed: what came after that is replayed as it came',
    );
  }
  if (logs.some(({ followed }) => (followed?.truncatedCount ?? 0) > 0)) {
    remarks.push(
      'the log was cut: lines that were written less than 0.1 s before that may not have been seen',
    );
  }
  if (lateNsMax > BACKWARDS_NS) {
    remarks.push(
      'the log goes back in time by more than an hour: files that were joined in the wrong order are put in the right one when each is named',
    );
  }
  if (endedEarly) remarks.push('reading ended at --to: what lies behind it is not counted');
  if (overflowCount > 0) {
    remarks.push(
      `${overflowCount} requests left the reorder window early, because its memory was full: it then held ` +
        `${formatNs(Math.max(0, heldNsMin))} of the log, or more`,
    );
  }
  return remarks;
}
