/**
 * The seam for protocols on the server's side: bytes of a connection in, replies out. A responder serves all
 * connections of one loop and keeps what it must remember of them in tables indexed by connection.
 */
import type { EventLoop } from '../../loop/event-loop.ts';

export type ServerProtocol = {
  readonly name: 'http' | 'frame';
  /** One line for help and documents. */
  readonly summary: string;
  createResponder(options: ResponderOptions): Responder;
};

export type ResponderOptions = {
  loop: EventLoop;
  connectionLimit: number;
  /** What every good request is answered with. */
  replyBody: Uint8Array;
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
  /** The slot is free. */
  closed(conn: number): void;
  /** A request has begun to arrive, or a reply is still on its way. */
  isBusy(conn: number): boolean;
  /** Once a cycle: goes on with replies that did not fit. True while some are left. */
  turn(): boolean;
  readonly counts: ResponderCounts;
};

export type ResponderCounts = {
  requestCount: number;
  /** Connections closed for breaking the protocol. */
  badCount: number;
  /** Connections closed because the peer did not read its replies. */
  slowReaderCount: number;
};
