/** How a stream of bytes becomes records: lines, or what a .gor or HAR file holds. */
import type { LogEntry } from '../lines/log-entry.ts';
import { REFUSAL, type Refusal } from '../lines/refusal.ts';

/** What is longer is refused as tooLong, and never held. */
export const RECORD_BYTES_MAX = 1 << 20;

/** One record. The same object is filled again and again; its bytes are good until the next one is taken. */
export type LogRecord = {
  bytes: Uint8Array;
  start: number;
  end: number;
  /** Of the stream, from 1: of lines, the line's number. */
  number: number;
  /** What is known without reading it: tooLong, or json where a HAR file is broken. */
  refusal: Refusal;
  /** The stream ended in it, before its line end. */
  unfinished: boolean;
};

/** Cuts one stream. Push, take records until there is none, push again; end, and take the last one. */
export type Splitter = {
  /** The next bytes. They are kept until their records have been taken: not to be written to before. */
  push(chunk: Uint8Array): void;
  /** Nothing more comes. */
  end(): void;
  /** Fills `record` with the next one; false when there is none yet, or no more. */
  next(record: LogRecord): boolean;
};

export function createLogRecord(): LogRecord {
  return { bytes: new Uint8Array(0), start: 0, end: 0, number: 0, refusal: REFUSAL.none, unfinished: false };
}

/** Reads a record. One that the stream's end cut short, and that cannot be read so, is refused as that. */
export function parseRecord(
  parser: { parse(bytes: Uint8Array, start: number, end: number, entry: LogEntry): Refusal },
  record: LogRecord,
  entry: LogEntry,
): Refusal {
  if (record.refusal !== REFUSAL.none) return record.refusal;
  const refusal = parser.parse(record.bytes, record.start, record.end, entry);
  const cut = record.unfinished && refusal !== REFUSAL.none && refusal !== REFUSAL.aside;
  return cut ? REFUSAL.cutShort : refusal;
}

/** Puts [start, end) into a record. */
export function fillRecord(record: LogRecord, bytes: Uint8Array, start: number, end: number): void {
  record.bytes = bytes;
  record.start = start;
  record.end = end;
  record.refusal = REFUSAL.none;
  record.unfinished = false;
}

/** Makes it a record that is refused as it stands. */
export function refuseRecord(record: LogRecord, refusal: Refusal): void {
  fillRecord(record, record.bytes, 0, 0);
  record.refusal = refusal;
}
