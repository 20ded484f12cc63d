export type ProxyCounts = {
  /** Clients that were connected through. */
  flowCount: number;
  /** Clients whose head was no head of their listener's way. */
  wrongCount: number;
  /** Clients that may not go where they asked to. */
  refusedCount: number;
  /** Upstreams that could not be connected, for one client each. */
  unreachedCount: number;
  /** Clients closed because nothing, or not enough, came in time. */
  timedOutCount: number;
  /** Flows that ended with an error of one side. */
  resetCount: number;
};

export function noProxyCounts(): ProxyCounts {
  return { flowCount: 0, wrongCount: 0, refusedCount: 0, unreachedCount: 0, timedOutCount: 0, resetCount: 0 };
}
