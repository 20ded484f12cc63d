import type { SessionKind } from './formats/log-format.ts';
import type { Refusal } from './lines/refusal.ts';

/** Of each reason for refusing lines. */
export const FIRST_LINES_TOLD = 5;

/** What the reader did with everything that it read. Structured-clonable. */
export type ReplaySummary = {
  /** By source, in the order in which they were read. */
  sources: SourceSummary[];
  /** Its name, and how it came to be chosen: "named", "98 of the first 100 lines are read by it". */
  format: { name: string; why: string };
  session: {
    kind: SessionKind;
    /** As sentences end: "the log has no port". */
    why: string;
    /** Different ones among the requests; no more than `clientLimit` are told apart. */
    clientCount: number;
    clientLimit: number;
    /** Requests whose line does not say who sent them: each is a client of its own. */
    unknownCount: number;
  };
  /** Lines or records: requestCount + the refused + the left out. */
  lineCount: number;
  /** Handed on. With `loop`, of all rounds. */
  requestCount: number;
  refused: RefusedLines[];
  /** Readable, but not asked for; those above 0 only. */
  leftOut: { why: LeftOut; count: number }[];
  /** Methods that need `unsafeMethods`, with how often they came; the most frequent first. */
  unsafeMethods: { method: string; count: number }[];
  /** Of the requests. */
  methods: { method: string; count: number }[];
  /** As the log has them; 0: not known. Ascending. */
  statuses: { status: number; count: number }[];
  /** By route number; ROUTE_LIMIT at most, the last of that many named "other". */
  routes: { name: string; count: number }[];
  /** When the requests of the log began; null without any. With `loop`, of one round. */
  time: TimeSummary | null;
  /** Rounds begun; 1 without `loop`. */
  roundCount: number;
  /** Requests whose stamps are whole seconds, and whose starts were spread within them. */
  spreadCount: number;
  /** Requests whose bodies are filler of the logged length. */
  filledCount: number;
  /**
   * With `follow`: how often the file was replaced and cut, how far behind its end reading was when it ended, when the
   * first request began by our clock (ms since 1970, NaN without any), and how many are due behind such that began later.
   */
  follow: {
    rotatedCount: number;
    truncatedCount: number;
    behindBytes: number;
    behindNs: number;
    beganMs: number;
    overtakenCount: number;
  } | null;
  /** Requests that went on before the reorder window had closed, because it was full. */
  windowOverflowCount: number;
  /** What a user should know: a damaged archive, a log that runs backwards. Sentences. */
  remarks: string[];
};

export type SourceSummary = {
  path: string;
  /** As it was packed. */
  packing: 'plain' | 'gzip' | 'zstd';
  lineCount: number;
  /** Why reading ended before the end; null: it did not. */
  damage: string | null;
};

export type LeftOut =
  | 'method'
  /** Empty, a comment, a recorded reply, or not HTTP. */
  | 'nothing to send'
  | 'only'
  | 'skip'
  | 'sample'
  | 'outside --from and --to'
  /** Read, and in the reorder window or not yet due when the replay was ended. */
  | 'not reached before the end'
  | 'too long to be sent';

export type RefusedLines = {
  reason: Refusal;
  /** REFUSAL_MEANING of it. */
  meaning: string;
  count: number;
  /** The first ones, FIRST_LINES_TOLD at most: an index into the sources, and lines counted from 1. */
  firstAt: { source: number; line: number }[];
  /** The first one's text, printable and cut; empty when it has none. */
  example: string;
};

export type TimeSummary = {
  /** Of the first and last request, seconds since 1970. */
  firstSec: number;
  lastSec: number;
  /** From the first request to the last, as logged. */
  spanNs: number;
  /** How long the replay takes at its speed; 0 at full speed. */
  replayNs: number;
  /** Log time to replay time; 0 at full speed. */
  speed: number;
  /** What stamps are cut to: the coarsest one met. 1e9 means whole seconds, and starts spread within them. */
  grainNs: number;
  meanPerSec: number;
  /** The second of the log with most requests. */
  peakPerSec: number;
  peakSec: number;
  /** Requests by equal parts of the span, from firstSec on. */
  curve: number[];
  curveStepSec: number;
};
