/** A configuration, checked, as the settings that a proxy is told. */
import { parseDurationNs } from '../../../base/units.ts';
import { parseByteCount } from '../../faults/spec.ts';
import type { Quota } from '../accounts/quota.ts';
import type { ProxySettings } from '../proxy-options.ts';
import { type AccessRule, type AccessSettings, type AccessUser, OPEN_ACCESS } from '../rules/access.ts';
import { ALL_PORTS, type PortRange, parsePorts } from '../rules/port-table.ts';
import { parseAddress } from './field-forms.ts';
import { listOf, ruleName } from './meaning.ts';
import type { ProxyConfig, ProxyConfigRule, ProxyConfigUser } from './proxy-config.ts';

/** What a file says of a proxy; what it leaves out is as it was. */
export type ConfiguredSettings = Partial<ProxySettings> & { access: AccessSettings };

export function settingsOfConfig(config: ProxyConfig): ConfiguredSettings {
  const { limits = {}, timeouts = {}, balance, proxyOut } = config;
  const settings: Partial<ProxySettings> = {
    listeners: config.listen?.map((entry) => {
      const listener = typeof entry === 'string' ? { at: entry } : entry;
      const { at, in: way = 'tcp', proxyFrom = [], serverName } = listener;
      const checks = serverName === 'same' && { checksServerName: true };
      return { address: parseAddress(at)!, way, proxyFrom, ...checks };
    }),
    upstreams: config.upstreams?.map((entry) => {
      const { at, weight = 1 } = typeof entry === 'string' ? { at: entry } : entry;
      return { address: parseAddress(at)!, weight };
    }),
    balance,
    proxyOut,
    clientLimit: limits.clients,
    headBytes: mapped(limits.head, (text) => parseByteCount(text, '')),
    headTimeoutNs: mapped(timeouts.head, nsOf),
    connectTimeoutNs: mapped(timeouts.connect, nsOf),
    idleTimeoutNs: mapped(timeouts.idle, nsOf),
    stopTimeoutNs: mapped(timeouts.stop, nsOf),
    leaveTimeoutNs: mapped(timeouts.leave, nsOf),
  } as Partial<ProxySettings>;
  const given = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
  return { ...given, access: accessOf(config) };
}

function accessOf({
  users = {},
  rules,
  dryRun = false,
  limits,
  timeouts,
  keepLookups,
}: ProxyConfig): AccessSettings {
  return {
    users: Object.entries(users).map(([name, user]) => userOf(name, user)),
    rules: rules?.map(ruleOf) ?? null,
    dryRun,
    lookupLimit: limits?.lookups ?? OPEN_ACCESS.lookupLimit,
    lookupTimeoutNs: mapped(timeouts?.lookup, nsOf) ?? OPEN_ACCESS.lookupTimeoutNs,
    lookupKeepNs: mapped(keepLookups, nsOf) ?? OPEN_ACCESS.lookupKeepNs,
  };
}

function userOf(name: string, { password, from, connections, quota }: ProxyConfigUser): AccessUser {
  return {
    name,
    passwordHash: password ?? null,
    from: listOf(from),
    connectionLimit: connections ?? null,
    ...(quota && { quota: quotaOf(quota) }),
  };
}

function quotaOf({ day, month, total }: NonNullable<ProxyConfigUser['quota']>): Quota {
  return {
    ...(day !== undefined && { dayBytes: parseByteCount(day, '') }),
    ...(month !== undefined && { monthBytes: parseByteCount(month, '') }),
    ...(total !== undefined && { totalBytes: parseByteCount(total, '') }),
  };
}

function ruleOf(rule: ProxyConfigRule, index: number): AccessRule {
  return {
    name: ruleName(rule, index),
    action: rule.action ?? 'allow',
    isTrial: rule.dryRun ?? false,
    users: rule.users === undefined ? null : listOf(rule.users),
    to: listOf(rule.to),
    ports: listOf(rule.ports).flatMap(portsOf),
    resolvesTo: listOf(rule.resolvesTo),
  };
}

function portsOf(port: number | string): readonly PortRange[] {
  if (port === 'any') return ALL_PORTS;
  return [parsePorts(String(port))!];
}

function nsOf(text: string): number {
  return parseDurationNs(text, '');
}

function mapped<T>(text: string | undefined, map: (text: string) => T): T | undefined {
  return text === undefined ? undefined : map(text);
}
