/** What a proxy is made of besides its loop, as its settings ask for it. */
import type { Address } from '../../base/address.ts';
import type { Accounts } from './accounts/accounts.ts';
import { fixedUpstreams } from './fixed-upstreams.ts';
import type { ProxyListener, ProxySettings } from './proxy-options.ts';
import type { Rules } from './rules/rules.ts';
import type { Upstreams } from './upstreams/upstreams.ts';
import type { Endpoint, WayTalk } from './ways/way.ts';

export type ProxyParts = {
  /** null: everybody may go to the upstreams, and nowhere else. */
  rules: Rules | null;
  accounts: Accounts | null;
  upstreams: Upstreams;
  /** How a client of this listener is talked to; null: it goes to an upstream at once. */
  beginTalk(listener: ProxyListener): WayTalk | null;
  /** The first bytes for an upstream; null: none. */
  headerFor: ((source: Endpoint, destination: Address) => Uint8Array) | null;
  /** Whether anybody asks where a client comes from. */
  needsSource: boolean;
  [Symbol.dispose](): void;
};

export function createParts(settings: ProxySettings): ProxyParts {
  const upstreams = fixedUpstreams(settings.upstreams.map(({ address }) => address));
  return {
    rules: null,
    accounts: null,
    upstreams,
    beginTalk: () => null,
    headerFor: null,
    needsSource: settings.balance === 'hash',
    [Symbol.dispose]() {
      upstreams[Symbol.dispose]();
    },
  };
}
