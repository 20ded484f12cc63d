/** What the rules say of a destination: which of its addresses are allowed, and by which rule. Counts nothing. */
import type { Address } from '../../../base/address.ts';
import type { Endpoint } from '../ways/way.ts';
import { readHost } from './hosts/host-name.ts';
import { judgeAsIpv4, parseIp } from './hosts/ip.ts';
import { Match, NO_RULE } from './match.ts';
import type { Resolution, Resolver } from './resolver.ts';
import type { BuiltIn } from './rule-counter.ts';
import type { RuleSet } from './rule-set.ts';

export type Judgement = {
  isAllowed: boolean;
  /** The number of the rule that decided, or the reason that is none. */
  rule: number | BuiltIn;
  /** A refusing rule that is only tried out and matches too, or NO_RULE. */
  trial: number;
  addresses: readonly Address[];
};

/** Port that a server name of TLS stands for in a rule. */
const TLS_PORT = 443;

export class Judge {
  readonly #rules: RuleSet;
  readonly #resolver: Resolver;
  readonly #match = new Match();
  readonly #words = new Uint32Array(4);

  constructor(rules: RuleSet, resolver: Resolver) {
    this.#rules = rules;
    this.#resolver = resolver;
  }

  /** At once, unless a name has to be looked up that rules allow or, by its addresses, might allow. */
  judge(user: string, destination: Endpoint, sni: string | null): Judgement | Promise<Judgement> {
    const { port } = destination;
    const read = readHost(destination.host, this.#words);
    const isPort = Number.isInteger(port) && port > 0 && port < 65_536;
    if (typeof read === 'string' || !isPort) return refusal('not-a-destination');
    if (read.form === 'address') return this.#judgeAddress(user, read.host, port);
    if (sni !== null && !isSameName(sni, read.host)) return refusal('sni-differs');
    return this.#judgeName(user, read.host, port);
  }

  /** An upstream, for a client that may have named it in its ClientHello. */
  judgeUpstream(user: string, sni: string | null): Judgement {
    const match = this.#match;
    this.#rules.matchUpstreams(user, match);
    const byPlace = { ...match };
    if (sni !== null) this.#rules.matchName(user, sni, TLS_PORT, match);
    const refuse = Math.min(byPlace.refuse, match.refuse);
    const trial = Math.min(byPlace.trial, match.trial);
    const allow = Math.min(byPlace.allow, match.allow);
    if (refuse !== NO_RULE) return { ...refusal(refuse), trial };
    if (allow === NO_RULE) return { ...refusal('no-rule'), trial };
    return { isAllowed: true, rule: allow, trial, addresses: [] };
  }

  /** Everything that could be connected to, whatever the rules say: for a dry run. Null for what could not. */
  async everyAddress({ host, port }: Endpoint): Promise<readonly Address[] | null> {
    const read = readHost(host, new Uint32Array(4));
    if (typeof read === 'string') return null;
    if (read.form === 'address') return [tcp(read.host, port)];
    const found = await this.#resolver.resolve(read.host);
    return found === 'busy' || found.addresses.length === 0
      ? null
      : found.addresses.map((at) => tcp(at, port));
  }

  #judgeAddress(user: string, host: string, port: number): Judgement {
    const match = this.#match;
    judgeAsIpv4(this.#words);
    this.#rules.matchAddress(user, this.#words, port, match);
    const { allow, refuse, trial, unlisted } = match;
    if (refuse !== NO_RULE) return { ...refusal(refuse), trial };
    if (allow !== NO_RULE) return { isAllowed: true, rule: allow, trial, addresses: [tcp(host, port)] };
    return { ...refusal(unlisted === NO_RULE ? 'no-rule' : 'unlisted-address'), trial };
  }

  #judgeName(user: string, name: string, port: number): Judgement | Promise<Judgement> {
    const match = this.#match;
    this.#rules.matchName(user, name, port, match);
    const { allow, refuse, trial } = match;
    if (refuse !== NO_RULE) return { ...refusal(refuse), trial };
    // A name that nothing can allow is not looked up: look-ups carry data out as well as connections do.
    if (allow === NO_RULE && !this.#rules.allowsAddresses(user)) return { ...refusal('no-rule'), trial };
    const found = this.#resolver.resolve(name);
    const judge = (resolution: Resolution) => this.#judgeFound(user, port, resolution, allow, trial);
    return found instanceof Promise ? found.then(judge) : judge(found);
  }

  /** `byName`: the rule that allows the name, or NO_RULE. */
  #judgeFound(user: string, port: number, found: Resolution, byName: number, byTrial: number): Judgement {
    if (found === 'busy') return { ...refusal('lookup-limit'), trial: byTrial };
    const match = this.#match;
    const addresses: Address[] = [];
    let [rule, trial, refuse, isUnlisted] = [byName, byTrial, NO_RULE, false];
    for (const host of found.addresses) {
      if (!parseIp(host, this.#words)) continue;
      judgeAsIpv4(this.#words);
      this.#rules.matchAddress(user, this.#words, port, match);
      const isNamed = byName !== NO_RULE && this.#rules.mayResolveTo(byName, this.#words);
      refuse = Math.min(refuse, match.refuse);
      if (match.refuse !== NO_RULE) continue;
      if (isNamed || match.allow !== NO_RULE) {
        if (byName === NO_RULE) rule = Math.min(rule, match.allow);
        trial = Math.min(trial, match.trial);
        addresses.push(tcp(host, port));
      } else isUnlisted ||= byName !== NO_RULE || match.unlisted !== NO_RULE;
    }
    if (addresses.length > 0) return { isAllowed: true, rule, trial, addresses };
    if (refuse !== NO_RULE) return { ...refusal(refuse), trial };
    if (found.addresses.length === 0) return { ...refusal('no-such-host'), trial };
    return { ...refusal(isUnlisted ? 'unlisted-address' : 'no-rule'), trial };
  }
}

function refusal(rule: number | BuiltIn): Judgement {
  return { isAllowed: false, rule, trial: NO_RULE, addresses: [] };
}

function tcp(host: string, port: number): Address {
  return { kind: 'tcp', host, port };
}

/** Whether two spellings are the same host. */
export function isSameName(one: string, other: string): boolean {
  const [first, second] = [readHost(one, new Uint32Array(4)), readHost(other, new Uint32Array(4))];
  return typeof first !== 'string' && typeof second !== 'string' && first.host === second.host;
}
