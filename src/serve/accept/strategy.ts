/**
 * The seam for accept strategies: how workers share the connections that come in. accept.contract.ts is the behaviour
 * every one must show; registry.ts lists them; docs/reference/serve.md says what each costs and risks.
 */
import type { AcceptOptions, EventLoop } from '../../loop/event-loop.ts';
import type { ProcessLock } from './process-lock.ts';

export type AcceptStrategy = {
  readonly name: string;
  /** One line for help and documents. */
  readonly summary: string;
  /** Back ends it works on, best first. */
  readonly backends: readonly EventLoop['backend'][];
  /** One listening socket that all workers inherit, or one for each worker (SO_REUSEPORT). */
  readonly sockets: 'one' | 'each';
  readonly options: AcceptOptions;
  /** For workers that take turns at accepting; absent, each accepts whenever it is told of a connection. */
  takeTurns?(lock: ProcessLock): Turns;
};

/** One worker's part in taking turns. Called once a cycle; allocates nothing. */
export type Turns = {
  /** Before a wait: may this worker accept in the coming cycle? */
  mayAccept(connectionCount: number, connectionLimit: number): boolean;
  /** The connections of the cycle are accepted; others may have their turn. */
  afterAccepts(): void;
  /** Without a turn, the next try comes after so long at the latest. */
  readonly retryNs: number;
  /** Turns had so far. */
  readonly turnCount: number;
};
