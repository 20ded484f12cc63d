/**
 * What every server on our own loop does alike: one thread, one loop, any number of listeners; it takes over the calling
 * thread while it runs, takes turns at accepting, and ends in good order.
 */
// Invariants
//  L1  Nothing is allocated per cycle here.
import type { Address } from '../base/address.ts';
import { createMonotonicClock } from '../kernel/clock.ts';
import type {
  AcceptOptions,
  EventLoop,
  ListenOptions,
  LoopHandlers,
  LoopOptions,
} from '../loop/event-loop.ts';
import { createLoop } from '../loop/registry.ts';
import type { RingSizes } from '../loop/ring-loop.ts';
import type { Turns } from './accept/strategy.ts';

/** How a server ends. stop: idle connections are closed. leave: they stay, for a request may be on its way. */
export type Ending = 'stop' | 'leave';

export type LoopServerOptions = {
  backend: EventLoop['backend'];
  loop: Omit<LoopOptions, 'handlers' | 'nowNs' | 'measuresWaits'>;
  sizes?: Partial<RingSizes>;
  stopTimeoutNs: number;
  leaveTimeoutNs: number;
  turns: Turns | null;
};

export abstract class LoopServer {
  protected readonly loop: EventLoop;
  protected readonly turns: Turns | null;
  protected readonly listeners: number[] = [];
  protected readonly nowNs: () => number = createMonotonicClock().nowNs;
  /** Time of the current cycle. */
  protected turnNs = 0;
  /** When runFor() is to return. */
  protected untilNs = 0;
  protected ending: Ending | null = null;
  readonly #options: LoopServerOptions;
  /** When the first cycle began; −1 before it. */
  #startedNs = -1;
  #leaveUntilNs = Number.POSITIVE_INFINITY;
  #giveUpAtNs = Number.POSITIVE_INFINITY;

  constructor(options: LoopServerOptions) {
    this.#options = options;
    this.turns = options.turns;
    const { turns } = options;
    const handlers: LoopHandlers = {
      ...this.handlers(),
      onTurn: (nowNs) => this.#turn(nowNs),
      ...(turns && { onAccepted: () => turns.afterAccepts() }),
    };
    this.loop = createLoop(
      { ...options.loop, handlers, nowNs: this.nowNs, measuresWaits: true },
      options.backend,
      options.sizes,
    );
  }

  /** What becomes of connections and bytes. Called before the fields of a subclass are made: only closures may use them. */
  protected abstract handlers(): Omit<LoopHandlers, 'onTurn' | 'onAccepted'>;
  /** The server's own part of a cycle's end. Returns how long the next wait may last. */
  protected abstract work(nowNs: number, waitNs: number): number;
  /** From now on each answer is its connection's last, where the protocol can say so. */
  protected abstract leave(): void;
  /** Ends all connections with nothing under way. */
  protected abstract endQuiet(): void;
  /** Connections that were accepted and are here, and the most of them. */
  protected abstract mayAccept(turns: Turns): boolean;
  /** Writes the counters out. */
  protected abstract publish(elapsedNs: number): void;

  get backend(): EventLoop['backend'] {
    return this.loop.backend;
  }

  get acceptCount(): number {
    return this.loop.stats.acceptCount;
  }

  /** Connections that would be cut by ending now. */
  get connectionCount(): number {
    return this.loop.connectionCount;
  }

  /** Opens a listener; returns where it really listens. Throws SYSCALL or PERMISSION. */
  listen(address: Address, options?: ListenOptions): Address {
    const listener = this.loop.listen(address, options);
    this.listeners.push(listener);
    return this.loop.listenerAddress(listener);
  }

  /** Accepts from a listening descriptor that was inherited. */
  adopt(fd: number, address: Address, options?: AcceptOptions): void {
    const listener = this.loop.adopt(fd, address, options);
    this.listeners.push(listener);
    if (this.turns !== null) this.loop.setAccepting(listener, false); // Until it has a turn.
  }

  /** Cycles until so much time has passed; until the server has ended, if that comes first. */
  runFor(ns: number): void {
    let nowNs = this.nowNs();
    if (this.#startedNs < 0) this.#startedNs = nowNs;
    this.turnNs = nowNs;
    this.untilNs = Math.min(nowNs + ns, this.#giveUpAtNs);
    while (nowNs < this.untilNs && !this.hasEnded) {
      this.loop.turn();
      nowNs = this.turnNs;
    }
  }

  /**
   * Stops accepting, and goes on with those who are here. What waits to be accepted is taken first. Leaving turns into
   * stopping when its time is over.
   */
  end(ending: Ending): void {
    if (this.ending === 'stop' || this.ending === ending) return;
    const { stopTimeoutNs, leaveTimeoutNs } = this.#options;
    const nowNs = this.nowNs();
    if (ending === 'leave') this.#leaveUntilNs = nowNs + leaveTimeoutNs;
    else this.#giveUpAtNs = nowNs + stopTimeoutNs;
    if (this.ending === null) {
      this.turns?.afterAccepts();
      this.leave();
      for (const listener of this.listeners) this.loop.stopListening(listener);
    }
    this.ending = ending;
  }

  /** Nobody is here any more, or they have had their time. */
  get hasEnded(): boolean {
    if (this.ending === null) return false;
    const { connectionCount, listenerCount } = this.loop;
    // A listener that is not closed yet may still bring somebody whom the kernel has accepted already.
    return (connectionCount === 0 && listenerCount === 0) || this.nowNs() >= this.#giveUpAtNs;
  }

  [Symbol.dispose](): void {
    this.turns?.afterAccepts();
    this.publish(this.#elapsedNs(this.nowNs()));
    this.loop[Symbol.dispose]();
  }

  #elapsedNs(nowNs: number): number {
    return this.#startedNs < 0 ? 0 : nowNs - this.#startedNs;
  }

  /** The end of a cycle. Returns how long the next wait may last. */
  #turn(nowNs: number): number {
    this.turnNs = nowNs;
    let waitNs = this.work(nowNs, Math.max(0, this.untilNs - nowNs));
    if (this.ending === 'leave' && nowNs >= this.#leaveUntilNs) this.end('stop');
    if (this.ending === 'stop') this.endQuiet();
    else if (this.turns !== null && this.ending === null) waitNs = this.#takeTurn(this.turns, waitNs);
    this.publish(this.#elapsedNs(nowNs));
    return waitNs;
  }

  #takeTurn(turns: Turns, waitNs: number): number {
    const mayAccept = this.mayAccept(turns);
    for (const listener of this.listeners) this.loop.setAccepting(listener, mayAccept);
    return mayAccept ? waitNs : Math.min(waitNs, turns.retryNs);
  }
}
