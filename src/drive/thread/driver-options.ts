import type { Schedule } from '../../plan/arrivals/arrival.ts';
import type { ReplyParser } from '../../wire/codec.ts';
import type { ConnectionSupply } from '../supply/connection-supply.ts';
import type { OutcomeRecorder } from './outcome-recorder.ts';
import type { Outgoing } from './outgoing.ts';

/** What a load thread's driver is made of. */
export type DriverOptions = {
  /** Null in a closed loop. Times are ns since the load's start. */
  schedule: Schedule | null;
  parser: ReplyParser;
  outgoing: Outgoing;
  connectionLimit: number;
  /** Most connections kept for a late reply beside those that took their places. */
  asideLimit: number;
  /** Most requests under way on one connection. */
  depth: number;
  queueLimit: number;
  timeoutNs: number;
  /** Closed loop: how long a connection rests between a reply and its next request. */
  think: { nextNs(): number } | null;
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
