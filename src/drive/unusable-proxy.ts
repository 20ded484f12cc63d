/** What to say when a proxy let not one connection through to the target. */
import { formatAddress } from '../base/address.ts';
import { LoopscopeError } from '../base/errors.ts';
import { formatNs } from '../base/units.ts';
import type { Plan } from '../plan/plan-options.ts';
import { PASSWORD_VARIABLE } from '../plan/proxy.ts';
import { refusedBy, TUNNEL, type TunnelTally } from './supply/tunnels.ts';

/** Each began a tunnel, and none stands. Names the proxy, what it answered, and what to do about it. */
export function unusableProxy(plan: Plan, { problem, said }: TunnelTally): LoopscopeError {
  const proxy = plan.proxy!.text;
  const target = formatAddress(plan.target.address);
  const words = said === '' ? '' : `: “${said}”`;
  if (problem === TUNNEL.closed) {
    return failure(
      `the proxy ${proxy} closed each connection before it answered CONNECT ${target}`,
      'is it a proxy, and does its own log tell why?',
    );
  }
  if (problem === '' || problem === TUNNEL.silent) {
    return failure(
      `the proxy ${proxy} took the connection and did not answer CONNECT ${target} within ${formatNs(plan.connectTimeoutNs)}`,
      'is the target reachable from there? --connect-timeout waits longer',
    );
  }
  const status = Number(/\d{3}/.exec(problem)?.[0] ?? 0);
  if (problem === refusedBy(status)) {
    return failure(
      `the proxy ${proxy} answered ${status} to CONNECT ${target}${words}`,
      adviceFor(status, plan.proxy!.authorization !== null),
    );
  }
  return failure(
    `the proxy ${proxy} answered CONNECT ${target} with what cannot be read (${problem.replace(' from the proxy', '')})${words}`,
    'is that an HTTP proxy? SOCKS is not supported',
  );
}

function failure(message: string, hint: string): LoopscopeError {
  return new LoopscopeError('PROXY_UNUSABLE', message, hint);
}

function adviceFor(status: number, hasCredentials: boolean): string {
  if (status === 407) {
    return hasCredentials
      ? 'it does not take this user and password; only Basic is spoken'
      : `give user:password: --proxy http://user:password@host:port, or the user there and the password in ${PASSWORD_VARIABLE}`;
  }
  if (status === 403) return 'it does not allow that host and port: many allow port 443 alone';
  if (status === 502 || status === 503)
    return 'it could not reach the target: is that up, as seen from there?';
  if (status === 504) return 'the target did not answer it in time: is that up, as seen from there?';
  if (status === 400 || status === 404 || status === 405 || status === 501) {
    return 'is it a forward proxy, and is CONNECT switched on there?';
  }
  return 'read its own log of that time';
}
