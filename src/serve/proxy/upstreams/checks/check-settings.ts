/** How upstreams are checked, as plain data. */
export type CheckSettings = {
  /** Name of a kind of registry.ts. */
  kind: string;
  /** Of the HTTP check. */
  path: string;
  expectedStatus: number;
  intervalNs: number;
  /** A check that has said nothing for so long has failed. */
  timeoutNs: number;
  rise: number;
  fall: number;
  /** Most checks under way; what is due beyond that is dropped and counted. */
  mostUnderWay: number;
  jitterShare: number;
  /** How it must not be done, for the lab. */
  synchronised: boolean;
  seed: number;
  /** What an upstream that expects a PROXY header is sent first: that this connection is nobody's. */
  proxyOut: 'none' | 'v1' | 'v2';
};

export const DEFAULT_CHECKS: CheckSettings = {
  kind: 'tcp',
  path: '/',
  expectedStatus: 200,
  intervalNs: 5e9,
  timeoutNs: 2e9,
  rise: 2,
  fall: 3,
  mostUnderWay: 1000,
  jitterShare: 0.1,
  synchronised: false,
  seed: 0,
  proxyOut: 'none',
};
