import type { AcceptStrategy } from './strategy.ts';

/** One listener, and the kernel wakes one worker for a connection (EPOLLEXCLUSIVE, Linux 4.5). */
export const exclusive = {
  name: 'exclusive',
  summary: 'one listener, watched with EPOLLEXCLUSIVE: a connection wakes one worker',
  backends: ['epoll'],
  sockets: 'one',
  options: { exclusive: true, acceptLimit: 1 },
} satisfies AcceptStrategy;
