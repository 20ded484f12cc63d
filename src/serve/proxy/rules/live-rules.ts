/** Rules that a reload replaces while connections last: counts go on under the names of rules, and so do users' connections. */
import type { Credentials } from '../ways/way.ts';
import type { AccessSettings } from './access.ts';
import { AccessRules } from './access-rules.ts';
import { Resolver, systemLookup } from './resolver.ts';
import type { Admission, Request, RuleCount, Rules } from './rules.ts';
import { OwnConnections } from './who/connection-counts.ts';

export class LiveRules implements Rules {
  readonly #connections = new OwnConnections();
  readonly #nowNs: () => number;
  /** Of rules that were replaced. */
  readonly #before = new Map<string, RuleCount>();
  #rules: AccessRules;

  constructor(settings: AccessSettings, nowNs: () => number) {
    this.#nowNs = nowNs;
    this.#rules = this.#make(settings);
  }

  get asksWho(): boolean {
    return this.#rules.asksWho;
  }

  /** Whether anybody is known by where he comes from. */
  get asksWhence(): boolean {
    return this.#rules.asksWhence;
  }

  /** Upstreams are for everybody: nobody need be asked for those, nor is counted. */
  get isOpen(): boolean {
    return this.#rules.isOpen;
  }

  authenticate(credentials: Credentials): string | null | Promise<string | null> {
    return this.#rules.authenticate(credentials);
  }

  admit(request: Request): Admission | Promise<Admission> {
    return this.#rules.admit(request);
  }

  isSameServer(host: string, sni: string | null): boolean {
    return this.#rules.isSameServer(host, sni);
  }

  left(user: string): void {
    this.#connections.left(user);
  }

  /** From now on these are asked; connections that were allowed stay. Throws for settings that are none, and changes nothing. */
  swap(settings: AccessSettings): void {
    const fresh = this.#make(settings);
    for (const count of this.#rules.counts())
      this.#before.set(count.rule, sum(this.#before.get(count.rule), count));
    this.#rules = fresh;
  }

  counts(): RuleCount[] {
    const now = this.#rules.counts().map((count) => sum(this.#before.get(count.rule), count));
    const names = new Set(now.map(({ rule }) => rule));
    return [...now, ...[...this.#before.values()].filter(({ rule }) => !names.has(rule))];
  }

  #make(settings: AccessSettings): AccessRules {
    const { lookupLimit: limit, lookupTimeoutNs: timeoutNs, lookupKeepNs: keepNs } = settings;
    const nowNs = this.#nowNs;
    const resolver = new Resolver({ lookup: systemLookup, nowNs, limit, timeoutNs, keepNs, setTimer });
    return new AccessRules({ settings, resolver, connections: this.#connections, nowNs });
  }
}

function setTimer(call: () => void, ns: number): { clear(): void } {
  const timer = setTimeout(call, ns / 1e6);
  return { clear: () => clearTimeout(timer) };
}

function sum(before: RuleCount | undefined, { rule, allowed, refused, wouldRefuse }: RuleCount): RuleCount {
  return {
    rule,
    allowed: allowed + (before?.allowed ?? 0),
    refused: refused + (before?.refused ?? 0),
    wouldRefuse: wouldRefuse + (before?.wouldRefuse ?? 0),
  };
}
