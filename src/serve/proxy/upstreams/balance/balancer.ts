/**
 * The seam for ways of choosing an upstream: one file each, listed in registry.ts. A balancer knows slots and what they
 * weigh, nothing else: who is down, ejected, draining or new is told to it as a weight.
 */
export type Balancer = {
  /** Slots that may be picked. */
  readonly length: number;
  /**
   * What a slot weighs from now on; 0 takes it out. O(log n). `nameHash` says where it belongs in ways that place
   * upstreams by name; always the same for one slot while it is in.
   */
  set(slot: number, weight: number, nameHash: number): void;
  /** Connections that a slot has now. O(log n). */
  load(slot: number, connectionCount: number): void;
  /** The slot for a connection; −1 when there is none. `keyHash`: of the client's address or name. O(log n). */
  pick(keyHash: number): number;
};

export type BalanceMethod = {
  readonly name: string;
  /** One line for help and documents. */
  readonly summary: string;
  /** Whether weights mean something; otherwise all weigh 1, but for those that start slowly. */
  readonly takesWeights: boolean;
  /** `limit`: slots are below it. `seed`: where to begin, so that workers do not all begin with the same upstream. */
  create(limit: number, seed: number): Balancer;
};
