/** Counts what became of each attempt, by rule: those of the configuration, and the reasons that need none. */
import type { AccessRule } from './access.ts';
import type { RuleCount } from './rules.ts';

/** Reasons to refuse that are no rule of the configuration; docs/reference/proxy-config.md tells of each. */
export const BUILT_IN = [
  /** Allowed: `rules` is left out, and this is an upstream. */
  'upstreams',
  /** No rule allows it. */
  'no-rule',
  /** A rule would, but for an address that has to be listed. */
  'unlisted-address',
  /** A host or port that is none, or that could be read in two ways. */
  'not-a-destination',
  /** A name without an address. */
  'no-such-host',
  /** Too many look-ups under way. */
  'lookup-limit',
  /** No user, or a user from a place where he may not come from. */
  'not-authenticated',
  'connection-limit',
  /** The server name of TLS is not the host that was asked for. */
  'sni-differs',
] as const;

export type BuiltIn = (typeof BUILT_IN)[number];

type Column = 'allowed' | 'refused' | 'wouldRefuse';

export class RuleCounter {
  readonly #counts: RuleCount[];
  readonly #builtIn = new Map<BuiltIn, RuleCount>();

  constructor(rules: readonly AccessRule[]) {
    this.#counts = [...rules.map(({ name }) => name), ...BUILT_IN].map((rule) => {
      return { rule, allowed: 0, refused: 0, wouldRefuse: 0 };
    });
    for (const [i, name] of BUILT_IN.entries()) this.#builtIn.set(name, this.#counts[rules.length + i]!);
  }

  /** By the number of a rule, or by reason. Returns its name. */
  count(rule: number | BuiltIn, column: Column): string {
    const row = typeof rule === 'number' ? this.#counts[rule]! : this.#builtIn.get(rule)!;
    row[column]++;
    return row.rule;
  }

  /** Of reasons those that were met. */
  counts(): RuleCount[] {
    const isMet = ({ allowed, refused, wouldRefuse }: RuleCount) => allowed + refused + wouldRefuse > 0;
    const ruleCount = this.#counts.length - BUILT_IN.length;
    return this.#counts.filter((row, i) => i < ruleCount || isMet(row)).map((row) => ({ ...row }));
  }
}
