/**
 * The seam for protocols on the server's side: bytes of a connection in, replies out. A responder serves all
 * connections of one loop and keeps what it must remember of them in tables indexed by connection.
 */
import type { EventLoop } from '../../loop/event-loop.ts';
import type { Route } from '../http/route.ts';

export type ServerProtocol = {
  readonly name: 'http' | 'frame' | 'echo';
  /** One line for help and documents. */
  readonly summary: string;
  createResponder(options: ResponderOptions): Responder;
};

/** The part of a loop that a responder replies through. */
export type ReplyLoop = Pick<
  EventLoop,
  'allocateSendMemory' | 'send' | 'sendCopy' | 'pendingSendBytes' | 'close' | 'end'
>;

export type ResponderOptions = {
  /** close() and end() of it are the server's own, so that it knows which connections are still served. */
  loop: ReplyLoop;
  connectionLimit: number;
  /** What every good request is answered with, where there are no routes. */
  replyBody: Uint8Array;
  /** http: what each path is answered with; replyBody for every path when empty. */
  routes: readonly Route[];
  /** Longest header block taken, in bytes. */
  maxHeaderBytes: number;
  /** Longest body or frame payload taken, in bytes. */
  maxBodyBytes: number;
  /** Called for each whole request, before its reply. May block: that is what planted faults do. */
  onRequest(): void;
};

export type Responder = {
  /** The slot has a new connection. */
  open(conn: number): void;
  /** Bytes [start, end) arrived. Replies, and closes a connection that breaks the protocol. */
  data(conn: number, bytes: Uint8Array, start: number, end: number): void;
  /** The peer ended its side, or the connection failed: the slot is free, unless end() is called for what is unsent. */
  closed(conn: number, errno: number): void;
  /** Part of a request has arrived. */
  isMidRequest(conn: number): boolean;
  /** Reply bytes that the peer has not taken. */
  unsentBytes(conn: number): number;
  /** The request took too long to arrive: says so, where the protocol can, and ends the connection. */
  timeOut(conn: number): void;
  /** From now on each reply is its connection's last, where the protocol can say so. */
  leave(): void;
  /** Once a cycle: goes on with replies that did not fit. True while some are left. `nowNs` is the loop's time. */
  turn(nowNs: number): boolean;
  readonly counts: ResponderCounts;
};

export type ResponderCounts = {
  requestCount: number;
  /** Connections closed for breaking the protocol. */
  badCount: number;
  /** Connections closed because the peer did not read its replies. */
  slowReaderCount: number;
  /** Connections closed because nothing, or not enough, came in time. */
  timedOutCount: number;
};

export function noCounts(): ResponderCounts {
  return { requestCount: 0, badCount: 0, slowReaderCount: 0, timedOutCount: 0 };
}
