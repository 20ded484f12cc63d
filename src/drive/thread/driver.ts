/**
 * One load thread's heart: has its pace send what is due on free connections, matches replies, and knows what becomes of
 * connections. It owns no thread: tests give it a loop and a clock.
 */
// Invariants
//  D1  Each request is in one place: with the pace, UnderWay, or counted. So planned = sum of outcomes at end.
//  D2  Only a connection that may send does (Standing), and never more is under way than on all that are wanted, full:
//      one that is set aside leaves as much room as it has late requests.
//  D3  Nothing is allocated and nothing thrown per request; checks of replies may, where they are asked for.
import type { EventLoop, LoopHandlers } from '../../loop/event-loop.ts';
import { PARSED, type Parsed, type ReplyParser } from '../../wire/codec.ts';
import { BEHIND_A_CLOSE, closeKind } from '../flight/error-kinds.ts';
import type { OutcomeRecorder } from '../flight/outcome-recorder.ts';
import { Sender } from '../flight/sender.ts';
import { Standing } from '../flight/standing.ts';
import { UnderWay } from '../flight/under-way.ts';
import type { Pace } from '../pace/pace.ts';
import { type ConnectionSupply, LOST, type Lost } from '../supply/connection-supply.ts';
import { COUNTER, DOING } from '../tally/thread-memory.ts';
import type { DriverOptions } from './driver-options.ts';
import { ReplyJudge } from './reply-judge.ts';
import { TurnLog } from './turn-log.ts';

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
  readonly #parser: ReplyParser;
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
  readonly #sender: Sender;
  readonly #pace: Pace;
  readonly #onLate = (conn: number, isHopeless: boolean) => this.#late(conn, isHopeless, this.#nowNs());
  #loop!: EventLoop;
  #phase = OPENING;
  // NaN and not 0: a field that changes from small integers to doubles makes V8 throw compiled code away.
  #startNs = Number.NaN;
  #endNs = Number.NaN;
  #drainUntilNs = Number.NaN;
  #tickAtNs = Number.NaN;

  constructor(options: DriverOptions) {
    const { connectionLimit, outgoing, recorder } = options;
    const { requests } = outgoing;
    const { counters } = recorder;
    this.#parser = options.parser;
    this.judge = new ReplyJudge(options.parser, requests, options.expectation);
    this.#timeoutNs = options.timeoutNs;
    this.#recorder = options.recorder;
    this.turns = new TurnLog(options.recorder);
    this.#counters = counters;
    this.#nowNs = options.nowNs;
    this.#isStopped = options.isStopped;
    this.supply = options.supply;
    this.#underWay = new UnderWay(connectionLimit, options.depth, options.timeoutNs, requests, recorder);
    this.#standing = new Standing({ ...options, wanted: options.supply.wanted, counters }, this.#underWay);
    this.#idle = this.#standing.idle;
    this.#sender = new Sender({
      outgoing,
      standing: this.#standing,
      underWay: this.#underWay,
      expect: this.judge.needsRequest ? (conn, variant) => this.judge.expect(conn, variant) : null,
      fail: (conn, nowNs, kind) => this.#fail(conn, nowNs, kind),
    });
    this.#pace = options.createPace({ ...options, sender: this.#sender, standing: this.#standing });
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
    this.#sender.attach(loop);
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
    this.#pace.start(startNs);
  }

  #onTurn(nowNs: number): number {
    if (this.#phase === OPENING) return Math.min(OPENING_WAIT_NS, this.supply.maintain(nowNs));
    this.#recorder.rotate(nowNs);
    this.turns.handled(nowNs);
    // Before anything is sent: nothing may follow a request that is late (U2).
    this.#underWay.expire(nowNs, this.#onLate);
    if (this.#phase === RUNNING) {
      if (nowNs < this.#startNs) return this.#startNs - nowNs;
      this.#sendAgain();
      if (nowNs >= this.#endNs || this.#isStopped() || this.#pace.isDone) this.#beginDrain(nowNs);
      else this.#pace.turn(nowNs);
    } else this.#sendAgain();
    if (this.#phase === DRAINING) this.supply.mayOpen = this.#underWay.again.length > 0;
    // A fixed time, not "from now on": a loop that keeps its timers then need not set one in every turn.
    if (!(nowNs < this.#tickAtNs)) this.#tickAtNs = nowNs + MAX_WAIT_NS;
    const tickNs = this.#tickAtNs - nowNs;
    const waitNs = Math.min(tickNs, this.supply.maintain(nowNs), this.#underWay.earliestDeadlineNs - nowNs);
    this.turns.ends(nowNs);
    this.#counters[COUNTER.waiting] = this.#pace.waiting;
    if (this.#phase === DRAINING) return this.#drain(nowNs, waitNs);
    return Math.min(waitNs, this.#pace.waitNs(nowNs, tickNs), this.#endNs - nowNs);
  }

  /** What is to be sent a second time goes out ahead of all that is due. */
  #sendAgain(): void {
    while (this.#underWay.again.length > 0 && this.#idle.length > 0) {
      const conn = this.#idle.shift();
      this.#sender.sendAgain(conn, this.#nowNs());
      this.#standing.offer(conn);
    }
  }

  #onConnect(conn: number, errno: number): void {
    const nowNs = this.#nowNs();
    if (!this.supply.connected(conn, errno, nowNs)) return;
    this.#admit(conn);
    this.#serve(conn, nowNs);
  }

  #admit(conn: number): void {
    this.#parser.reset(conn);
    this.#underWay.clear(conn);
    this.#standing.opened(conn);
  }

  /** The answer of a proxy that was asked for a tunnel. */
  #onTunnelData(conn: number, bytes: Uint8Array, start: number, end: number): void {
    const nowNs = this.#nowNs();
    const at = this.supply.tunnelled(conn, bytes, start, end, nowNs);
    if (at < 0) return;
    this.#admit(conn);
    // What the target says by itself answers no request: it must be here before one is sent.
    if (at < end) this.#onData(conn, bytes, at, end);
    else this.#serve(conn, nowNs);
  }

  #serve(conn: number, nowNs: number): void {
    this.#sender.sendAgain(conn, nowNs);
    this.#pace.opened(conn, nowNs);
  }

  #onData(conn: number, bytes: Uint8Array, start: number, end: number): void {
    if (this.#standing.isClosed(conn)) {
      this.#onTunnelData(conn, bytes, start, end);
      return;
    }
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
      this.#counters[COUNTER.doing] = DOING.parsing;
      const result = this.#parser.feed(conn, bytes, at, end);
      this.#counters[COUNTER.doing] = DOING.other;
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
        this.#underWay.recall(conn, nowNs, BEHIND_A_CLOSE);
        this.#abandon(conn, nowNs, LOST.byPeer);
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
    } else {
      this.#sender.sendAgain(conn, nowNs);
      if (this.#phase === RUNNING) this.#pace.replied(conn, nowNs);
      else standing.offer(conn);
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
      this.#counters[COUNTER.doing] = DOING.checking;
      const wrongReason = this.judge.wrongReason(underWay.oldestVariant(conn));
      this.#counters[COUNTER.doing] = DOING.other;
      underWay.answered(conn, nowNs, this.#parser.status, wrongReason);
    }
    if (this.judge.needsRequest && underWay.count[conn]! > 0) {
      this.judge.expect(conn, underWay.oldestVariant(conn));
    }
  }

  #onClose(conn: number, errno: number): void {
    const nowNs = this.#nowNs();
    if (this.#standing.isClosed(conn)) {
      this.supply.closedEarly(conn, nowNs);
      return;
    }
    this.#counters[COUNTER.closedByPeer]!++;
    if (this.#underWay.count[conn]! > 0) {
      const kind = closeKind(errno, this.#parser.midMessage(conn));
      const result: Parsed = errno === 0 ? this.#parser.endOfStream(conn) : PARSED.bad;
      if (result === PARSED.message || result === PARSED.lastMessage) {
        this.judge.hearEnd();
        this.#matched(conn, nowNs);
        // A body that only a close can end says beforehand that nothing follows it (RFC 9112 §9.3).
        this.#underWay.recall(conn, nowNs, BEHIND_A_CLOSE);
      } else this.#underWay.fail(conn, nowNs, kind);
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

  /** Its place waits for another. */
  #vacate(conn: number, nowNs: number, why: Lost): void {
    this.#pace.lost(conn, nowNs);
    this.supply.lost(conn, nowNs, why);
  }

  /** The end of sending: what is due by now and was not sent is counted, replies under way are waited for. */
  #beginDrain(nowNs: number): void {
    const stopped = nowNs < this.#endNs;
    this.#counters[COUNTER.answeredInTime] = this.#counters[COUNTER.ok]! + this.#counters[COUNTER.wrong]!;
    this.#endNs = Math.min(nowNs, this.#endNs);
    this.#pace.end(nowNs, this.#endNs, stopped);
    this.#phase = DRAINING;
    // The last of them were sent just now, after the turn began: they too have their whole time.
    this.#drainUntilNs =
      this.#nowNs() + (stopped ? Math.min(STOP_DRAIN_NS, this.#timeoutNs) : this.#timeoutNs);
    this.supply.ends(nowNs);
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
