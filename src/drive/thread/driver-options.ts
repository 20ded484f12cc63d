import type { ReplyParser } from '../../wire/codec.ts';
import type { OutcomeRecorder } from '../flight/outcome-recorder.ts';
import type { Outgoing } from '../flight/outgoing.ts';
import type { Pace, PaceParts } from '../pace/pace.ts';
import type { ConnectionSupply } from '../supply/connection-supply.ts';

/** What a load thread's driver is made of. */
export type DriverOptions = {
  /** When requests are sent, made of the driver's own parts. */
  createPace: (parts: PaceParts) => Pace;
  parser: ReplyParser;
  outgoing: Outgoing;
  connectionLimit: number;
  /** Most connections kept for a late reply beside those that took their places. */
  asideLimit: number;
  /** Most requests under way on one connection. */
  depth: number;
  timeoutNs: number;
  /** This thread sends no more than so many, and ends when each has its end; Infinity: time alone ends it. */
  requestLimit: number;
  /** After so many a connection is closed and another opened. */
  requestsPerConnection: number | null;
  recorder: OutcomeRecorder;
  nowNs: () => number;
  /** Asked once a turn. */
  isStopped: () => boolean;
  supply: ConnectionSupply;
};
