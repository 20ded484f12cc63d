import type { ReplayRequest } from './replay-request.ts';
import type { ReplaySummary } from './replay-summary.ts';

/**
 * Takes requests. Logged times by route are for the sink to count: each request has its route and its loggedNs.
 */
export type ReplaySink = {
  /** False: there is no room. The same request comes again after room(). What is to be kept is copied. */
  push(request: ReplayRequest): boolean;
  room(): Promise<void>;
};

/** Takes everything, and forgets it. */
export const DROPPING_SINK: ReplaySink = { push: () => true, room: async () => {} };

/** How far reading has come. */
export type ReplayProgress = {
  lineCount: number;
  requestCount: number;
  /** Of the files, as they lie on disk; 0 where that is not known. */
  readBytes: number;
  totalBytes: number;
  /** Stamp of the newest line, seconds since 1970; 0 before one. */
  newestSec: number;
  /** With `follow`: bytes that were written and not yet read. */
  behindBytes: number;
};

/** Reads logs that were opened. */
export type ReplayReader = {
  /**
   * Hands every request to `sink` in the order in which they are due, until the logs end or `signal` is raised; what was
   * read until then is in the summary. To be called once.
   */
  pump(sink: ReplaySink, signal: AbortSignal): Promise<ReplaySummary>;
  /** May be asked while pump() runs. */
  progress(): ReplayProgress;
  /** Names of the routes met so far, by number. */
  routeNames(): string[];
  /** Closes what is open; for a reader that is not pumped to its end. */
  close(): Promise<void>;
};
