/** All rules of a configuration, by user. */
import type { AccessRule } from './access.ts';
import { parseDestinationCidr } from './hosts/cidr.ts';
import type { IpWords } from './hosts/ip.ts';
import { IpTable } from './hosts/ip-table.ts';
import { SPECIAL_RANGES } from './hosts/special-ranges.ts';
import type { Match } from './match.ts';
import { type NumberedRule, RuleTable } from './rule-table.ts';

const ORDINARY = 0;
const SPECIAL = 1;
const LISTED = 2;

const specialTable = new IpTable(SPECIAL_RANGES, (holders) => (holders.length > 0 ? SPECIAL : ORDINARY));

export class RuleSet {
  readonly rules: readonly AccessRule[];
  /** Of rules for everybody. */
  readonly #everybody: readonly RuleTable[];
  readonly #tablesOf = new Map<string, readonly RuleTable[]>();
  /** By the number of the rule; null where its names may have ordinary addresses alone. */
  readonly #resolvesTo: readonly (IpTable | null)[];

  constructor(rules: readonly AccessRule[]) {
    this.rules = rules;
    const groups = Map.groupBy(
      rules.map((rule, number): NumberedRule => ({ number, rule })),
      ({ rule }) => (rule.users === null ? '' : rule.users.toSorted().join('\n')),
    );
    const ofEverybody = groups.get('');
    this.#everybody = ofEverybody ? [new RuleTable(ofEverybody)] : [];
    for (const [key, group] of groups) {
      if (key === '') continue;
      const table = new RuleTable(group);
      for (const user of new Set(key.split('\n'))) {
        this.#tablesOf.set(user, [...(this.#tablesOf.get(user) ?? this.#everybody), table]);
      }
    }
    this.#resolvesTo = rules.map(({ resolvesTo }) =>
      resolvesTo.length === 0 ? null : listTable(resolvesTo),
    );
  }

  /** Clears `into` first; so do the others. */
  matchAddress(user: string, words: IpWords, port: number, into: Match): void {
    into.clear();
    for (const table of this.#tables(user)) table.findAddress(words, port, into);
  }

  matchName(user: string, name: string, port: number, into: Match): void {
    into.clear();
    for (const table of this.#tables(user)) table.findName(name, port, into);
  }

  matchUpstreams(user: string, into: Match): void {
    into.clear();
    for (const table of this.#tables(user)) table.findUpstreams(into);
  }

  allowsAddresses(user: string): boolean {
    return this.#tables(user).some((table) => table.allowsAddresses);
  }

  /** Whether an address that a name of this rule has needs no rule of its own. */
  mayResolveTo(rule: number, words: IpWords): boolean {
    if (specialTable.find(words) === ORDINARY) return true;
    return this.#resolvesTo[rule]?.find(words) === LISTED;
  }

  #tables(user: string): readonly RuleTable[] {
    return this.#tablesOf.get(user) ?? this.#everybody;
  }
}

function listTable(texts: readonly string[]): IpTable {
  const specialCount = SPECIAL_RANGES.length;
  const ranges = texts.map((text) => {
    const range = parseDestinationCidr(text);
    if (typeof range === 'string') throw new Error(`${text} ${range}`);
    return range;
  });
  return new IpTable([...SPECIAL_RANGES, ...ranges], (holders) => {
    return (holders.at(-1) ?? 0) >= specialCount ? LISTED : ORDINARY;
  });
}
