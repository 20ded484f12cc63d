/**
 * The seam for who may go where. The core asks once per connection, before anything is connected, and tells when the
 * connection is over.
 */
import type { Address } from '../../../base/address.ts';
import type { Credentials, Endpoint } from '../ways/way.ts';

/** Asked for a connection. */
export type Request = {
  /** Who asks, when he said so and it was checked; null: known by source address, or not at all. */
  user: string | null;
  source: Endpoint;
  /** null: an upstream, which the configuration names. */
  destination: Endpoint | null;
  sni: string | null;
};

export type Admission =
  | {
      allowed: true;
      /** Whose account it goes to; '' for nobody's. */
      user: string;
      /** Name of the rule, as it is counted. */
      rule: string;
      /** Checked addresses, in the order in which they are tried; empty: an upstream. No name is looked up after this. */
      addresses: readonly Address[];
    }
  | { allowed: false; user: string; rule: string; why: 'not-authenticated' | 'not-allowed' | 'no-such-host' };

export type Rules = {
  /** Whether anybody has a name and a password here. */
  readonly asksWho: boolean;
  /**
   * The user's name, or null. At once where it was right before; else off the loop's thread, and in the same time for a
   * wrong name and a wrong password.
   */
  authenticate(credentials: Credentials): string | null | Promise<string | null>;
  /** At once where no name has to be looked up. An allowed one counts as a connection of its user until left(). */
  admit(request: Request): Admission | Promise<Admission>;
  /** Whether a client's ClientHello names the host that it asked for and was allowed. Counted if not. */
  isSameServer(host: string, sni: string | null): boolean;
  /** A connection that was allowed is over. */
  left(user: string): void;
  /** How often each rule was met: refused, allowed, and let through by a rule that is only tried out. */
  counts(): RuleCount[];
};

export type RuleCount = { rule: string; allowed: number; refused: number; wouldRefuse: number };
