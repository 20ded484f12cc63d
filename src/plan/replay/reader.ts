/**
 * From logs to requests in due order: lines are read, filtered, encoded into the window's memory, and handed on when no
 * earlier one can come any more.
 *
 * Invariants
 *  P1  For each line that is read, exactly one of: refused, left out, handed on (but for what lies in the window when the
 *      replay is stopped).
 *  P2  consider(), keep() and drain() allocate nothing for a request; waiting does.
 *  P3  No more is held than the window's store, a chunk of each open log, and a line of each.
 */
import { assert } from '../../base/assert.ts';
import type { SessionKind } from './formats/log-format.ts';
import { FIELD } from './lines/log-entry.ts';
import { REFUSAL, type Refusal } from './lines/refusal.ts';
import type { LiveClock } from './order/live-clock.ts';
import type { Pace } from './order/pace.ts';
import { FLAG, RecordStore, SLOT_LIMIT } from './order/record-store.ts';
import { LIVE_WINDOW_NS, ReorderWindow, WINDOW_NS } from './order/reorder-window.ts';
import type { TimeBounds } from './order/time-bounds.ts';
import type { ReplayOptions } from './replay-options.ts';
import { DROPPING_SINK, type ReplaySink } from './replay-reader.ts';
import { createReplayRequest, type ReplayRequest } from './replay-request.ts';
import { Clients } from './select/client.ts';
import { Filler, fillBytesOf } from './select/filler.ts';
import { Filter } from './select/filter.ts';
import { HEAD, Methods } from './select/methods.ts';
import { RequestWriter } from './select/request-writer.ts';
import { Routes } from './select/routes.ts';
import type { LogSource } from './sources/log-source.ts';
import type { Merge } from './sources/merge.ts';
import type { Account } from './survey/account.ts';
import { Survey } from './survey/survey.ts';

export type ReaderOptions = {
  options: ReplayOptions;
  account: Account;
  session: SessionKind;
  bounds: TimeBounds;
  pace: Pace;
  /** For a log that is followed. */
  live: LiveClock | null;
};

export class Reader {
  readonly methods: Methods = new Methods();
  readonly routes: Routes = new Routes();
  readonly survey: Survey = new Survey();
  readonly clients: Clients;
  /** Requests whose line does not say who sent them. */
  unknownCount = 0;
  /** Of a log that is followed: requests that others had overtaken, and that went out as soon as they came. */
  overtakenCount = 0;
  /** The same: when the first one began, by our clock, ms since 1970. */
  beganMs: number = Number.NaN;
  /** How far behind the last one handed on the latest of the refused lines lay. */
  lateNsMax = 0;
  /** Requests with a body of filler. */
  filledCount = 0;
  overflowCount = 0;
  /** The least of the log that the window held when its memory was full. */
  heldNsMin: number = Number.POSITIVE_INFINITY;
  spreadCount = 0;
  roundCount = 0;
  grainNs = 0;
  newestSec = 0;
  /** Seconds since 1970 that log times are counted from. */
  anchorSec: number = Number.NaN;
  /** The rest of the log is behind --to. */
  endedEarly = false;
  readonly #filter: Filter;
  readonly #writer: RequestWriter;
  readonly #filler: Filler | null;
  readonly #store: RecordStore = new RecordStore();
  #window: ReorderWindow;
  readonly #account: Account;
  readonly #pace: Pace;
  readonly #seed: number;
  readonly #bounds: TimeBounds;
  readonly #request: ReplayRequest = createReplayRequest();
  readonly #live: LiveClock | null;
  readonly #windowNs: number;
  #sink: ReplaySink | null = null;
  #stopped = false;
  #onStop: (() => void) | null = null;
  #fromNs: number = Number.NEGATIVE_INFINITY;
  #toNs: number = Number.POSITIVE_INFINITY;
  // Of the line at hand.
  #method = 0;
  #client = 0;
  #stampNs = 0;
  #durationNs = 0;
  #isOvertaken = false;

  constructor({ options, account, session, bounds, pace, live }: ReaderOptions) {
    this.#live = live;
    this.#windowNs = live === null ? WINDOW_NS : LIVE_WINDOW_NS;
    this.#account = account;
    this.#pace = pace;
    this.#bounds = bounds;
    this.#seed = options.seed ?? 1;
    this.clients = new Clients(session);
    this.#filter = new Filter(options, this.methods);
    this.#writer = new RequestWriter(options);
    this.#filler = options.filler === true ? new Filler() : null;
    this.#window = new ReorderWindow(this.#store, SLOT_LIMIT, this.#seed);
  }

  /** Reads logs once from beginning to end. False: `stop()` ended it. */
  async round(merge: Merge, sink: ReplaySink): Promise<boolean> {
    this.#sink = sink;
    // Where nothing is sent, nobody waits for the first.
    if (sink === DROPPING_SINK) this.#store.grow(true);
    this.roundCount++;
    if (this.roundCount > 1) this.#window = new ReorderWindow(this.#store, SLOT_LIMIT, this.#seed);
    const before = this.#account.requestCount;
    const window = this.#window;
    while (!this.#stopped) {
      const source = merge.next();
      if (source === null) {
        if (!(await this.#until(merge.ready()))) break;
        if (this.#live !== null) await this.#passTime(this.#live);
        continue;
      }
      if (this.#consider(source)) {
        const byteLength = this.#writer.bound(source.entry);
        if (!this.#store.reserve(byteLength)) await this.#makeRoom(byteLength);
        if (this.#stopped) {
          this.#account.leaveOut('not reached before the end');
          break;
        }
        this.#keep(source);
      }
      const untilNs = window.newestNs - this.#windowNs;
      if (!this.#drain(untilNs)) await this.#drainSlowly(untilNs);
      if (untilNs > this.#toNs) {
        this.endedEarly = true;
        break;
      }
    }
    await merge.close();
    if (!this.#stopped) {
      window.endSecond();
      if (!this.#drain(Number.POSITIVE_INFINITY)) await this.#drainSlowly(Number.POSITIVE_INFINITY);
    }
    if (this.#stopped) this.#account.leaveOut('not reached before the end', this.#store.count);
    this.spreadCount += window.spreadCount;
    const { firstNs, lastNs } = this.survey.curve;
    const count = this.#account.requestCount - before;
    this.#pace.nextRound(Number.isNaN(firstNs) ? 0 : lastNs - firstNs, count);
    return !this.#stopped && count > 0;
  }

  /** The log is silent, and time goes on. */
  async #passTime(live: LiveClock): Promise<void> {
    const window = this.#window;
    const nowNs = (live.logSec() - this.anchorSec) * 1e9;
    if (!(nowNs > window.newestNs)) return;
    window.newestNs = nowNs;
    window.endSecondBefore(nowNs);
    if (!this.#drain(nowNs - this.#windowNs)) await this.#drainSlowly(nowNs - this.#windowNs);
  }

  /** Ends a round that is under way as soon as may be. */
  stop(): void {
    this.#stopped = true;
    this.#onStop?.();
  }

  /** Whether the line that `source` is at is to be replayed; otherwise it has been counted. */
  #consider(source: LogSource): boolean {
    const { entry } = source;
    if (this.#live !== null && !this.#live.see(entry.stampSec)) {
      this.#refuse(REFUSAL.clock, source);
      return false;
    }
    const stampSec = entry.stampSec + (this.#live?.shiftSec ?? 0);
    if (Number.isNaN(this.anchorSec)) this.#anchor(stampSec);
    const window = this.#window;
    this.#isOvertaken = false;
    this.#stampNs = (stampSec - this.anchorSec) * 1e9 + entry.stampSubNs;
    this.#durationNs = source.parser.stamped === 'end' && entry.durationNs > 0 ? entry.durationNs : 0;
    if (this.#stampNs > window.newestNs) {
      window.newestNs = this.#stampNs;
      this.newestSec = stampSec;
    }
    this.#method = this.methods.numberOf(entry);
    this.#client = this.clients.of(entry);
    const why = this.#filter.ask(entry, this.#method, this.#client);
    if (why !== null) {
      if (why === 'method') this.survey.unsafe[this.#method]!++;
      this.#account.leaveOut(why);
      return false;
    }
    if (this.#stampNs + entry.grainNs <= this.#fromNs) {
      this.#account.leaveOut('outside --from and --to');
      return false;
    }
    const beganNs = this.#stampNs - this.#durationNs;
    const firstNs = window.floorNs(this.#windowNs);
    if (beganNs >= firstNs || beganNs + entry.grainNs > firstNs) return true;
    const lateNs = firstNs - beganNs;
    if (this.#live !== null && lateNs <= WINDOW_NS) {
      this.#isOvertaken = true;
      return true;
    }
    if (lateNs > this.lateNsMax) this.lateNsMax = lateNs;
    this.#refuse(REFUSAL.late, source);
    return false;
  }

  #refuse(reason: Refusal, { entry, index, line }: LogSource): void {
    const { bytes, ranges } = entry;
    const place = { source: index, line };
    this.#account.refuse(reason, place, bytes, ranges[2 * FIELD.path]!, ranges[2 * FIELD.path + 1]!);
  }

  #anchor(sec: number): void {
    this.anchorSec = sec;
    this.#fromNs = (this.#bounds.fromSec - sec) * 1e9;
    this.#toNs = (this.#bounds.toSec - sec) * 1e9;
  }

  /** Puts the request into the reserved room and the window. */
  #keep({ entry }: LogSource): void {
    const store = this.#store;
    const method = this.#method;
    let end = this.#writer.write(entry, method, 0, store.bytes, store.at);
    const fillBytes = this.#filler === null ? 0 : fillBytesOf(entry, method, end - store.at);
    if (fillBytes > 0) end = this.#writer.write(entry, method, fillBytes, store.bytes, store.at);
    const slot = store.commit(end);
    store.method[slot] = method;
    store.flags[slot] = (method === HEAD ? FLAG.noBody : 0) | (this.#writer.closes ? FLAG.closes : 0);
    if (this.clients.isUnknown) this.unknownCount++;
    store.session[slot] = this.#client;
    store.route[slot] = this.routes.numberOf(entry);
    store.status[slot] = entry.status;
    store.loggedBytes[slot] = entry.bodyBytes;
    store.loggedNs[slot] = entry.durationNs;
    store.fillBytes[slot] = fillBytes;
    if (entry.grainNs > this.grainNs) this.grainNs = entry.grainNs;
    if (this.#isOvertaken) {
      this.overtakenCount++;
      this.#window.add(slot, this.#window.floorNs(this.#windowNs));
    } else if (entry.grainNs < 1e9) this.#window.add(slot, this.#stampNs - this.#durationNs);
    else if (this.#durationNs > 0) this.#window.addCoarseEnd(slot, this.#stampNs, this.#durationNs);
    else this.#window.addCoarseStart(slot, this.#stampNs);
  }

  /** Hands on what starts until then; false: the sink is full. */
  #drain(untilNs: number): boolean {
    const window = this.#window;
    for (;;) {
      const slot = this.#stopped ? -1 : window.next(untilNs);
      if (slot < 0) return true;
      if (!this.#handOn(slot)) return false;
      window.take(slot);
      this.#store.free(slot);
    }
  }

  #handOn(slot: number): boolean {
    const store = this.#store;
    const startNs = store.startNs[slot]!;
    if (startNs < this.#fromNs || startNs >= this.#toNs) {
      this.#account.leaveOut('outside --from and --to');
      return true;
    }
    const request = this.#request;
    request.plannedNs = this.#pace.plannedNs(startNs);
    request.session = store.session[slot]!;
    request.bytes = store.bytesOf(slot);
    request.start = store.offset[slot]!;
    request.end = request.start + store.length[slot]!;
    const fillBytes = store.fillBytes[slot]!;
    if (fillBytes > 0) this.#filler!.fill(request, fillBytes);
    const flags = store.flags[slot]!;
    request.noBody = (flags & FLAG.noBody) !== 0;
    request.closes = (flags & FLAG.closes) !== 0;
    request.route = store.route[slot]!;
    request.loggedStatus = store.status[slot]!;
    request.loggedBytes = store.loggedBytes[slot]!;
    request.loggedNs = store.loggedNs[slot]!;
    if (!this.#sink!.push(request)) return false;
    if (this.#account.requestCount++ === 0 && this.#live !== null) {
      this.beganMs = (this.anchorSec + startNs / 1e9 + this.#live.aheadSec) * 1e3;
    }
    if (fillBytes > 0) this.filledCount++;
    const isFirst = this.roundCount === 1;
    this.survey.add(
      startNs,
      store.method[slot]!,
      request.loggedStatus,
      request.route,
      request.session,
      isFirst,
    );
    return true;
  }

  async #drainSlowly(untilNs: number): Promise<void> {
    while (!this.#stopped && !this.#drain(untilNs)) await this.#until(this.#sink!.room());
  }

  /**
   * The earliest leave before their time, until there is room for so much. While the sink is full nobody waits for them, and
   * the memory grows instead.
   */
  async #makeRoom(byteLength: number): Promise<void> {
    const window = this.#window;
    while (!this.#stopped && !this.#store.reserve(byteLength)) {
      let slot = window.next(Number.POSITIVE_INFINITY);
      if (slot < 0) {
        window.endSecond();
        slot = window.next(Number.POSITIVE_INFINITY);
      }
      assert(slot >= 0, 'P3');
      if (!this.#handOn(slot)) {
        if (this.#store.grow()) continue;
        await this.#until(this.#sink!.room());
        continue;
      }
      this.overflowCount++;
      const heldNs = window.newestNs - this.#store.startNs[slot]!;
      if (heldNs < this.heldNsMin) this.heldNsMin = heldNs;
      window.take(slot);
      this.#store.free(slot);
    }
  }

  /** Waits for a promise, but not when we are stopped. */
  #until<T>(promise: Promise<T>): Promise<T | null> {
    return new Promise((resolve, reject) => {
      this.#onStop = () => resolve(null);
      promise.then(resolve, reject);
      if (this.#stopped) resolve(null);
    });
  }
}
