/** What a proxy is made of besides its loop, as its settings ask for it. */
import type { Accounts } from './accounts/accounts.ts';
import { accountsIn } from './accounts/book-accounts.ts';
import type { Book } from './accounts/book-memory.ts';
import { BookWriter } from './accounts/book-writer.ts';
import type { ProxyListener, ProxySettings } from './proxy-options.ts';
import { LiveRules } from './rules/live-rules.ts';
import { attachUpstreams } from './upstreams/attach-upstreams.ts';
import type { Upstreams } from './upstreams/upstreams.ts';
import { headerWriter } from './ways/proxy-header/write-header.ts';
import { wayNamed } from './ways/registry.ts';
import { Talks } from './ways/talks.ts';
import type { Endpoint, WayTalk } from './ways/way.ts';

export type ProxyParts = {
  rules: LiveRules;
  accounts: Accounts | null;
  upstreams: Upstreams;
  /** How a client of this listener, from there, is talked to; null: it goes to an upstream at once. */
  beginTalk(listener: ProxyListener, peer: Endpoint): WayTalk | null;
  /** The first bytes for an upstream: where the client is, and what it connected to. null: none. */
  headerFor: ((source: Endpoint, destination: Endpoint) => Uint8Array) | null;
  /** Whether anybody asks where a client comes from; a reload may change it. */
  readonly needsSource: boolean;
  [Symbol.dispose](): void;
};

/** Memory that a proxy shares with whoever reads what it counts. */
export type ProxyShared = { book?: Book };

export function createParts(
  settings: ProxySettings,
  nowNs: () => number,
  { book }: ProxyShared = {},
): ProxyParts {
  const accountLimit = settings.clientLimit * 2;
  const accounts = book ? accountsIn(new BookWriter(book, accountLimit), accountLimit, nowNs) : null;
  const upstreams = attachUpstreams(settings);
  const rules = new LiveRules(settings.access, nowNs);
  const limits = {
    headBytes: settings.headBytes,
    get asksWho() {
      return rules.asksWho;
    },
  };
  const isHeaded =
    settings.balance === 'hash' ||
    settings.proxyOut !== 'none' ||
    settings.listeners.some(({ way, proxyFrom }) => way !== 'tcp' || proxyFrom.length > 0);
  const talks = new Map(
    settings.listeners.map((listener) => [
      listener,
      new Talks(wayNamed(listener.way), limits, listener.proxyFrom),
    ]),
  );
  return {
    rules,
    accounts,
    upstreams,
    beginTalk: (listener, peer) => talks.get(listener)!.begin(peer),
    headerFor: headerWriter(settings.proxyOut),
    get needsSource() {
      return isHeaded || rules.asksWhence;
    },
    [Symbol.dispose]() {
      accounts?.[Symbol.dispose]();
      upstreams[Symbol.dispose]();
    },
  };
}
