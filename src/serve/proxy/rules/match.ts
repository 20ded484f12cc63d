/** What the rules say of one destination: the first rule of each kind, in the order of the configuration. */

export const NO_RULE = 0x7fff_ffff;

export class Match {
  /** Allows it. */
  allow = NO_RULE;
  /** Refuses it, whatever allows it. */
  refuse = NO_RULE;
  /** Would refuse it, but is only tried out. */
  trial = NO_RULE;
  /** Would allow it, were it not an address that has to be listed. */
  unlisted = NO_RULE;

  clear(): void {
    this.allow = this.refuse = this.trial = this.unlisted = NO_RULE;
  }
}

/** What a rule does with what it matches. */
export type RuleEffect = 'allow' | 'refuse' | 'trial' | 'unlisted';
