/** The rules that hold for the same users, compiled: look-ups take O(log n) and allocate nothing. */
import { type AccessRule, UPSTREAMS } from './access.ts';
import { type IpRange, parseDestinationCidr } from './hosts/cidr.ts';
import { readHost } from './hosts/host-name.ts';
import type { IpWords } from './hosts/ip.ts';
import { IpTable, NOT_FOUND } from './hosts/ip-table.ts';
import { SPECIAL_RANGES } from './hosts/special-ranges.ts';
import type { Match, RuleEffect } from './match.ts';
import { type NameEntry, NameTable } from './name-table.ts';
import { ALL_PORTS, type PortRule, PortTable } from './port-table.ts';

/** A rule and its number, which is its place in the configuration. */
export type NumberedRule = { number: number; rule: AccessRule };

type RangeRule = PortRule & { range: IpRange };

const EVERYWHERE = ['0.0.0.0/0', '::/0'];

export class RuleTable {
  readonly #addresses: IpTable;
  readonly #addressPorts: PortTable[] = [];
  readonly #names: NameTable;
  readonly #upstreams: PortTable;
  /** Whether a destination may be allowed by its address. */
  readonly allowsAddresses: boolean;

  constructor(rules: readonly NumberedRule[]) {
    const ranges: RangeRule[] = [];
    const names = new Map<string, PortRule[]>();
    const upstreams: PortRule[] = [];
    for (const { number, rule } of rules) {
      const portRule: PortRule = { rule: number, effect: effectOf(rule), ports: rule.ports };
      for (const to of rule.to) {
        if (to === UPSTREAMS) upstreams.push({ ...portRule, ports: ALL_PORTS });
        else if (!addRanges(ranges, to, portRule) || to === '*')
          names.set(nameKey(to), [...(names.get(nameKey(to)) ?? []), portRule]);
      }
    }
    this.#addresses = this.#compileRanges(ranges);
    this.#names = new NameTable([...names].map(([key, of]) => entryOf(key, of)));
    this.#upstreams = new PortTable(upstreams);
    this.allowsAddresses = ranges.some(({ effect }) => effect === 'allow');
  }

  findAddress(words: IpWords, port: number, into: Match): void {
    const ports = this.#addresses.find(words);
    if (ports !== NOT_FOUND) this.#addressPorts[ports]!.find(port, into);
  }

  findName(name: string, port: number, into: Match): void {
    this.#names.find(name, port, into);
  }

  findUpstreams(into: Match): void {
    this.#upstreams.find(1, into);
  }

  /** Allowing rules count only if they lie within the smallest special range that holds the piece. */
  #compileRanges(ranges: readonly RangeRule[]): IpTable {
    const known = new Map<string, number>();
    const specialCount = SPECIAL_RANGES.length;
    const all = [...SPECIAL_RANGES, ...ranges.map(({ range }) => range)];
    return new IpTable(all, (holders) => {
      const lastSpecial = holders.findLastIndex((holder) => holder < specialCount);
      const key = holders.filter((holder, i) => holder >= specialCount || i === lastSpecial).join();
      const before = known.get(key);
      if (before !== undefined) return before;
      const portRules = holders.flatMap((holder, i): PortRule[] => {
        if (holder < specialCount) return [];
        const rule = ranges[holder - specialCount]!;
        const isUnlisted = rule.effect === 'allow' && i < lastSpecial;
        return [isUnlisted ? { ...rule, effect: 'unlisted' } : rule];
      });
      const value =
        portRules.length === 0 ? NOT_FOUND : this.#addressPorts.push(new PortTable(portRules)) - 1;
      known.set(key, value);
      return value;
    });
  }
}

function effectOf({ action, isTrial }: AccessRule): RuleEffect {
  if (action === 'allow') return 'allow';
  return isTrial ? 'trial' : 'refuse';
}

/** False when `to` is no range. "*" is both: every name, and every address. */
function addRanges(ranges: RangeRule[], to: string, portRule: PortRule): boolean {
  for (const text of to === '*' ? EVERYWHERE : [to]) {
    const range = parseDestinationCidr(text);
    if (typeof range === 'string') return false;
    ranges.push({ ...portRule, range });
  }
  return true;
}

/** "*.Example.com" → "*.example.com"; what the schema let through is well-formed. */
function nameKey(to: string): string {
  if (to === '*') return to;
  const isSuffix = to.startsWith('*.');
  const read = readHost(isSuffix ? to.slice(2) : to, new Uint32Array(4));
  if (typeof read === 'string') throw new Error(`${to} ${read}`);
  return isSuffix ? `*.${read.host}` : read.host;
}

function entryOf(key: string, rules: readonly PortRule[]): NameEntry {
  const ports = new PortTable(rules);
  if (key === '*') return { text: '', isSuffix: true, ports };
  const isSuffix = key.startsWith('*.');
  return { text: isSuffix ? key.slice(2) : key, isSuffix, ports };
}
