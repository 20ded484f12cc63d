/** What a configuration would have a proxy do, in words, for `--check-config`. */
import { formatAddress } from '../../../base/address.ts';
import { printable } from '../../../base/printable.ts';
import { formatBytes } from '../../../base/units.ts';
import type { Quota } from '../accounts/quota.ts';
import type { AccessRule, AccessSettings, AccessUser } from '../rules/access.ts';
import type { PortRange } from '../rules/port-table.ts';
import type { ConfiguredSettings } from './settings-of.ts';

/** How many of a kind are shown. */
const MOST_SHOWN = 20;

/** Lines, without the last line break. */
export function describeConfig(settings: ConfiguredSettings): string {
  const { listeners = [], upstreams = [], access } = settings;
  const lines = [
    ...section(
      'listens at',
      listeners.map(({ address, way, proxyFrom, checksServerName }) => {
        const header = proxyFrom.length > 0 ? `, PROXY header from ${proxyFrom.join(', ')}` : '';
        const tls = checksServerName ? ', TLS with the server name that was asked for' : '';
        return `${formatAddress(address)}, ${way}${header}${tls}`;
      }),
    ),
    ...section(
      'upstreams',
      upstreams.map(
        ({ address, weight }) => formatAddress(address) + (weight === 1 ? '' : `, weight ${weight}`),
      ),
    ),
    ...section('users', access.users.map(userLine)),
    ...rulesLines(access),
  ];
  return lines.join('\n');
}

function section(title: string, entries: readonly string[]): string[] {
  if (entries.length === 0) return [];
  const more = entries.length > MOST_SHOWN ? [`  … and ${entries.length - MOST_SHOWN} more`] : [];
  return [title, ...entries.slice(0, MOST_SHOWN).map((entry) => `  ${printable(entry, 300)}`), ...more];
}

function userLine({ name, passwordHash, from, connectionLimit, quota }: AccessUser): string {
  const how = passwordHash === null ? 'by address' : 'by password';
  const where = from.length > 0 ? ` from ${from.join(', ')}` : '';
  const limit = connectionLimit === null ? '' : `, at most ${connectionLimit} connections`;
  return `${name}: ${how}${where}${limit}${quota ? `, ${quotaText(quota)}` : ''}`;
}

function quotaText({ dayBytes, monthBytes, totalBytes }: Quota): string {
  const parts: [bytes: number | undefined, period: string][] = [
    [dayBytes, 'a day'],
    [monthBytes, 'a month'],
    [totalBytes, 'in all'],
  ];
  return parts
    .flatMap(([bytes, period]) => (bytes === undefined ? [] : [`at most ${formatBytes(bytes)} ${period}`]))
    .join(', ');
}

function rulesLines({ rules, dryRun, users }: AccessSettings): string[] {
  if (rules === null) {
    const who = users.length > 0 ? 'every user' : 'everybody';
    return ['rules', `  none: ${who} may go to the upstreams, and nowhere else`];
  }
  const closing = dryRun
    ? ['dry run: what the rules refuse is counted and let through']
    : ['what no rule allows is refused'];
  return [...section('rules', rules.map(ruleLine)), ...closing];
}

function ruleLine({ name, action, isTrial, users, to, ports, resolvesTo }: AccessRule): string {
  const what = isTrial ? 'would refuse' : action === 'allow' ? 'allows' : 'refuses';
  const who = users === null ? 'everybody' : users.join(', ');
  const where = ports.length > 0 ? `, ports ${portsText(ports)}` : '';
  const inside = resolvesTo.length > 0 ? `; names may be at ${resolvesTo.join(', ')}` : '';
  return `${name}: ${what} ${who} to ${to.join(', ')}${where}${inside}`;
}

function portsText(ports: readonly PortRange[]): string {
  return ports
    .map(({ first, last }) => {
      if (first === 1 && last === 65_535) return 'any';
      return first === last ? String(first) : `${first}-${last}`;
    })
    .join(', ');
}
