/**
 * The readable lines of one log, in the order in which they stand there.
 *
 * Invariants
 *  S1  Every record is counted once: delivered, or refused with its reason and place.
 *  S2  next() allocates nothing for a line that is delivered in its turn.
 *  S3  A line whose clock leaps forward is held until the next one is near it; otherwise it is refused. One wrong stamp
 *      would put all that follows out of reach of the reorder window.
 */
import type { LogParser } from '../formats/log-format.ts';
import { createLogRecord, type LogRecord, parseRecord, type Splitter } from '../framing/splitter.ts';
import { createLogEntry, type LogEntry } from '../lines/log-entry.ts';
import { REFUSAL } from '../lines/refusal.ts';
import type { Account } from '../survey/account.ts';
import type { Chunks } from './chunks.ts';

/** A line further ahead of the newest than this leaps. */
export const LEAP_SEC = 60;
/** A last line has none behind it: it is believed when it leaps no further. */
const LAST_LEAP_SEC = 3600;

export type LogSourceOptions = {
  /** Its number among the sources. */
  index: number;
  chunks: Chunks;
  splitter: Splitter;
  parser: LogParser;
  account: Account;
  /** False for recordings, whose stamps are our own kind's, and for logs that are written now. */
  checksClock: boolean;
};

export class LogSource {
  /** The line that next() came to. */
  readonly entry: LogEntry;
  readonly index: number;
  readonly parser: LogParser;
  lineCount = 0;
  /** Number of the line in `entry`. */
  line = 0;
  readonly #options: LogSourceOptions;
  readonly #record: LogRecord = createLogRecord();
  #newestSec = Number.NEGATIVE_INFINITY;
  #ended = false;
  /** The record was read, and comes after the one that was held. */
  #again = false;
  #isHolding = false;
  #held: Buffer = Buffer.alloc(0);
  #heldLength = 0;
  #heldSec = 0;
  #heldLine = 0;

  constructor(options: LogSourceOptions) {
    this.#options = options;
    this.index = options.index;
    this.parser = options.parser;
    this.entry = createLogEntry(options.parser.escapes);
  }

  /** Reads on to the next readable line; false when fill() is to be called first, or the log has ended. */
  next(): boolean {
    const record = this.#record;
    for (;;) {
      if (!this.#again) {
        if (!this.#options.splitter.next(record)) return this.#ended && this.#releaseLast();
        this.lineCount++;
        this.#options.account.lineCount++;
      }
      this.#again = false;
      const refusal = parseRecord(this.parser, record, this.entry);
      if (refusal === REFUSAL.aside) {
        this.#options.account.leaveOut('nothing to send');
      } else if (refusal !== REFUSAL.none) {
        this.line = record.number;
        this.#options.account.refuse(
          refusal,
          { source: this.index, line: record.number },
          record.bytes,
          record.start,
          record.end,
        );
      } else if (!this.#options.checksClock) {
        this.line = record.number;
        return true;
      } else if (this.#isSteady()) {
        return true;
      }
    }
  }

  /** Whether what is in `entry` is to be delivered: the line just read, or the one that it confirms. */
  #isSteady(): boolean {
    const { stampSec } = this.entry;
    if (this.#isHolding) {
      this.#isHolding = false;
      if (stampSec >= this.#heldSec - LEAP_SEC) {
        this.#again = true;
        return this.#deliverHeld();
      }
      this.#refuseHeld();
    }
    if (stampSec > this.#newestSec + LEAP_SEC) {
      this.#hold();
      return false;
    }
    if (stampSec > this.#newestSec) this.#newestSec = stampSec;
    this.line = this.#record.number;
    return true;
  }

  #hold(): void {
    const { bytes, start, end, number } = this.#record;
    this.#heldLength = end - start;
    if (this.#held.length < this.#heldLength) this.#held = Buffer.allocUnsafe(2 * this.#heldLength);
    this.#held.set(bytes.subarray(start, end));
    this.#heldSec = this.entry.stampSec;
    this.#heldLine = number;
    this.#isHolding = true;
  }

  #deliverHeld(): boolean {
    this.#newestSec = this.#heldSec;
    this.line = this.#heldLine;
    return this.parser.parse(this.#held, 0, this.#heldLength, this.entry) === REFUSAL.none;
  }

  #refuseHeld(): void {
    const place = { source: this.index, line: this.#heldLine };
    this.#options.account.refuse(REFUSAL.clock, place, this.#held, 0, this.#heldLength);
  }

  #releaseLast(): boolean {
    if (!this.#isHolding) return false;
    this.#isHolding = false;
    const isOnly = this.#newestSec === Number.NEGATIVE_INFINITY;
    if (isOnly || this.#heldSec - this.#newestSec <= LAST_LEAP_SEC) return this.#deliverHeld();
    this.#refuseHeld();
    return false;
  }

  /** Gets more bytes; false when there are none, and next() has delivered all. */
  async fill(): Promise<boolean> {
    if (this.#ended) return false;
    const chunk = await this.#options.chunks.read();
    if (chunk !== null) {
      this.#options.splitter.push(chunk);
      return true;
    }
    this.#ended = true;
    this.#options.splitter.end();
    return true;
  }

  close(): Promise<void> {
    return this.#options.chunks.close();
  }
}
