/**
 * An event-loop server on our own loop: one thread, one loop, any number of listeners. It takes over the calling
 * thread while it runs.
 */
// Invariants
//  V1  A connection is served exactly while clock.state is not NOT_SERVED; all closes and ends go through this file.
//  V2  Nothing is allocated per request or per cycle here.
import type { Address } from '../base/address.ts';
import { NS_PER_MS } from '../base/units.ts';
import { createMonotonicClock } from '../kernel/clock.ts';
import type { AcceptOptions, EventLoop, ListenOptions, LoopHandlers } from '../loop/event-loop.ts';
import { createLoop } from '../loop/registry.ts';
import type { Turns } from './accept/strategy.ts';
import { ConnectionClock, NOT_SERVED } from './connection-clock.ts';
import type { FaultSchedule } from './faults/schedule.ts';
import type { ReplyLoop, Responder, ResponderCounts } from './protocols/protocol.ts';
import { SERVER_PROTOCOLS } from './protocols/registry.ts';
import type { ServerSettings } from './server-options.ts';
import { publishStats } from './stats.ts';
import { ROW, type Row } from './workers/board.ts';

/** With replies that could not be queued, the next try. */
const RETRY_NS = NS_PER_MS;

/** How a server ends. stop: idle connections are closed. leave: they stay, for a request may be on its way. */
export type Ending = 'stop' | 'leave';

export class Server {
  readonly #loop: EventLoop;
  readonly #responder: Responder;
  readonly #clock: ConnectionClock;
  readonly #faults: FaultSchedule;
  readonly #row: Row;
  readonly #turns: Turns | null;
  readonly #settings: ServerSettings;
  readonly #listeners: number[] = [];
  readonly #nowNs = createMonotonicClock().nowNs;
  /** When the first cycle began; −1 before it. */
  #startedNs = -1;
  #untilNs = 0;
  #turnNs = 0;
  #ending: Ending | null = null;
  #leaveUntilNs = Number.POSITIVE_INFINITY;
  #giveUpAtNs = Number.POSITIVE_INFINITY;

  constructor(settings: ServerSettings, faults: FaultSchedule, row: Row, turns: Turns | null = null) {
    this.#settings = settings;
    this.#faults = faults;
    this.#row = row;
    this.#turns = turns;
    const { connectionLimit, sendTimeoutNs: drainTimeoutNs } = settings;
    const [handlers, nowNs] = [this.#handlers(), this.#nowNs];
    this.#loop = createLoop(
      { connectionLimit, handlers, nowNs, measuresWaits: true, drainTimeoutNs },
      settings.backend,
    );
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

  get backend(): EventLoop['backend'] {
    return this.#loop.backend;
  }

  get counts(): ResponderCounts {
    return this.#responder.counts;
  }

  get acceptCount(): number {
    return this.#loop.stats.acceptCount;
  }

  get connectionCount(): number {
    return this.#loop.connectionCount;
  }

  /** Opens a listener; returns where it really listens. Throws SYSCALL or PERMISSION. */
  listen(address: Address, options?: ListenOptions): Address {
    const listener = this.#loop.listen(address, options);
    this.#listeners.push(listener);
    return this.#loop.listenerAddress(listener);
  }

  /** Accepts from a listening descriptor that was inherited. */
  adopt(fd: number, address: Address, options?: AcceptOptions): void {
    const listener = this.#loop.adopt(fd, address, options);
    this.#listeners.push(listener);
    if (this.#turns !== null) this.#loop.setAccepting(listener, false); // Until it has a turn.
  }

  /** Cycles until so much time has passed; until the server has ended, if that comes first. */
  runFor(ns: number): void {
    let nowNs = this.#nowNs();
    if (this.#startedNs < 0) this.#startedNs = nowNs;
    this.#turnNs = nowNs;
    this.#untilNs = Math.min(nowNs + ns, this.#giveUpAtNs);
    while (nowNs < this.#untilNs && !this.hasEnded) {
      this.#loop.turn();
      nowNs = this.#turnNs;
    }
  }

  /**
   * Stops accepting, and goes on with those who are here. What waits to be accepted is taken first. Leaving turns into
   * stopping when its time is over.
   */
  end(ending: Ending): void {
    if (this.#ending === 'stop' || this.#ending === ending) return;
    const { stopTimeoutNs, leaveTimeoutNs } = this.#settings;
    const nowNs = this.#nowNs();
    if (ending === 'leave') this.#leaveUntilNs = nowNs + leaveTimeoutNs;
    else this.#giveUpAtNs = nowNs + stopTimeoutNs;
    if (this.#ending === null) {
      this.#turns?.afterAccepts();
      this.#responder.leave();
      for (const listener of this.#listeners) this.#loop.stopListening(listener);
    }
    this.#ending = ending;
  }

  /** Nobody is here any more, or they have had their time. */
  get hasEnded(): boolean {
    if (this.#ending === null) return false;
    const { connectionCount, listenerCount } = this.#loop;
    // A listener that is not closed yet may still bring somebody whom the kernel has accepted already.
    return (connectionCount === 0 && listenerCount === 0) || this.#nowNs() >= this.#giveUpAtNs;
  }

  hitCounts(): Record<string, number> {
    return this.#faults.hitCounts();
  }

  [Symbol.dispose](): void {
    this.#turns?.afterAccepts();
    this.#publish(this.#nowNs());
    this.#loop[Symbol.dispose]();
  }

  #handlers(): LoopHandlers {
    const turns = this.#turns;
    return {
      onConnect() {},
      onAccept: (conn) => {
        this.#clock.opened(conn, this.#turnNs);
        this.#responder.open(conn);
      },
      onData: (conn, bytes, start, end) => {
        const { counts } = this.#responder;
        const before = counts.requestCount;
        this.#responder.data(conn, bytes, start, end);
        const isMid = this.#responder.isMidRequest(conn);
        this.#clock.touched(conn, isMid, counts.requestCount !== before, this.#turnNs);
      },
      onClose: (conn, errno) => {
        this.#clock.closed(conn);
        this.#responder.closed(conn, errno);
      },
      onTurn: (nowNs) => this.#turn(nowNs),
      ...(turns && { onAccepted: () => turns.afterAccepts() }),
    };
  }

  /** The end of a cycle. Returns how long the next wait may last. */
  #turn(nowNs: number): number {
    this.#turnNs = nowNs;
    let waitNs = Math.max(0, this.#untilNs - nowNs);
    if (this.#responder.turn(nowNs)) waitNs = Math.min(waitNs, RETRY_NS);
    this.#clock.look(nowNs, this.#loop.connectionCount >= this.#settings.connectionLimit);
    if (this.#ending === 'leave' && nowNs >= this.#leaveUntilNs) this.end('stop');
    if (this.#ending === 'stop') this.#endQuiet();
    else if (this.#turns !== null && this.#ending === null) waitNs = this.#takeTurn(this.#turns, waitNs);
    this.#publish(nowNs);
    return waitNs;
  }

  #takeTurn(turns: Turns, waitNs: number): number {
    const mayAccept = turns.mayAccept(this.#loop.connectionCount, this.#settings.connectionLimit);
    for (const listener of this.#listeners) this.#loop.setAccepting(listener, mayAccept);
    return mayAccept ? waitNs : Math.min(waitNs, turns.retryNs);
  }

  /** Ends all connections with nothing under way. */
  #endQuiet(): void {
    const { state } = this.#clock;
    for (let conn = 0; conn < state.length; conn++) {
      if (state[conn] === NOT_SERVED) continue;
      if (this.#responder.isMidRequest(conn) || this.#responder.unsentBytes(conn) > 0) continue;
      this.#end(conn);
    }
  }

  #publish(nowNs: number): void {
    const { stats, connectionCount } = this.#loop;
    const elapsedNs = this.#startedNs < 0 ? 0 : nowNs - this.#startedNs;
    publishStats(this.#row, elapsedNs, stats, this.#responder.counts, connectionCount);
    if (this.#turns !== null) this.#row[ROW.turnsTaken] = this.#turns.turnCount;
  }

  #giveUp(conn: number): void {
    this.#responder.counts.timedOutCount++;
    this.#end(conn);
  }

  #close(conn: number): void {
    this.#clock.closed(conn);
    this.#responder.closed(conn, -1);
    this.#loop.close(conn);
  }

  #end(conn: number): void {
    this.#clock.closed(conn);
    this.#loop.end(conn);
  }

  #replyLoop(): ReplyLoop {
    const loop = this.#loop;
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
