/** What the herd experiment does, and with how much of everything. */
import { ACCEPT_STRATEGIES } from '../../serve/accept/registry.ts';

export type HerdPlan = {
  workerCount: number;
  clientCount: number;
  /** Of the rush: each request on a connection of its own, all clients at once, as fast as they are served. */
  rushConnections: number;
  /** Of the trickle: connections that come one by one, so that workers are idle when they come. */
  trickleRatePerSec: number;
  trickleNs: number;
  /** How long one worker is stopped, and connections meanwhile. */
  stoppedNs: number;
  stopRatePerSec: number;
  strategies: readonly string[];
};

/** The incident's own numbers. */
const FULL: Omit<HerdPlan, 'strategies'> = {
  workerCount: 24,
  clientCount: 500,
  rushConnections: 50_000,
  trickleRatePerSec: 1000,
  trickleNs: 4e9,
  stoppedNs: 2e9,
  stopRatePerSec: 300,
};

const QUICK: Omit<HerdPlan, 'strategies'> = {
  workerCount: 8,
  clientCount: 100,
  rushConnections: 4000,
  trickleRatePerSec: 500,
  trickleNs: 2e9,
  stoppedNs: 1e9,
  stopRatePerSec: 200,
};

/** Worst first, as the incident's team went through them. */
const ORDER = ['shared', 'mutex', 'mutex-multi', 'exclusive', 'reuseport', 'multishot'];

export function herdPlan(options: { quick: boolean; accept: readonly string[] }): HerdPlan {
  const known = ACCEPT_STRATEGIES.map(({ name }) => name);
  const all = [
    ...ORDER.filter((name) => known.includes(name)),
    ...known.filter((name) => !ORDER.includes(name)),
  ];
  const quickly = ['shared', 'exclusive', 'reuseport'];
  const chosen = options.accept.length > 0 ? options.accept : options.quick ? quickly : all;
  return { ...(options.quick ? QUICK : FULL), strategies: all.filter((name) => chosen.includes(name)) };
}

/** Seconds of wall time that the incident's team measured: 500 client threads, 50 000 requests, 24 workers. */
export const ORIGINAL = { sharedSec: 14.38, reuseportSec: 10.27 } as const;
