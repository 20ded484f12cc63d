import { LockTurns } from './lock-turns.ts';
import type { AcceptStrategy } from './strategy.ts';

/** nginx's accept_mutex with multi_accept off: the worker that holds the lock takes one connection of each listener. */
export const mutex = {
  name: 'mutex',
  summary: 'a lock in shared memory: its holder alone watches the listener and takes one connection',
  backends: ['epoll'],
  sockets: 'one',
  options: { acceptLimit: 1 },
  takeTurns: (lock) => new LockTurns(lock),
} satisfies AcceptStrategy;
