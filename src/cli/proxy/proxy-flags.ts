/** The options that lead a load through a forward proxy. */
import { Option } from 'commander';
import type { Target } from '../../base/address.ts';
import { LoopscopeError } from '../../base/errors.ts';
import { type ForwardProxy, parseProxy } from '../../plan/proxy.ts';

export type ProxyFlags = { proxy?: string; proxytunnel: boolean };

export function proxyOptions(): Option[] {
  return [
    new Option('--proxy <url>', 'through a forward proxy: http://[user:password@]host:port, unix:/path'),
    new Option('--proxytunnel', 'by a CONNECT tunnel for http:// too, as always for tcp://').default(false),
  ];
}

/** The proxy on the way to `target`; null without one. Throws USAGE naming the option at fault. */
export function settleProxy(
  target: Target,
  { proxy, proxytunnel }: Partial<ProxyFlags>,
): ForwardProxy | null {
  if (proxy !== undefined) return parseProxy(proxy, target, proxytunnel === true, process.env);
  if (!proxytunnel) return null;
  throw new LoopscopeError(
    'USAGE',
    '--proxytunnel: no --proxy says through which',
    'add --proxy http://host:port',
  );
}
