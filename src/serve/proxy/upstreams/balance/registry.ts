import { LoopscopeError } from '../../../../base/errors.ts';
import type { BalanceMethod } from './balancer.ts';
import { hash } from './hash.ts';
import { leastConnections } from './least-connections.ts';
import { roundRobin } from './round-robin.ts';
import { weighted } from './weighted.ts';

/** Every way of choosing an upstream; the first is the default. */
export const BALANCE_METHODS: readonly BalanceMethod[] = [roundRobin, leastConnections, weighted, hash];

/** Throws USAGE. */
export function balanceMethod(name: string): BalanceMethod {
  const method = BALANCE_METHODS.find((candidate) => candidate.name === name);
  if (method) return method;
  const names = BALANCE_METHODS.map((candidate) => candidate.name).join(', ');
  throw new LoopscopeError('USAGE', `--balance: there is no way "${name}"`, `one of ${names}`);
}
