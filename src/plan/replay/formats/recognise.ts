/** Which format a log is in: the one that reads most of its first records. */
import { LoopscopeError } from '../../../base/errors.ts';
import { printable } from '../../../base/printable.ts';
import { createSplitter } from '../framing/framing.ts';
import { createLogRecord, parseRecord } from '../framing/splitter.ts';
import { createLogEntry } from '../lines/log-entry.ts';
import { REFUSAL } from '../lines/refusal.ts';
import { type Candidate, candidatesFor, type FormatOptions } from './choice.ts';
import { guessFields } from './json/guess-fields.ts';
import type { LogFormat, LogParser } from './log-format.ts';
import { COMBINED } from './nginx.ts';

/** So much of a log is enough to know it; more is not looked at. */
export const HEAD_BYTES = 65_536;
const RECORDS_MAX = 100;

export type Recognised = {
  format: LogFormat;
  parser: LogParser;
  /** Of the first records that are not aside, how many it reads. */
  share: number;
  /** For people: "nginx: 97 of the first 100 lines". */
  why: string;
};

type Trial = Candidate & {
  parser: LogParser;
  readCount: number;
  /** Read, or laid out as the format says with something else than a request in it: a scanner's TLS hello. */
  laidOutCount: number;
  count: number;
};

/**
 * `head` is the beginning of the log: HEAD_BYTES of it, or all there is. Null for a head that has no record to go by (it
 * is empty, or comments). Throws USAGE when no format reads most of it, with its first line and what to type.
 */
export function recognise(head: Uint8Array, options: FormatOptions): Recognised | null {
  const trials = candidatesFor(options).map((candidate) => tryOn(candidate, head.subarray(0, HEAD_BYTES)));
  const share = ({ readCount, count }: Trial) => (count === 0 ? 0 : readCount / count);
  const best = trials.reduce((a, b) => (share(b) > share(a) ? b : a));
  const isAsked = trials.length === 1;
  const isMost = best.laidOutCount > best.count / 2 || isAsked;
  if (best.readCount === 0 || !isMost) {
    if (!saysAnything(head)) return null;
    if (isAsked && best.count === 0) return { ...best, share: 0, why: `${best.format.name}: asked for` };
    throw unknown(head, isAsked ? best : null);
  }
  const { format, parser, readCount, count } = best;
  const what = format.framing === 'lines' ? 'lines' : 'records';
  return {
    format,
    parser,
    share: share(best),
    why: `${format.name}: ${readCount} of the first ${count} ${what}${isAsked ? '' : skippedIn(format, head)}`,
  };
}

function tryOn(candidate: Candidate, head: Uint8Array): Trial {
  const { format, options } = candidate;
  const parser = format.createParser(options);
  const entry = createLogEntry(parser.escapes);
  const splitter = createSplitter(format.framing);
  const record = createLogRecord();
  let readCount = 0;
  let laidOutCount = 0;
  let count = 0;
  splitter.push(head);
  splitter.end();
  while (count < RECORDS_MAX && splitter.next(record)) {
    const refusal = parseRecord(parser, record, entry);
    // An entry of a HAR file may be longer than the head: that there is one in log.entries tells enough.
    if (format.framing === 'har' && record.unfinished && count === 0) {
      return { ...candidate, parser, readCount: 1, laidOutCount: 1, count: 1 };
    }
    // The head may have been cut in the middle of a line, or of a first one that is longer.
    const isCut = refusal === REFUSAL.cutShort && (count > 0 || head.length === HEAD_BYTES);
    if (refusal === REFUSAL.aside || isCut) continue;
    count++;
    if (refusal === REFUSAL.none) readCount++;
    if (refusal === REFUSAL.none || refusal === REFUSAL.request || refusal === REFUSAL.escape) laidOutCount++;
  }
  return { ...candidate, parser, readCount, laidOutCount, count };
}

/** Whether there is more in it than empty lines and comments. */
function saysAnything(head: Uint8Array): boolean {
  return /^[^#\r\n]/m.test(Buffer.from(head).toString('latin1'));
}

function unknown(head: Uint8Array, asked: Trial | null): LoopscopeError {
  const first = firstLine(head);
  if (asked !== null) {
    return new LoopscopeError(
      'USAGE',
      `the log is not in the format asked for (${asked.format.name}): none of its first ${asked.count} lines is; the first is ${first}`,
      'leave --format and --fields out to have it recognised, or copy the log_format of the server',
    );
  }
  return new LoopscopeError(
    'USAGE',
    `no format reads most of the first lines; the first is ${first}`,
    hintFor(head),
  );
}

/** What to type for a log that is not known. */
function hintFor(head: Uint8Array): string {
  if (head[0] !== 0x7b) {
    return 'say how the server writes it: --format \'$remote_addr - [$time_local] "$request" $status\', or a LogFormat of Apache';
  }
  const guess = guessFields(lineOf(head));
  return guess === null
    ? 'say which key holds what: --fields time=ts,method=request.method,path=request.uri,duration:ms=took'
    : `say which key holds what; this may be it: --fields ${guess}`;
}

/** Longer hints are none. */
const MORE_MAX = 80;
const COMBINED_LINE =
  /^\S+ \S+ \S+ \[[^\]]+\] "(?:[^"\\]|\\.)*" \d{3} (?:\d+|-) "(?:[^"\\]|\\.)*" "(?:[^"\\]|\\.)*"(?= )/;

/** What a log has behind what its format reads, and how to have that read too: most have how long requests took. */
function skippedIn({ name }: LogFormat, head: Uint8Array): string {
  const format = name === 'nginx' ? combinedAndMore(lineOf(head)) : null;
  return format === null ? '' : `; more stands behind that, which --format '${format}' would read`;
}

/** The format of a line that begins as combined does, with a name for each thing behind that; null for another line. */
function combinedAndMore(line: string): string | null {
  const begin = COMBINED_LINE.exec(line)?.[0];
  if (begin === undefined) return null;
  let nth = 0;
  const behind = line.slice(begin.length).replace(/"(?:[^"\\]|\\.)*"|\[[^\]]*\]|[^\s"[\]]+/g, (part) => {
    nth++;
    // A number with its unit can be but one thing.
    if (/^\d+(\.\d+)?(ns|us|µs|ms|s)$/.test(part)) return '$request_time';
    return part[0] === '"' ? `"$more${nth}"` : part[0] === '[' ? `[$more${nth}]` : `$more${nth}`;
  });
  return nth === 0 || behind.length > MORE_MAX ? null : COMBINED.replace('$ident', '-') + behind;
}

function firstLine(head: Uint8Array): string {
  return `"${printable(lineOf(head), 120)}"`;
}

function lineOf(head: Uint8Array): string {
  const end = head.indexOf(10);
  return Buffer.from(head.subarray(0, end < 0 ? head.length : end)).toString();
}
