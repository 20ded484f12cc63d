/** A server that answers by itself: requests of one protocol in, replies out. */
// Invariants
//  V1  A connection is served exactly while clock.state is not NOT_SERVED; all closes and ends go through this file.
//  V2  Nothing is allocated per request or per cycle here.
import { NS_PER_MS } from '../base/units.ts';
import type { LoopHandlers } from '../loop/event-loop.ts';
import type { Turns } from './accept/strategy.ts';
import { ConnectionClock, NOT_SERVED } from './connection-clock.ts';
import type { FaultSchedule } from './faults/schedule.ts';
import { LoopServer } from './loop-server.ts';
import type { ReplyLoop, Responder, ResponderCounts } from './protocols/protocol.ts';
import { SERVER_PROTOCOLS } from './protocols/registry.ts';
import type { ServerSettings } from './server-options.ts';
import { publishStats } from './stats.ts';
import { ROW, type Row } from './workers/board.ts';

/** With replies that could not be queued, the next try. */
const RETRY_NS = NS_PER_MS;

export class Server extends LoopServer {
  readonly #responder: Responder;
  readonly #clock: ConnectionClock;
  readonly #faults: FaultSchedule;
  readonly #row: Row;
  readonly #settings: ServerSettings;

  constructor(settings: ServerSettings, faults: FaultSchedule, row: Row, turns: Turns | null = null) {
    const {
      backend,
      connectionLimit,
      sendTimeoutNs: drainTimeoutNs,
      stopTimeoutNs,
      leaveTimeoutNs,
    } = settings;
    super({ backend, loop: { connectionLimit, drainTimeoutNs }, stopTimeoutNs, leaveTimeoutNs, turns });
    this.#settings = settings;
    this.#faults = faults;
    this.#row = row;
    const protocol = SERVER_PROTOCOLS.find(({ name }) => name === settings.protocol)!;
    this.#responder = protocol.createResponder({
      ...settings,
      loop: this.#replyLoop(),
      replyBody: new TextEncoder().encode(settings.replyText),
      onRequest: () => faults.onRequest(),
    });
    this.#clock = new ConnectionClock(connectionLimit, settings, {
      idle: (conn) => this.#giveUp(conn),
      arriving: (conn) => {
        this.#responder.counts.timedOutCount++;
        this.#responder.timeOut(conn);
      },
      notReading: (conn) => {
        this.#responder.counts.slowReaderCount++;
        this.#close(conn);
      },
      unsentBytes: (conn) => this.#responder.unsentBytes(conn),
    });
  }

  get counts(): ResponderCounts {
    return this.#responder.counts;
  }

  hitCounts(): Record<string, number> {
    return this.#faults.hitCounts();
  }

  protected handlers(): Omit<LoopHandlers, 'onTurn' | 'onAccepted'> {
    return {
      onConnect() {},
      onAccept: (conn) => {
        this.#clock.opened(conn, this.turnNs);
        this.#responder.open(conn);
      },
      onData: (conn, bytes, start, end) => {
        const { counts } = this.#responder;
        const before = counts.requestCount;
        this.#responder.data(conn, bytes, start, end);
        const isMid = this.#responder.isMidRequest(conn);
        this.#clock.touched(conn, isMid, counts.requestCount !== before, this.turnNs);
      },
      onClose: (conn, errno) => {
        this.#clock.closed(conn);
        this.#responder.closed(conn, errno);
      },
    };
  }

  protected work(nowNs: number, waitNs: number): number {
    const isLeft = this.#responder.turn(nowNs);
    this.#clock.look(nowNs, this.loop.connectionCount >= this.#settings.connectionLimit);
    return isLeft ? Math.min(waitNs, RETRY_NS) : waitNs;
  }

  protected mayAccept(turns: Turns): boolean {
    return turns.mayAccept(this.loop.connectionCount, this.#settings.connectionLimit);
  }

  protected leave(): void {
    this.#responder.leave();
  }

  /** Ends all connections with nothing under way. */
  protected endQuiet(): void {
    const { state } = this.#clock;
    for (let conn = 0; conn < state.length; conn++) {
      if (state[conn] === NOT_SERVED) continue;
      if (this.#responder.isMidRequest(conn) || this.#responder.unsentBytes(conn) > 0) continue;
      this.#end(conn);
    }
  }

  protected publish(elapsedNs: number): void {
    const { stats, connectionCount } = this.loop;
    publishStats(this.#row, elapsedNs, stats, this.#responder.counts, connectionCount);
    if (this.turns !== null) this.#row[ROW.turnsTaken] = this.turns.turnCount;
  }

  #giveUp(conn: number): void {
    this.#responder.counts.timedOutCount++;
    this.#end(conn);
  }

  #close(conn: number): void {
    this.#clock.closed(conn);
    this.#responder.closed(conn, -1);
    this.loop.close(conn);
  }

  #end(conn: number): void {
    this.#clock.closed(conn);
    this.loop.end(conn);
  }

  #replyLoop(): ReplyLoop {
    const { loop } = this;
    return {
      allocateSendMemory: (byteLength) => loop.allocateSendMemory(byteLength),
      send: (conn, memory, start, end) => loop.send(conn, memory, start, end),
      sendCopy: (conn, bytes, start, end) => loop.sendCopy(conn, bytes, start, end),
      pendingSendBytes: (conn) => loop.pendingSendBytes(conn),
      close: (conn) => {
        this.#clock.closed(conn);
        loop.close(conn);
      },
      end: (conn) => {
        this.#clock.closed(conn);
        loop.end(conn);
      },
    };
  }
}
