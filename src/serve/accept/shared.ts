import type { AcceptStrategy } from './strategy.ts';

/** What a plain fork() server does: every worker has the listener in its epoll set, and each connection wakes them all. */
export const shared = {
  name: 'shared',
  summary: 'one listener in every epoll set: each connection wakes all workers, one gets it (the herd)',
  backends: ['epoll'],
  sockets: 'one',
  options: { acceptLimit: 1 },
} satisfies AcceptStrategy;
