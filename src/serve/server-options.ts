/** What a server is told, as plain data: a master writes it out for its workers. */
import type { EventLoop } from '../loop/event-loop.ts';
import type { Route } from './http/route.ts';
import type { ServerProtocol } from './protocols/protocol.ts';

export type ServerSettings = {
  protocol: ServerProtocol['name'];
  backend: EventLoop['backend'];
  /** Most connections of one process at once; further ones wait in the kernel's queue. */
  connectionLimit: number;
  /** What every good request is answered with, where there are no routes. */
  replyText: string;
  routes: Route[];
  maxHeaderBytes: number;
  maxBodyBytes: number;
  /** A connection on which nothing happens is closed after so long. */
  idleTimeoutNs: number;
  /** A request has so long to arrive, from its first byte to its last. */
  requestTimeoutNs: number;
  /** A peer that has not taken a byte of its replies for so long is closed. */
  sendTimeoutNs: number;
  /** How long connections may stay when the server stops. */
  stopTimeoutNs: number;
  /** How long connections may stay with a worker that another has replaced. */
  leaveTimeoutNs: number;
};

export const DEFAULT_SETTINGS: ServerSettings = {
  protocol: 'http',
  backend: 'epoll',
  connectionLimit: 16_384,
  replyText: 'hello\n',
  routes: [],
  maxHeaderBytes: 16_384,
  maxBodyBytes: 1 << 20,
  idleTimeoutNs: 75e9,
  requestTimeoutNs: 10e9,
  sendTimeoutNs: 30e9,
  stopTimeoutNs: 2e9,
  leaveTimeoutNs: 60e9,
};
