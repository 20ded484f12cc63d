/** Who may go where, as plain data: a master writes it out for its workers. The configuration's words, checked. */
import type { Quota } from '../accounts/quota.ts';
import type { PortRange } from './port-table.ts';

export type AccessUser = {
  name: string;
  /** As password.ts writes it. null: known by source address. */
  passwordHash: string | null;
  /** CIDRs, or "unix". With a password: where it holds, empty for everywhere; without: who comes from there is this user. */
  from: string[];
  /** In all workers together; null for any number. */
  connectionLimit: number | null;
  /** Bytes that may be moved, where accounts are kept. */
  quota?: Quota;
};

export type AccessRule = {
  name: string;
  action: 'allow' | 'refuse';
  /** Counts what it would refuse, and refuses nothing. */
  isTrial: boolean;
  /** null: everybody, known or not. */
  users: string[] | null;
  /** CIDRs, names, "*.suffix", "*", or UPSTREAMS. */
  to: string[];
  ports: PortRange[];
  /** Special addresses that the names of this rule may have. */
  resolvesTo: string[];
};

export type AccessSettings = {
  users: AccessUser[];
  /** null: upstreams are open to every user, and nothing else is. */
  rules: AccessRule[] | null;
  /** Everything that can be connected to is let through; what would have been refused is counted. */
  dryRun: boolean;
  lookupLimit: number;
  lookupTimeoutNs: number;
  /** How long an answer is used again. */
  lookupKeepNs: number;
};

/** In `to`: the upstreams of the configuration, whatever their addresses. */
export const UPSTREAMS = '@upstreams';

export const OPEN_ACCESS: AccessSettings = {
  users: [],
  rules: null,
  dryRun: false,
  lookupLimit: 64,
  lookupTimeoutNs: 5e9,
  lookupKeepNs: 5e9,
};
