import { formatNs } from '../../base/units.ts';
import type { LoadRecord } from '../../record/load.ts';
import { formatWhole, plural } from './phrases.ts';

/** Statuses that a gateway gives of its own accord, and a server may give as well. RFC 9110 §15.6 */
const GATEWAY = ['502', '503', '504'];

/** Through which proxy, how, and what is its word alone; null without one. */
export function proxyPhrase(load: LoadRecord): string | null {
  const { proxy } = load.plan;
  if (!proxy) return null;
  return proxy.isTunnel
    ? `${proxy.url}, a tunnel (CONNECT) for each connection${tunnelsText(load)}`
    : `${proxy.url}, asked for each request${repliesText(load)}`;
}

function tunnelsText({ supply }: LoadRecord): string {
  const tunnels = supply?.tunnels;
  if (!tunnels) return '';
  const { opened, handshakeNsMean, handshakeNsMax, refusal } = tunnels;
  const times =
    handshakeNsMean === null || handshakeNsMax === null
      ? ''
      : `; the proxy let ${plural(opened, 'tunnel')} through after ${formatNs(handshakeNsMean)} on average, ${formatNs(handshakeNsMax)} at most`;
  return refusal === null ? times : `${times}; of those refused the first: “${refusal}”`;
}

function repliesText({ statusCounts }: LoadRecord): string {
  const count = (status: string) => statusCounts[status] ?? 0;
  const asked = count('407');
  const unclear = GATEWAY.reduce((sum, status) => sum + count(status), 0);
  const parts: string[] = [];
  if (asked > 0) {
    parts.push(
      `it answered ${formatWhole(asked)} with 407 itself: user and password are missing, or not those it wants`,
    );
  }
  if (unclear > 0) {
    parts.push(`${plural(unclear, 'reply', 'replies')} with 502, 503 or 504 may be its own`);
  }
  return parts.map((part) => `; ${part}`).join('');
}
