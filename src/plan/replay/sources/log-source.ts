/**
 * The readable lines of one log, in the order in which they stand there.
 *
 * Invariants
 *  S1  Every record is counted once: delivered, or refused with its reason and place.
 *  S2  next() allocates nothing for a line that is delivered in its turn.
 *  S3  A line whose clock jumps is held with those behind it until they tell whether it is right: HELD_LIMIT of them, or
 *      a megabyte and a line.
 */
import type { LogParser } from '../formats/log-format.ts';
import { createLogRecord, type LogRecord, parseRecord, type Splitter } from '../framing/splitter.ts';
import { createLogEntry, type LogEntry } from '../lines/log-entry.ts';
import { REFUSAL } from '../lines/refusal.ts';
import type { Account } from '../survey/account.ts';
import type { Chunks } from './chunks.ts';
import { HeldLines } from './held-lines.ts';
import { LogClock } from './log-clock.ts';

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
  readonly #clock = new LogClock();
  readonly #held = new HeldLines();
  /** The first of the held lines is in the entry. */
  #isHeldGiven = false;
  #ended = false;
  /** No record is left to be read. */
  #drained = false;

  constructor(options: LogSourceOptions) {
    this.#options = options;
    this.index = options.index;
    this.parser = options.parser;
    this.entry = createLogEntry(options.parser.escapes);
  }

  /** How often the log's clock was set back by an hour. */
  get setBackCount(): number {
    return this.#clock.setBackCount;
  }

  /** Reads on to the next readable line; false when fill() is to be called first, or the log has ended. */
  next(): boolean {
    if (this.#isHeldGiven) {
      this.#isHeldGiven = false;
      this.#held.shift();
    }
    for (;;) {
      if (this.#held.count > 0 && this.#settleHeld()) return true;
      if (this.#drained && this.#held.count === 0) return false;
      if (this.#options.splitter.next(this.#record)) {
        if (this.#readRecord()) return true;
      } else if (this.#ended) {
        this.#drained = true;
      } else {
        return false;
      }
    }
  }

  /** Counts a record; whether it is to be delivered at once. */
  #readRecord(): boolean {
    const record = this.#record;
    const { account, checksClock } = this.#options;
    this.lineCount++;
    account.lineCount++;
    const refusal = parseRecord(this.parser, record, this.entry);
    if (refusal === REFUSAL.aside) {
      account.leaveOut('nothing to send');
      return false;
    }
    this.line = record.number;
    if (refusal !== REFUSAL.none) {
      const place = { source: this.index, line: record.number };
      account.refuse(refusal, place, record.bytes, record.start, record.end);
      return false;
    }
    if (!checksClock) return true;
    const { entry } = this;
    this.#clock.isLocal = entry.isLocal;
    if (this.#held.count === 0 && this.#clock.isSteady(entry.stampSec)) {
      entry.stampSec += this.#clock.shiftSec;
      return true;
    }
    this.#held.push(record, entry.stampSec);
    return false;
  }

  /** Whether one of the held lines is to be delivered now; the wrong ones before it are refused. */
  #settleHeld(): boolean {
    const held = this.#held;
    while (held.count > 0) {
      const verdict = this.#clock.judge(held, this.#drained || held.isFull);
      if (verdict === 'look further') return false;
      if (verdict === 'right') {
        this.line = held.number;
        this.#isHeldGiven = true;
        this.parser.parse(held.bytes, 0, held.end, this.entry);
        this.entry.stampSec += this.#clock.shiftSec;
        return true;
      }
      const place = { source: this.index, line: held.number };
      this.#options.account.refuse(REFUSAL.clock, place, held.bytes, 0, held.end);
      held.shift();
    }
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
