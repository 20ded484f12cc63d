/** What a proxy is made of besides its loop, as its settings ask for it. */
import type { Accounts } from './accounts/accounts.ts';
import { fixedUpstreams } from './fixed-upstreams.ts';
import type { ProxyListener, ProxySettings } from './proxy-options.ts';
import type { Rules } from './rules/rules.ts';
import type { Upstreams } from './upstreams/upstreams.ts';
import { headerWriter } from './ways/proxy-header/write-header.ts';
import { wayNamed } from './ways/registry.ts';
import { Talks } from './ways/talks.ts';
import type { Endpoint, WayTalk } from './ways/way.ts';

export type ProxyParts = {
  /** null: everybody may go to the upstreams, and nowhere else. */
  rules: Rules | null;
  accounts: Accounts | null;
  upstreams: Upstreams;
  /** How a client of this listener, from there, is talked to; null: it goes to an upstream at once. */
  beginTalk(listener: ProxyListener, peer: Endpoint): WayTalk | null;
  /** The first bytes for an upstream: where the client is, and what it connected to. null: none. */
  headerFor: ((source: Endpoint, destination: Endpoint) => Uint8Array) | null;
  /** Whether anybody asks where a client comes from. */
  needsSource: boolean;
  [Symbol.dispose](): void;
};

export function createParts(settings: ProxySettings): ProxyParts {
  const upstreams = fixedUpstreams(settings.upstreams.map(({ address }) => address));
  const limits = { headBytes: settings.headBytes, asksWho: false };
  const talks = new Map(
    settings.listeners.map((listener) => [
      listener,
      new Talks(wayNamed(listener.way), limits, listener.proxyFrom),
    ]),
  );
  return {
    rules: null,
    accounts: null,
    upstreams,
    beginTalk: (listener, peer) => talks.get(listener)!.begin(peer),
    headerFor: headerWriter(settings.proxyOut),
    needsSource:
      settings.balance === 'hash' ||
      settings.proxyOut !== 'none' ||
      settings.listeners.some(({ way, proxyFrom }) => way !== 'tcp' || proxyFrom.length > 0),
    [Symbol.dispose]() {
      upstreams[Symbol.dispose]();
    },
  };
}
