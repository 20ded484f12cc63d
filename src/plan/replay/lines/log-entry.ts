/**
 * What a line of a log says of one request. One entry is used again for every line: text stays where it was read, as
 * ranges into the line's bytes, which are good until the next line.
 */

/** Text fields of an entry: their places in `ranges`. */
export const FIELD = {
  method: 0,
  path: 1,
  host: 2,
  client: 3,
  connection: 4,
  userAgent: 5,
  referrer: 6,
  /** What --session header:NAME asks for. */
  session: 7,
} as const;

export type Field = (typeof FIELD)[keyof typeof FIELD];

const FIELD_COUNT = 8;

/** How the log wrote bytes that it would not write plainly: \x22, as JSON does, or #22. Recordings have all as it was. */
export type Escapes = 'backslash' | 'json' | 'hash' | 'none';

export type LogEntry = {
  bytes: Uint8Array;
  /** Start and end of each field in `bytes`; equal where the log has it not, or "-". */
  readonly ranges: Int32Array;
  readonly escapes: Escapes;
  /** The stamp: seconds since 1970, and nanoseconds within the second. */
  stampSec: number;
  stampSubNs: number;
  /** What the stamp is cut to: 1e9 for whole seconds. */
  grainNs: number;
  /** Of the clock that it was written by, seconds east of Greenwich; 0 where the stamp does not say. */
  zoneSec: number;
  /** The stamp has no zone: its clock is set back in autumn. */
  isLocal: boolean;
  /** −1: not known. */
  durationNs: number;
  /** 0: not known. */
  status: number;
  /** Of the reply; −1: not known. */
  bodyBytes: number;
  /** Of the request's body, or with its head before it; −1: not known. */
  requestBytes: number;
  requestHasHead: boolean;
  /** Of the client; 0: not known. */
  port: number;
  /**
   * What recordings carry beside what logs do: header lines as they went over the wire, each with its line end, and the
   * body, not chunked any more (start and end of both in `carried`). Equal where there is none. Headers about the body and
   * the connection are among them.
   */
  carried: Uint8Array;
  headStart: number;
  headEnd: number;
  bodyStart: number;
  bodyEnd: number;
};

/** An empty entry of a log that escapes as `escapes` says. */
export function createLogEntry(escapes: Escapes): LogEntry {
  return {
    bytes: new Uint8Array(0),
    ranges: new Int32Array(2 * FIELD_COUNT),
    escapes,
    stampSec: 0,
    stampSubNs: 0,
    grainNs: 1,
    zoneSec: 0,
    isLocal: false,
    durationNs: -1,
    status: 0,
    bodyBytes: -1,
    requestBytes: -1,
    requestHasHead: false,
    port: 0,
    carried: new Uint8Array(0),
    headStart: 0,
    headEnd: 0,
    bodyStart: 0,
    bodyEnd: 0,
  };
}

/** Forgets the last line. */
export function clearEntry(entry: LogEntry, bytes: Uint8Array): void {
  entry.bytes = bytes;
  entry.ranges.fill(0);
  entry.grainNs = 1;
  entry.durationNs = -1;
  entry.status = 0;
  entry.bodyBytes = -1;
  entry.requestBytes = -1;
  entry.requestHasHead = false;
  entry.port = 0;
  entry.headStart = 0;
  entry.headEnd = 0;
  entry.bodyStart = 0;
  entry.bodyEnd = 0;
}

/** Puts a field at [start, end); a lone "-" is how logs write nothing. */
export function setField(entry: LogEntry, field: Field, start: number, end: number): void {
  if (end - start === 1 && entry.bytes[start] === 0x2d) return;
  entry.ranges[2 * field] = start;
  entry.ranges[2 * field + 1] = end;
}

export function hasField({ ranges }: LogEntry, field: Field): boolean {
  return ranges[2 * field + 1]! > ranges[2 * field]!;
}
