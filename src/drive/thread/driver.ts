/**
 * One load thread's heart: takes what is due from the schedule, sends it on free connections, matches replies. It owns no
 * thread: tests give it a loop and a clock. One long file, because a connection's states are understood only together.
 */
// Invariants
//  D1  Each request is in one place: the due queue, UnderWay, or counted. So planned = sum of outcomes at end.
//  D2  Only a connection that may send does (Standing), and never more is under way than on all that are wanted, full:
//      one that is set aside leaves as much room as it has late requests.
//  D3  Nothing is allocated and nothing thrown per request; checks of replies may, where they are asked for.
import type { EventLoop, LoopHandlers } from '../../loop/event-loop.ts';
import type { Schedule } from '../../plan/arrivals/arrival.ts';
import { PARSED, type Parsed, type ReplyParser } from '../../wire/codec.ts';
import { DueQueue } from '../lists/due-queue.ts';
import { type ConnectionSupply, LOST, type Lost } from '../supply/connection-supply.ts';
import { COUNTER } from '../tally/thread-memory.ts';
import type { DriverOptions } from './driver-options.ts';
import { BEHIND_A_CLOSE, closeKind } from './error-kinds.ts';
import type { OutcomeRecorder } from './outcome-recorder.ts';
import type { Outgoing } from './outgoing.ts';
import { ReplyJudge } from './reply-judge.ts';
import { Rests } from './rests.ts';
import { Standing } from './standing.ts';
import { TurnLog } from './turn-log.ts';
import { UnderWay } from './under-way.ts';

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

export class Driver {
  readonly handlers: LoopHandlers;
  readonly #schedule: Schedule | null;
  readonly #parser: ReplyParser;
  readonly #outgoing: Outgoing;
  readonly judge: ReplyJudge;
  readonly #timeoutNs: number;
  readonly #recorder: OutcomeRecorder;
  readonly turns: TurnLog;
  readonly #counters: Float64Array;
  readonly #nowNs: () => number;
  readonly #isStopped: () => boolean;
  readonly supply: ConnectionSupply;
  readonly #underWay: UnderWay;
  readonly #standing: Standing;
  readonly #idle: Standing['idle'];
  readonly #rests: Rests;
  readonly #queue: DueQueue;
  readonly #onLate = (conn: number, isHopeless: boolean) => this.#late(conn, isHopeless, this.#nowNs());
  #loop!: EventLoop;
  #phase = OPENING;
  // NaN and not 0: a field that changes from small integers to doubles makes V8 throw compiled code away.
  #startNs = Number.NaN;
  #endNs = Number.NaN;
  #drainUntilNs = Number.NaN;
  /** The schedule's next, ns since run start. */
  #nextNs = Number.POSITIVE_INFINITY;
  #tickAtNs = Number.NaN;

  constructor(options: DriverOptions) {
    const { connectionLimit: limit, outgoing } = options;
    const { requests } = outgoing;
    this.#schedule = options.schedule;
    this.#parser = options.parser;
    this.#outgoing = outgoing;
    this.judge = new ReplyJudge(options.parser, requests);
    this.#timeoutNs = options.timeoutNs;
    this.#recorder = options.recorder;
    this.turns = new TurnLog(options.recorder);
    this.#counters = options.recorder.counters;
    this.#nowNs = options.nowNs;
    this.#isStopped = options.isStopped;
    this.supply = options.supply;
    this.#underWay = new UnderWay(limit, options.depth, options.timeoutNs, requests.kindOf, options.recorder);
    this.#standing = new Standing(options, this.#underWay);
    this.#idle = this.#standing.idle;
    this.#rests = new Rests(options.think, limit);
    this.#queue = new DueQueue(options.schedule === null ? 1 : options.queueLimit);
    this.handlers = {
      onConnect: (conn, errno) => this.#onConnect(conn, errno),
      onAccept: () => {},
      onData: (conn, bytes, start, end) => this.#onData(conn, bytes, start, end),
      onClose: (conn, errno) => this.#onClose(conn, errno),
      onTurn: (nowNs) => this.turns.waits(nowNs, this.#onTurn(nowNs)),
    };
  }

  /** The loop made with `handlers`; connecting begins with its next turn. */
  attach(loop: EventLoop): void {
    this.#loop = loop;
    this.#outgoing.attach(loop);
    this.supply.attach(loop);
  }

  get isFinished(): boolean {
    return this.#phase === FINISHED;
  }

  /** When sending ended: the plan's end, its last request's, or the stop. */
  get endedNs(): number {
    return this.#endNs;
  }

  /** Begins the load at `startNs`, a moment from now. */
  start(startNs: number, endNs: number): void {
    this.#startNs = startNs;
    this.#endNs = endNs;
    this.turns.start(startNs);
    this.#phase = RUNNING;
    this.#takeNext();
  }

  #onTurn(nowNs: number): number {
    if (this.#phase === OPENING) return Math.min(OPENING_WAIT_NS, this.supply.maintain(nowNs));
    this.#recorder.rotate(nowNs);
    this.turns.handled(nowNs);
    // Before anything is sent: nothing may follow a request that is late (U2).
    this.#underWay.expire(nowNs, this.#onLate);
    if (this.#phase === RUNNING) {
      if (nowNs < this.#startNs) return this.#startNs - nowNs;
      if (nowNs >= this.#endNs || this.#isStopped() || this.#standing.isDone) this.#beginDrain(nowNs);
      else this.#takeDue(nowNs);
      if (this.#phase === RUNNING) this.#sendDue(nowNs);
    }
    // A fixed time, not "from now on": a loop that keeps its timers then need not set one in every turn.
    if (!(nowNs < this.#tickAtNs)) this.#tickAtNs = nowNs + MAX_WAIT_NS;
    const tickNs = this.#tickAtNs - nowNs;
    const waitNs = Math.min(tickNs, this.supply.maintain(nowNs), this.#underWay.earliestDeadlineNs - nowNs);
    this.turns.ends(nowNs);
    this.#counters[COUNTER.waiting] = this.#queue.length;
    if (this.#phase === DRAINING) return this.#drain(nowNs, waitNs);
    if (this.#schedule === null) {
      // With nothing left to send, who rests is not woken.
      const restNs = this.#standing.left > 0 ? this.#rests.earliestNs - nowNs : tickNs;
      return Math.min(waitNs, this.#endNs - nowNs, restNs);
    }
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

  /** What is due goes out on free connections; in a closed loop every free connection sends. */
  #sendDue(turnNs: number): void {
    if (this.#schedule === null) {
      this.#wake(turnNs);
      while (this.#idle.length > 0 && this.#standing.roomLeft > 0)
        this.#fill(this.#idle.shift(), this.#nowNs());
      return;
    }
    while (this.#queue.length > 0 && this.#idle.length > 0 && this.#standing.roomLeft > 0) {
      const conn = this.#idle.shift();
      if (!this.#standing.maySend(conn)) continue;
      this.#send(conn, this.#queue.shift(), this.#nowNs());
      this.#standing.offer(conn);
    }
  }

  /** Connections whose rest is over send; their requests were due when it was. */
  #wake(nowNs: number): void {
    while (this.#rests.earliestNs <= nowNs && this.#standing.left > 0) {
      const plannedNs = this.#rests.earliestNs;
      this.#recorder.planned(plannedNs);
      this.#send(this.#rests.wake(), plannedNs, this.#nowNs());
    }
  }

  /** Closed loop: as many as the connection may have under way, at once. */
  #fill(conn: number, nowNs: number): void {
    const standing = this.#standing;
    if (!standing.maySend(conn)) return;
    const count = Math.min(standing.room(conn), this.#outgoing.batchLimit);
    if (count > 1) this.#sendBatch(conn, count, nowNs);
    while (standing.maySend(conn) && standing.roomLeft > 0) {
      this.#recorder.planned(nowNs);
      this.#send(conn, nowNs, nowNs);
    }
    standing.offer(conn);
  }

  #send(conn: number, plannedNs: number, nowNs: number): void {
    const variant = this.#outgoing.take();
    this.#begin(conn, plannedNs, nowNs, variant);
    if (!this.#outgoing.send(this.#loop, conn, variant)) this.#fail(conn, nowNs, 'could not be sent');
  }

  #sendBatch(conn: number, count: number, nowNs: number): void {
    for (let i = 0; i < count; i++) {
      this.#recorder.planned(nowNs);
      this.#begin(conn, nowNs, nowNs, 0);
    }
    if (!this.#outgoing.sendBatch(this.#loop, conn, count)) this.#fail(conn, nowNs, 'could not be sent');
  }

  #begin(conn: number, plannedNs: number, nowNs: number, variant: number): void {
    this.#standing.sentCount[conn]!++;
    if (this.#outgoing.isLast(variant)) this.#standing.spend(conn);
    const isFirst = this.#underWay.begin(conn, plannedNs, nowNs, variant);
    if (isFirst && this.judge.needsRequest) this.judge.expect(conn, variant);
  }

  #onConnect(conn: number, errno: number): void {
    const nowNs = this.#nowNs();
    this.supply.connected(conn, errno, nowNs);
    if (errno !== 0) return;
    this.#parser.reset(conn);
    this.#underWay.clear(conn);
    this.#standing.opened(conn);
    this.#serve(conn, nowNs);
  }

  /** Whoever waits for a connection has this one. */
  #serve(conn: number, nowNs: number): void {
    if (!this.#rests.isOn || !this.#rests.found(conn, nowNs)) this.#standing.offer(conn);
  }

  #onData(conn: number, bytes: Uint8Array, start: number, end: number): void {
    if (this.#standing.isClosed(conn)) return;
    const nowNs = this.#nowNs();
    const underWay = this.#underWay;
    this.turns.event(nowNs);
    this.#counters[COUNTER.bytesReceived]! += end - start;
    for (let at = start; at < end; ) {
      // More bytes than the requests can have brought: whatever follows cannot be matched.
      if (underWay.count[conn] === 0) {
        this.supply.refusal.hear(conn, bytes, at, end);
        this.#counters[COUNTER.unasked]!++;
        this.#abandon(conn, nowNs, LOST.byPeer);
        return;
      }
      const isBegun = underWay.received(conn, nowNs);
      const result = this.#parser.feed(conn, bytes, at, end);
      if (result === PARSED.more) break;
      this.judge.hear(result, bytes, at, end, isBegun);
      if (result === PARSED.bad) {
        this.#fail(conn, nowNs, this.#parser.problem);
        return;
      }
      if (this.#parser.wrongReason !== '') {
        this.supply.refusal.hear(conn, bytes, at, this.#parser.next);
      }
      at = this.#parser.next;
      this.#matched(conn, nowNs);
      if (result === PARSED.lastMessage) {
        // Waiting for the peer to close would only hold the place.
        this.#counters[COUNTER.closedByPeer]!++;
        this.#fail(conn, nowNs, BEHIND_A_CLOSE, LOST.byPeer);
        return;
      }
    }
    this.#goOn(conn, nowNs);
  }

  /** Replies were matched, or part of one came: what may the connection do now? */
  #goOn(conn: number, nowNs: number): void {
    const count = this.#underWay.count[conn]!;
    const standing = this.#standing;
    if (standing.isAside(conn)) {
      if (count === 0) this.#release(conn, nowNs);
    } else if (count === 0 && standing.isSpent(conn)) {
      this.#counters[COUNTER.retired]!++;
      this.#abandon(conn, nowNs, LOST.ours);
    } else if (this.#phase !== RUNNING) standing.offer(conn);
    else if (this.#schedule === null) {
      if (!this.#rests.isOn) this.#fill(conn, nowNs);
      else if (count === 0) this.#rests.begin(conn, nowNs);
    } else {
      if (this.#queue.length > 0 && standing.maySend(conn) && standing.roomLeft > 0) {
        this.#send(conn, this.#queue.shift(), nowNs);
      }
      standing.offer(conn);
    }
  }

  /** A whole reply: of the oldest request under way, or of one that timed out. */
  #matched(conn: number, nowNs: number): void {
    const underWay = this.#underWay;
    // A protocol's own error may be how a server turns a connection away.
    if (this.#parser.wrongReason === '') this.supply.proved(conn);
    if (underWay.late[conn]! > 0) {
      this.#counters[COUNTER.lateReplies]!++;
      underWay.answeredLate(conn, nowNs);
    } else {
      const wrongReason = this.judge.wrongReason(underWay.oldestVariant(conn));
      underWay.answered(conn, nowNs, this.#parser.status, wrongReason);
    }
    if (this.judge.needsRequest && underWay.count[conn]! > 0) {
      this.judge.expect(conn, underWay.oldestVariant(conn));
    }
  }

  #onClose(conn: number, errno: number): void {
    if (this.#standing.isClosed(conn)) return;
    const nowNs = this.#nowNs();
    this.#counters[COUNTER.closedByPeer]!++;
    if (this.#underWay.count[conn]! > 0) {
      let kind = closeKind(errno, this.#parser.midMessage(conn));
      const result: Parsed = errno === 0 ? this.#parser.endOfStream(conn) : PARSED.bad;
      if (result === PARSED.message || result === PARSED.lastMessage) {
        this.judge.hearEnd();
        this.#matched(conn, nowNs);
        kind = closeKind(0, false);
      }
      this.#underWay.fail(conn, nowNs, kind);
    } else this.#counters[COUNTER.closedIdle]!++;
    this.#lost(conn, nowNs, LOST.byPeer);
  }

  /** Requests on it timed out: another takes its place at once, and it stays for their replies, if it may. */
  #late(conn: number, isHopeless: boolean, nowNs: number): void {
    const { count, late } = this.#underWay;
    if (isHopeless) this.#fail(conn, nowNs, 'timeout', LOST.ours);
    else if (this.#standing.isAside(conn)) return;
    else if (this.#standing.setAside(conn)) this.#vacate(conn, nowNs, LOST.ours);
    else if (late[conn] === count[conn]) this.#fail(conn, nowNs, 'timeout', LOST.ours);
  }

  /** Set aside, it has its late replies: it serves again if its successor could not be opened yet. */
  #release(conn: number, nowNs: number): void {
    const isOfUse = this.#phase === RUNNING && !this.#standing.isSpent(conn);
    if (!isOfUse || !this.supply.takeBack(conn, nowNs)) {
      this.#abandon(conn, nowNs, LOST.ours);
      return;
    }
    this.#standing.takeBack(conn);
    this.#serve(conn, nowNs);
  }

  #fail(conn: number, nowNs: number, kind: string, why: Lost = LOST.unread): void {
    this.#underWay.fail(conn, nowNs, kind);
    this.#abandon(conn, nowNs, why);
  }

  #abandon(conn: number, nowNs: number, why: Lost): void {
    this.#loop.close(conn);
    this.#lost(conn, nowNs, why);
  }

  #lost(conn: number, nowNs: number, why: Lost): void {
    this.#parser.reset(conn);
    if (!this.#standing.closed(conn)) this.#vacate(conn, nowNs, why);
  }

  /** Its place, and whoever rests on it, wait for another. */
  #vacate(conn: number, nowNs: number, why: Lost): void {
    if (this.#rests.isOn) this.#rests.lost(conn, nowNs, this.#standing.sentCount[conn]! > 0);
    this.supply.lost(conn, nowNs, why);
  }

  /** The end of sending: what is due by now and was not sent is counted, replies under way are waited for. */
  #beginDrain(nowNs: number): void {
    const stopped = nowNs < this.#endNs;
    this.#counters[COUNTER.answeredInTime] = this.#counters[COUNTER.ok]! + this.#counters[COUNTER.wrong]!;
    this.#takeDue(Math.min(nowNs, this.#endNs));
    // A turn that began late still sends what was due in time, if a connection is free for it.
    if (!stopped && this.#schedule !== null) this.#sendDue(nowNs);
    this.#endNs = Math.min(nowNs, this.#endNs);
    while (this.#queue.length > 0) this.#recorder.unsent(this.#queue.shift(), nowNs);
    this.#phase = DRAINING;
    // The last of them were sent just now, after the turn began: they too have their whole time.
    this.#drainUntilNs =
      this.#nowNs() + (stopped ? Math.min(STOP_DRAIN_NS, this.#timeoutNs) : this.#timeoutNs);
    this.supply.close(nowNs);
    this.turns.stops();
  }

  #drain(nowNs: number, waitNs: number): number {
    const inFlight = this.#counters[COUNTER.inFlight]!;
    if (inFlight > 0 && nowNs < this.#drainUntilNs) return Math.min(waitNs, this.#drainUntilNs - nowNs);
    this.#underWay.finish(nowNs);
    this.#recorder.finish(this.#endNs);
    this.#phase = FINISHED;
    return 0;
  }
}
