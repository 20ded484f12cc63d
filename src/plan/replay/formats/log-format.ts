import type { Escapes, LogEntry } from '../lines/log-entry.ts';
import type { Refusal } from '../lines/refusal.ts';

/** What can tell one client from another, the most exact first. */
export const SESSION_KINDS = ['connection', 'ip:port', 'header', 'ip+agent', 'ip', 'none'] as const;

export type SessionKind = (typeof SESSION_KINDS)[number];

export type ParserOptions = {
  /** The log's own log_format or LogFormat string, for the formats that take one. */
  template?: string;
  /** Which key holds what, for JSON lines: "time=ts,method=req.method". */
  fields?: string;
  /** The header whose value tells clients apart: "x-user-id". */
  sessionHeader?: string;
};

/** Reads the lines of one log. */
export type LogParser = {
  readonly escapes: Escapes;
  /** Which end of a request the stamp is of: where it is the end, the start is so much earlier as the request took. */
  readonly stamped: 'start' | 'end';
  /** What it tells of clients. */
  readonly carries: readonly SessionKind[];
  /** [start, end) of `bytes` is one line, without its end. What it says is put into `entry`. */
  parse(bytes: Uint8Array, start: number, end: number, entry: LogEntry): Refusal;
};

/** How a stream of bytes is cut into records. */
export type Framing = 'lines' | 'gor' | 'har';

/**
 * A log format: a plain object, one in a file, listed in registry.ts. It is recognised by reading the first lines with
 * its parser, so that what is recognised can be read.
 */
export type LogFormat = {
  name: string;
  summary: string;
  framing: Framing;
  /** It cannot do without: not tried on a log unless asked for. */
  needs?: 'fields';
  /** Throws USAGE when the options are no such format's, or hold too little to place a request in time. */
  createParser(options: ParserOptions): LogParser;
};
