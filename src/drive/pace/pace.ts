import type { OutcomeRecorder } from '../flight/outcome-recorder.ts';
import type { Outgoing } from '../flight/outgoing.ts';
import type { Sender } from '../flight/sender.ts';
import type { Standing } from '../flight/standing.ts';

/**
 * When requests are sent, and over which free connection: the seam between a driver, which knows what became of
 * connections, and the ways of loading. Nothing is allocated and nothing thrown by a call.
 */
export type Pace = {
  /** Requests that are due and wait for a connection. */
  readonly waiting: number;
  /** The load begins; ns since run start, as all times here. */
  start(startNs: number): void;
  /** Once a turn while the load runs: what is due by now is sent, as far as connections are free. */
  turn(nowNs: number): void;
  /** The connection is new, or serves again. */
  opened(conn: number, nowNs: number): void;
  /** While the load runs: replies came on the connection, or part of one. */
  replied(conn: number, nowNs: number): void;
  /** The connection is lost, or of no further use. */
  lost(conn: number, nowNs: number): void;
  /** How long the next turn may wait; `tickNs` when no time is known at which there is something to do. */
  waitNs(nowNs: number, tickNs: number): number;
  /**
   * Sending ends: what was due by `endNs` and is not sent is counted. A turn that began late still sends what was due in
   * time, unless the load was stopped.
   */
  end(nowNs: number, endNs: number, isStopped: boolean): void;
};

/** What a pace works with. */
export type PaceParts = {
  sender: Sender;
  standing: Standing;
  recorder: OutcomeRecorder;
  outgoing: Outgoing;
  nowNs: () => number;
  connectionLimit: number;
};
