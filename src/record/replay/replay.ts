/**
 * What a replay adds to a LoadRecord: the log, and how true the load was to it. Times are ns; histograms are
 * HdrHistogram V2, compressed, base64. Figures that follow from the rest of the record (dispersion, lag, the routes'
 * latencies as replayed) are not here: arrivals, blocks and kinds have them.
 */
export type ReplayRecord = {
  log: ReplayLog;
  clients: ReplayClients;
  schedule: ReplaySchedule;
  /** Gaps between one request and the next as the schedule has them: a histogram; null at full speed. */
  askedGaps: string | null;
  /** Requests whose time had come before the reader of the log handed them over, and how late it was with the latest. */
  starved: { count: number; longestNs: number };
  /** In the order of the load's kinds, at most ROUTE_LIMIT. */
  routes: ReplayRoute[];
  /** Replies by status as logged (0: the log has none) and as it came; requests without a reply are not among them. */
  statusMatrix: [logged: number, came: number, count: number][];
  sizes: ReplaySizes;
};

/** read = requests + Σ refused + Σ skipped, to the line. */
export type ReplayLog = {
  /** Names without folders, at most 64; "standard input". */
  sources: string[];
  sourceCount: number;
  /** The name of a format, and how it was found: "named", "98 of the first 100 lines are read by it". */
  format: { name: string; why: string };
  /** Lines read, or what is one request in the format; with loops those of all rounds. */
  readCount: number;
  /** Handed to the load threads. */
  requestCount: number;
  /** Lines that are no requests to be understood. */
  refused: ReplayRefusal[];
  /** Left out on purpose: "a method that changes things: POST", "--only", "--sample". */
  skipped: { reason: string; count: number }[];
  /** From the first to the last request's time, as logged; null: no stamps. */
  spanNs: number | null;
  /** When the first request was, ms since 1970; null: no stamps. */
  firstWallMs: number | null;
  /** What else a reader should know, in sentences: a damaged archive. */
  remarks: string[];
};

export type ReplayRefusal = {
  reason: string;
  count: number;
  /** At most 8, from 1; `source` is an index into the sources. */
  firstLines: { source: number; line: number }[];
  /** The text of the first of them, printable and cut; may be empty. */
  example: string;
};

export type ReplayClients = {
  /** What tells clients apart. */
  session: 'ip' | 'ip+agent' | 'ip:port' | 'connection' | 'header' | 'none';
  /** "asked for", "the log has no port". */
  why: string;
  /** How many there were; null: not counted. With `atLimit` no more than so many are told apart. */
  distinct: number | null;
  atLimit: boolean;
  /** Requests whose line does not say who sent them: each is a client of its own. */
  unknownCount: number;
  /** Requests that were due while their client's one before had no end yet. */
  waitedCount: number;
  /** Requests that went out on another connection than their client's one before. */
  movedCount: number;
  /** Requests sent before one of their client that the log has earlier. */
  disorderedCount: number;
};

export type ReplaySchedule = {
  /** The log's own times multiplied, a rate that the log is scaled to, or as fast as replies come. */
  pace: 'speed' | 'rate' | 'max';
  /** Log time ÷ replay time; null at full speed. */
  speed: number | null;
  /** With pace "rate". */
  ratePerSec: number | null;
  /** The part of the log that was asked for, as typed; null: from its beginning, to its end. */
  from: string | null;
  to: string | null;
  /** Times that the log was begun. */
  roundCount: number;
  /** The step of the log's stamps; null: no stamps. */
  grainNs: number | null;
  /** Requests whose stamps are whole seconds, spread over them. */
  spreadCount: number;
  /** Requests that went on before the reorder window had closed, because it was full. */
  overflowCount: number;
  /**
   * A log that is still written: how often it was replaced and cut, how far behind its end reading ended, how long after
   * its start by the log each request was due, and how many went out behind such that began later.
   */
  follow?: {
    behindNs: number;
    behindBytes: number;
    rotatedCount: number;
    truncatedCount: number;
    delayNs?: number;
    overtakenCount?: number;
  };
};

export type ReplayRoute = {
  name: string;
  /** How long the server says that it took: a histogram; null when the log does not tell. */
  logged: string | null;
};

/** Replies by the size of their body, against the log. */
export type ReplaySizes = {
  equal: number;
  larger: number;
  smaller: number;
  /** The log or the reply has no size. */
  unknown: number;
  /** By how much, all of them together. */
  moreBytes: number;
  fewerBytes: number;
  /** Requests whose body the log has not, sent with as many bytes of filler. */
  filledCount: number;
};
