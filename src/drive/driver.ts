/**
 * One load thread's heart: takes what is due from the schedule, sends it on free connections, matches replies. It runs
 * on any EventLoop and owns no thread itself, so that tests drive it with a loop and a clock of their own. One long
 * file, because the states of a connection are understood only together.
 */
// Invariants
//  D1  Each request is in one place: the due queue, a BUSY connection, or counted. So planned = sum of outcomes at end.
//  D2  A connection has at most one request; a LATE one waits for the reply of a request already counted as timeout.
//  D3  DeadlineList holds exactly the BUSY and LATE connections.
//  D4  Nothing is allocated and nothing thrown per request.
import type { EventLoop, LoopHandlers, SendMemory } from '../loop/event-loop.ts';
import type { Schedule } from '../plan/arrival.ts';
import { PARSED, type Parsed, type ReplyParser } from '../wire/codec.ts';
import type { ConnectionSupply } from './connection-supply.ts';
import { DeadlineList } from './deadline-list.ts';
import { DueQueue } from './due-queue.ts';
import { closeKind } from './error-kinds.ts';
import { IdleRing } from './idle-ring.ts';
import type { OutcomeRecorder } from './outcome-recorder.ts';
import { COUNTER } from './thread-memory.ts';

const DOWN = 0;
const IDLE = 1;
const BUSY = 2;
const LATE = 3;

const OPENING = 0;
const RUNNING = 1;
const DRAINING = 2;
const FINISHED = 3;

/** The longest wait: how late a stop may be noticed. */
const MAX_WAIT_NS = 50e6;
/** While connecting; what the last such turn allowed holds for the first turn of the load. */
const OPENING_WAIT_NS = 1e6;
/** After an early stop, how long replies under way are still waited for. */
const STOP_DRAIN_NS = 250e6;

export type DriverOptions = {
  /** Null in a closed loop. Times are ns since the load's start. */
  schedule: Schedule | null;
  parser: ReplyParser;
  request: Uint8Array;
  connectionLimit: number;
  queueLimit: number;
  timeoutNs: number;
  recorder: OutcomeRecorder;
  nowNs: () => number;
  /** Asked once a turn. */
  isStopped: () => boolean;
  supply: ConnectionSupply;
};

export class Driver {
  readonly handlers: LoopHandlers;
  readonly #schedule: Schedule | null;
  readonly #parser: ReplyParser;
  readonly #requestBytes: Uint8Array;
  readonly #timeoutNs: number;
  readonly #recorder: OutcomeRecorder;
  readonly #counters: Float64Array;
  readonly #nowNs: () => number;
  readonly #isStopped: () => boolean;
  readonly #supply: ConnectionSupply;
  readonly #state: Uint8Array;
  readonly #plannedNs: Float64Array;
  readonly #sentNs: Float64Array;
  readonly #firstNs: Float64Array;
  readonly #idle: IdleRing;
  readonly #queue: DueQueue;
  readonly #deadlines: DeadlineList;
  #loop!: EventLoop;
  #memory!: SendMemory;
  #phase = OPENING;
  // NaN and not 0: a field that changes from small integers to doubles makes V8 throw compiled code away.
  #startNs = Number.NaN;
  #endNs = Number.NaN;
  #drainUntilNs = Number.NaN;
  /** The schedule's next, ns since run start. */
  #nextNs = Number.POSITIVE_INFINITY;
  #lastTurnNs = Number.NaN;
  #tickAtNs = Number.NaN;
  #lastInFlight = 0;

  constructor(options: DriverOptions) {
    const limit = options.connectionLimit;
    this.#schedule = options.schedule;
    this.#parser = options.parser;
    this.#requestBytes = options.request;
    this.#timeoutNs = options.timeoutNs;
    this.#recorder = options.recorder;
    this.#counters = options.recorder.counters;
    this.#nowNs = options.nowNs;
    this.#isStopped = options.isStopped;
    this.#supply = options.supply;
    this.#state = new Uint8Array(limit);
    this.#plannedNs = new Float64Array(limit);
    this.#sentNs = new Float64Array(limit);
    this.#firstNs = new Float64Array(limit);
    this.#idle = new IdleRing(limit);
    this.#queue = new DueQueue(options.schedule === null ? 1 : options.queueLimit);
    this.#deadlines = new DeadlineList(limit);
    this.handlers = {
      onConnect: (conn, errno) => this.#onConnect(conn, errno),
      onAccept: () => {},
      onData: (conn, bytes, start, end) => this.#onData(conn, bytes, start, end),
      onClose: (conn, errno) => this.#onClose(conn, errno),
      onTurn: (nowNs) => this.#onTurn(nowNs),
    };
  }

  /** The loop made with `handlers`; connecting begins with its next turn. */
  attach(loop: EventLoop): void {
    this.#loop = loop;
    this.#memory = loop.allocateSendMemory(this.#requestBytes.length);
    this.#memory.bytes.set(this.#requestBytes);
    this.#supply.attach(loop);
  }

  /** Every connection has been tried. */
  get isReady(): boolean {
    return this.#supply.isSettled;
  }

  get isFinished(): boolean {
    return this.#phase === FINISHED;
  }

  /** When sending ended: the plan's end, or the stop. */
  get endedNs(): number {
    return this.#endNs;
  }

  /** Begins the load at `startNs`, a moment from now. */
  start(startNs: number, endNs: number): void {
    this.#startNs = startNs;
    this.#endNs = endNs;
    this.#lastTurnNs = startNs;
    this.#phase = RUNNING;
    this.#takeNext();
  }

  #onTurn(nowNs: number): number {
    if (this.#phase === OPENING) return Math.min(OPENING_WAIT_NS, this.#supply.maintain(nowNs));
    const counters = this.#counters;
    this.#recorder.rotate(nowNs);
    if (this.#phase === RUNNING) {
      if (nowNs < this.#startNs) return this.#startNs - nowNs;
      if (nowNs >= this.#endNs || this.#isStopped()) this.#beginDrain(nowNs);
      else this.#takeDue(nowNs);
      if (this.#phase === RUNNING) this.#sendDue();
    }
    this.#expire(nowNs);
    // A fixed time, not "from now on": a loop that keeps its timers then need not set one in every turn.
    if (!(nowNs < this.#tickAtNs)) this.#tickAtNs = nowNs + MAX_WAIT_NS;
    const tickNs = this.#tickAtNs - nowNs;
    const waitNs = Math.min(tickNs, this.#supply.maintain(nowNs), this.#deadlines.earliestNs - nowNs);
    // Between the end of the last turn and this one's events the number in flight did not change.
    this.#recorder.sampleInFlight(this.#lastTurnNs, nowNs, this.#lastInFlight);
    this.#lastTurnNs = nowNs;
    this.#lastInFlight = counters[COUNTER.inFlight]!;
    counters[COUNTER.waiting] = this.#queue.length;
    if (this.#phase === DRAINING) return this.#drain(nowNs, waitNs);
    if (this.#schedule === null) return Math.min(waitNs, this.#endNs - nowNs);
    // Without a free connection there is nothing to be on time for: the next reply is what matters.
    const dueInNs = this.#idle.length > 0 ? this.#nextNs - nowNs : tickNs;
    return Math.min(waitNs, dueInNs, this.#endNs - nowNs);
  }

  #takeNext(): void {
    if (this.#schedule !== null) this.#nextNs = this.#startNs + this.#schedule.nextPlannedNs();
  }

  #takeDue(nowNs: number): void {
    while (this.#nextNs <= nowNs) {
      this.#recorder.planned(this.#nextNs);
      // The longest waiting is given up: what is sent stays as fresh as the queue allows.
      if (this.#queue.isFull) this.#recorder.unsent(this.#queue.shift(), nowNs);
      this.#queue.push(this.#nextNs);
      this.#takeNext();
    }
  }

  #sendDue(): void {
    const closed = this.#schedule === null;
    while ((closed || this.#queue.length > 0) && this.#idle.length > 0) {
      const conn = this.#idle.shift();
      if (this.#state[conn] !== IDLE) continue;
      const nowNs = this.#nowNs();
      this.#send(conn, closed ? this.#planNow(nowNs) : this.#queue.shift(), nowNs);
    }
  }

  #planNow(nowNs: number): number {
    this.#recorder.planned(nowNs);
    return nowNs;
  }

  #send(conn: number, plannedNs: number, nowNs: number): void {
    const byteLength = this.#requestBytes.length;
    this.#state[conn] = BUSY;
    this.#plannedNs[conn] = plannedNs;
    this.#sentNs[conn] = nowNs;
    this.#firstNs[conn] = 0;
    this.#recorder.sent(plannedNs, nowNs, byteLength);
    this.#deadlines.add(conn, nowNs + this.#timeoutNs);
    if (!this.#loop.send(conn, this.#memory, 0, byteLength)) this.#fail(conn, nowNs, 'could not be sent');
  }

  #onConnect(conn: number, errno: number): void {
    this.#supply.connected(conn, errno, this.#nowNs());
    if (errno !== 0) return;
    this.#parser.reset(conn);
    this.#release(conn);
  }

  /** Free for the next request, in turn. */
  #release(conn: number): void {
    this.#state[conn] = IDLE;
    this.#idle.push(conn);
  }

  #onData(conn: number, bytes: Uint8Array, start: number, end: number): void {
    const nowNs = this.#nowNs();
    const state = this.#state[conn];
    this.#counters[COUNTER.bytesReceived]! += end - start;
    if (state !== BUSY && state !== LATE) {
      if (state === IDLE) this.#abandon(conn, nowNs);
      return;
    }
    if (this.#firstNs[conn] === 0) this.#firstNs[conn] = nowNs;
    const result = this.#parser.feed(conn, bytes, start, end);
    if (result === PARSED.more) return;
    if (result === PARSED.bad) {
      this.#fail(conn, nowNs, this.#parser.problem);
      return;
    }
    this.#matched(conn, nowNs);
    // More bytes than one request can have brought: whatever follows cannot be matched.
    if (this.#parser.next !== end) this.#abandon(conn, nowNs);
    else if (result === PARSED.lastMessage) this.#closedAfterReply(conn, nowNs);
    else if (this.#phase !== RUNNING) this.#release(conn);
    else if (this.#schedule === null) this.#send(conn, this.#planNow(nowNs), nowNs);
    else if (this.#queue.length > 0) this.#send(conn, this.#queue.shift(), nowNs);
    else this.#release(conn);
  }

  /** A whole reply: of the request under way, or of one that timed out. */
  #matched(conn: number, nowNs: number): void {
    this.#deadlines.remove(conn);
    this.#supply.proved(conn);
    if (this.#state[conn] === LATE) {
      this.#counters[COUNTER.lateReplies]!++;
      return;
    }
    const plannedNs = this.#plannedNs[conn]!;
    this.#recorder.answered(plannedNs, this.#sentNs[conn]!, this.#firstNs[conn]!, nowNs, this.#parser.status);
  }

  #onClose(conn: number, errno: number): void {
    const nowNs = this.#nowNs();
    const state = this.#state[conn];
    if (state === DOWN) return;
    this.#counters[COUNTER.closedByPeer]!++;
    if (state === BUSY || state === LATE) {
      const cutShort = this.#parser.midMessage(conn);
      const result: Parsed = errno === 0 ? this.#parser.endOfStream(conn) : PARSED.bad;
      if (result === PARSED.message || result === PARSED.lastMessage) this.#matched(conn, nowNs);
      else this.#endRequest(conn, nowNs, closeKind(errno, cutShort));
    }
    this.#lost(conn, nowNs);
  }

  /** The reply said that the peer closes; waiting for it to do so would only hold the slot. */
  #closedAfterReply(conn: number, nowNs: number): void {
    this.#counters[COUNTER.closedByPeer]!++;
    this.#abandon(conn, nowNs);
  }

  #fail(conn: number, nowNs: number, kind: string): void {
    this.#endRequest(conn, nowNs, kind);
    this.#abandon(conn, nowNs);
  }

  /** Counts the request of a connection that is of no further use; a LATE one's is counted already. */
  #endRequest(conn: number, nowNs: number, kind: string): void {
    this.#deadlines.remove(conn);
    if (this.#state[conn] === LATE) return;
    this.#recorder.failed(this.#plannedNs[conn]!, this.#sentNs[conn]!, this.#firstNs[conn]!, nowNs, kind);
  }

  #abandon(conn: number, nowNs: number): void {
    this.#loop.close(conn);
    this.#lost(conn, nowNs);
  }

  #lost(conn: number, nowNs: number): void {
    this.#state[conn] = DOWN;
    this.#parser.reset(conn);
    this.#supply.lost(conn, nowNs);
  }

  /** Overdue replies are counted as timeouts; a connection whose late reply does not come either is given up. */
  #expire(nowNs: number): void {
    for (let conn = this.#deadlines.expired(nowNs); conn >= 0; conn = this.#deadlines.expired(nowNs)) {
      this.#deadlines.remove(conn);
      if (this.#state[conn] === LATE) {
        this.#abandon(conn, nowNs);
        continue;
      }
      this.#giveUp(conn, nowNs, 'timeout');
      this.#state[conn] = LATE;
      this.#deadlines.add(conn, nowNs + this.#timeoutNs);
    }
  }

  #giveUp(conn: number, nowNs: number, kind: 'timeout' | 'unfinished'): void {
    this.#recorder.unanswered(this.#plannedNs[conn]!, this.#sentNs[conn]!, this.#firstNs[conn]!, nowNs, kind);
  }

  /** The end of sending: what is due by now and was not sent is counted, replies under way are waited for. */
  #beginDrain(nowNs: number): void {
    const stopped = nowNs < this.#endNs;
    this.#takeDue(Math.min(nowNs, this.#endNs));
    // A turn that began late still sends what was due in time, if a connection is free for it.
    if (!stopped && this.#schedule !== null) this.#sendDue();
    this.#endNs = Math.min(nowNs, this.#endNs);
    while (this.#queue.length > 0) this.#recorder.unsent(this.#queue.shift(), nowNs);
    this.#phase = DRAINING;
    this.#drainUntilNs = nowNs + (stopped ? Math.min(STOP_DRAIN_NS, this.#timeoutNs) : this.#timeoutNs);
    this.#supply.close();
  }

  #drain(nowNs: number, waitNs: number): number {
    const inFlight = this.#counters[COUNTER.inFlight]!;
    if (inFlight > 0 && nowNs < this.#drainUntilNs) return Math.min(waitNs, this.#drainUntilNs - nowNs);
    for (let conn = 0; conn < this.#state.length; conn++) {
      if (this.#state[conn] !== BUSY) continue;
      this.#giveUp(conn, nowNs, 'unfinished');
      this.#state[conn] = LATE;
    }
    this.#recorder.finish(this.#endNs);
    this.#phase = FINISHED;
    return 0;
  }
}
