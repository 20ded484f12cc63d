/**
 * Lines, ended by LF or CRLF.
 *
 * Invariants
 *  L1  A line within a chunk is a range of that chunk: only one that goes over its end is copied.
 *  L2  No more is held than RECORD_BYTES_MAX; the rest of a longer line is walked over.
 *  L3  next() allocates nothing.
 */
import { REFUSAL } from '../lines/refusal.ts';
import { Carry } from './carry.ts';
import { fillRecord, type LogRecord, RECORD_BYTES_MAX, refuseRecord, type Splitter } from './splitter.ts';

const LF = 10;
const CR = 13;

export function createLineSplitter(): Splitter {
  const carry = new Carry();
  let chunk: Buffer = Buffer.alloc(0);
  let at = 0;
  let ended = false;
  let number = 0;
  /** Within a line that is too long. */
  let skipping = false;
  /** What `carry` holds has been handed over. */
  let taken = false;

  function finish(record: LogRecord, bytes: Buffer, start: number, end: number): true {
    record.number = ++number;
    if (skipping || end - start > RECORD_BYTES_MAX) {
      skipping = false;
      refuseRecord(record, REFUSAL.tooLong);
      return true;
    }
    fillRecord(record, bytes, start, end > start && bytes[end - 1] === CR ? end - 1 : end);
    return true;
  }

  function keep(end: number): void {
    if (!skipping && !carry.append(chunk, at, end)) {
      skipping = true;
      carry.length = 0;
    }
  }

  function finishCarried(record: LogRecord): true {
    taken = true;
    return finish(record, carry.bytes, 0, carry.length);
  }

  function takeLast(record: LogRecord): boolean {
    if (!ended || (carry.length === 0 && !skipping)) return false;
    finishCarried(record);
    record.unfinished = true;
    return true;
  }

  return {
    push(next) {
      chunk = Buffer.from(next.buffer, next.byteOffset, next.length);
      at = 0;
    },
    end() {
      ended = true;
    },
    next(record) {
      if (taken) {
        carry.length = 0;
        taken = false;
      }
      const newline = at < chunk.length ? chunk.indexOf(LF, at) : -1;
      if (newline < 0) {
        keep(chunk.length);
        at = chunk.length;
        return takeLast(record);
      }
      const start = at;
      if (carry.length === 0 && !skipping) {
        at = newline + 1;
        return finish(record, chunk, start, newline);
      }
      keep(newline);
      at = newline + 1;
      return finishCarried(record);
    },
  };
}
