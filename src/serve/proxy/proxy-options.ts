/** What a proxy is told, as plain data: a master writes it out for its workers. */
import type { Address } from '../../base/address.ts';
import type { EventLoop } from '../../loop/event-loop.ts';
import { type AccessSettings, OPEN_ACCESS } from './rules/access.ts';
import type { RowsPlace } from './upstreams/rows/shared-rows.ts';
import type { Way } from './ways/way.ts';

/** One listener and how its clients say where they want to go. */
export type ProxyListener = {
  address: Address;
  way: Way['name'];
  /** Clients from these CIDRs, and no others, begin with a PROXY header; empty: nobody does. */
  proxyFrom: string[];
  /** A client that asked for a name has to speak TLS, and to name the same server in its ClientHello. */
  checksServerName?: boolean;
};

export type ProxyUpstream = {
  address: Address;
  /** 1 unless said otherwise. */
  weight: number;
};

export type ProxySettings = {
  /** Tells a worker that it is to be a proxy. */
  protocol: 'proxy';
  backend: EventLoop['backend'];
  listeners: ProxyListener[];
  upstreams: ProxyUpstream[];
  /** Where the upstreams are kept for all workers; null: those of `upstreams`, in this process alone. */
  upstreamRows: RowsPlace | null;
  /** An upstream that is new, or back, has its whole share after so long. */
  slowStartNs: number;
  balance: 'round-robin' | 'least-connections' | 'weighted' | 'hash';
  /** Header that upstreams are sent first. */
  proxyOut: 'none' | 'v1' | 'v2';
  access: AccessSettings;
  /** Most clients of one process at once; further ones wait in the kernel's queue. */
  clientLimit: number;
  /** The head of a client (CONNECT, SOCKS, ClientHello, PROXY) is so long at most, and has so long to come. */
  headBytes: number;
  headTimeoutNs: number;
  connectTimeoutNs: number;
  /** A connection on which neither side sends anything is closed after so long. */
  idleTimeoutNs: number;
  /** How long connections may stay when the proxy stops, and with a worker that another has replaced. */
  stopTimeoutNs: number;
  leaveTimeoutNs: number;
};

export const DEFAULT_PROXY_SETTINGS: ProxySettings = {
  protocol: 'proxy',
  backend: 'epoll',
  listeners: [],
  upstreams: [],
  upstreamRows: null,
  slowStartNs: 10e9,
  balance: 'round-robin',
  proxyOut: 'none',
  access: OPEN_ACCESS,
  clientLimit: 16_384,
  headBytes: 16_384,
  headTimeoutNs: 5e9,
  connectTimeoutNs: 5e9,
  idleTimeoutNs: 300e9,
  stopTimeoutNs: 2e9,
  leaveTimeoutNs: 60e9,
};
