import type { AcceptStrategy } from './strategy.ts';

/** A listener for each worker; the kernel deals connections out by a hash of their addresses (SO_REUSEPORT, Linux 3.9). */
export const reuseport = {
  name: 'reuseport',
  summary: 'a listener for each worker, the kernel deals connections out (SO_REUSEPORT; TCP only)',
  backends: ['ring', 'epoll'],
  sockets: 'each',
  options: {},
} satisfies AcceptStrategy;
