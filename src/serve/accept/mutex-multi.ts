import { LockTurns } from './lock-turns.ts';
import type { AcceptStrategy } from './strategy.ts';

/** nginx's accept_mutex with multi_accept on: the worker that holds the lock takes all who wait. */
export const mutexMulti = {
  name: 'mutex-multi',
  summary: 'a lock in shared memory: its holder alone watches the listener and takes all who wait',
  backends: ['epoll'],
  sockets: 'one',
  options: { acceptLimit: 512 },
  takeTurns: (lock) => new LockTurns(lock),
} satisfies AcceptStrategy;
