import type { AcceptStrategy } from './strategy.ts';

/** One listener, and a multishot accept of each worker's ring on it; the kernel wakes one of them (Linux 5.19). */
export const multishot = {
  name: 'multishot',
  summary: "one listener, and a multishot accept on it in every worker's ring: a connection wakes one worker",
  backends: ['ring'],
  sockets: 'one',
  options: {},
} satisfies AcceptStrategy;
