/** `serve proxy`: command line to a proxy's settings. */
import { type Command, Option } from 'commander';
import { type Address, parseTarget } from '../../base/address.ts';
import { EXIT, LoopscopeError } from '../../base/errors.ts';
import { formatBytes, formatCount, type Ns } from '../../base/units.ts';
import type { ConfiguredSettings } from '../../serve/proxy/config/settings-of.ts';
import type { ProxyListener, ProxySettings, ProxyUpstream } from '../../serve/proxy/proxy-options.ts';
import { type AccessSettings, OPEN_ACCESS } from '../../serve/proxy/rules/access.ts';
import {
  type ProxyControl,
  type ProxySummary,
  type ServeProxyOptions,
  serveProxy,
} from '../../serve/proxy/serve-proxy.ts';
import { parseWeight } from '../../serve/proxy/upstreams/upstream-spec.ts';
import { formatReady } from '../../serve/ready.ts';
import {
  addProcessOptions,
  addSocketOptions,
  checkAccept,
  count,
  duration,
  listenOptionsOf,
  type ProcessFlags,
  placementOf,
  type SocketFlags,
} from './process-options.ts';
import { type AccountsFlags, accountsOf, addAccountsOptions, serveProxyMetrics } from './proxy-accounts.ts';
import { checkConfig, configuredSettings, hashTypedPassword, settingsAgain } from './proxy-config.ts';
import { listenForSignals, printStats } from './signals.ts';
import { addUpstreamOptions, type UpstreamFlags, upstreamSources } from './upstream-options.ts';
import { addWayOptions, typedWay, type WayFlags } from './way-options.ts';

type Flags = ProcessFlags &
  SocketFlags &
  AccountsFlags &
  UpstreamFlags &
  WayFlags & {
    listen: string[];
    upstream: string[];
    config?: string;
    checkConfig?: string;
    hashPassword: boolean;
    dryRun: boolean;
    balance?: ProxySettings['balance'];
    maxConnections?: number;
    connectTimeout?: Ns;
    idleTimeout?: Ns;
    stopTimeout?: Ns;
    leaveTimeout?: Ns;
  };

const DEFAULT_LISTEN = '127.0.0.1:8080';
/** A client takes two places of the loop's tables, some 650 bytes each. */
const MOST_CLIENTS = 50_000;

export function configureProxy(command: Command, exit: (status: number) => void): void {
  command.description('a TCP proxy: what clients send goes to an upstream, and back');
  addProxyOptions(command);
  addWayOptions(command);
  addAccountsOptions(command);
  addUpstreamOptions(command);
  addProcessOptions(command);
  addSocketOptions(command);
  command.action(async (flags: Flags) => {
    if (flags.hashPassword || flags.checkConfig !== undefined) {
      const text = flags.hashPassword ? await hashTypedPassword() : await checkConfig(flags.checkConfig!);
      process.stdout.write(`${text}\n`);
      exit(EXIT.ok);
      return;
    }
    const summary = await run(flags);
    if (flags.stats) printStats(summary.stats);
    const { stats: _, ...counts } = summary;
    process.stdout.write(flags.json ? `${JSON.stringify(counts)}\n` : `${describe(summary)}\n`);
    // A signal is how a server is ended: that is not a failure.
    exit(EXIT.ok);
  });
}

function addProxyOptions(command: Command): void {
  command
    .option('-l, --listen <address...>', 'where to listen: host:port or unix:/path; port 0 takes any', [])
    .option('-u, --upstream <address...>', 'where to go: host:port or unix:/path', [])
    .option('--config <file>', 'listeners, users, rules: JSON or TypeScript; SIGHUP reads it again')
    .option('--check-config <file>', 'say what a configuration would do, and end')
    .option('--dry-run', 'let through what rules refuse, and count it', false)
    .option('--hash-password', 'read a password, print its hash for a configuration, and end', false)
    .addOption(
      new Option('--balance <how>', 'which upstream is next; default: round-robin').choices([
        'round-robin',
        'least-connections',
        'weighted',
        'hash',
      ]),
    )
    .option(
      '--max-connections <count>',
      'clients of one process at once',
      count('--max-connections', 1, MOST_CLIENTS),
    )
    .option('--connect-timeout <time>', 'for an upstream to answer', duration('--connect-timeout'))
    .option(
      '--idle-timeout <time>',
      'a connection on which nothing comes is closed',
      duration('--idle-timeout'),
    )
    .option('--stop-timeout <time>', 'for connections to end at a stop', duration('--stop-timeout'))
    .option('--leave-timeout <time>', 'for connections to end at a reload', duration('--leave-timeout'));
}

async function run(flags: Flags): Promise<ProxySummary> {
  checkAccept(flags);
  const configured = flags.config === undefined ? null : await configuredSettings(flags.config);
  const options = proxyOptions(flags, configured);
  const onNews = (text: string) => process.stderr.write(`loopscope: ${text}\n`);
  using signals = listenForSignals();
  let reloading: Promise<void> = Promise.resolve();
  let control: ProxyControl | null = null;
  using _metrics =
    flags.prometheus === undefined ? null : await serveProxyMetrics(flags.prometheus, () => control);
  return await serveProxy({
    ...options,
    signal: signals.stop,
    onNews,
    ...(configured !== null && {
      reloadAccess: async () => accessOf(flags, await settingsAgain(flags.config!, configured, onNews)),
    }),
    onStatsAsked: printStats,
    onReady(ready, given) {
      control = given;
      signals.onStats = () => printStats(given.stats());
      if (flags.workers !== undefined || flags.upstreams !== undefined || configured !== null)
        signals.onReload = () => {
          // In turn: of two that are asked for at once, the later one is to hold.
          reloading = reloading.then(() => given.reload());
        };
      process.stdout.write(`${formatReady(ready, 'proxy', flags.json)}\n`);
    },
  });
}

/** What is typed goes before what the file says. */
function proxyOptions(
  flags: Flags,
  configured: ConfiguredSettings | null,
): Omit<ServeProxyOptions, 'signal' | 'onReady'> {
  const { maxConnections, connectTimeout, idleTimeout, stopTimeout, leaveTimeout } = flags;
  const way = typedWay(flags, configured !== null);
  const isNamed = flags.upstream.length > 0 || flags.upstreams !== undefined || flags.admin !== undefined;
  if (!isNamed && configured === null) {
    throw new LoopscopeError(
      'USAGE',
      'a proxy needs somewhere to go',
      'add for instance --upstream 127.0.0.1:80, or --config proxy.json',
    );
  }
  const listen = flags.listen.length > 0 ? flags.listen : [DEFAULT_LISTEN];
  const typed: ProxyListener[] = listen.map((text) => {
    return { address: addressOf(text, '--listen'), ...way };
  });
  return {
    ...configured,
    listeners: flags.listen.length === 0 ? (configured?.listeners ?? typed) : typed,
    ...(flags.upstream.length > 0 && { upstreams: flags.upstream.map(upstreamOf) }),
    ...(flags.balance && { balance: flags.balance }),
    ...(flags.proxyOut && { proxyOut: flags.proxyOut }),
    access: accessOf(flags, configured),
    ...upstreamSources(flags),
    backend: flags.backend,
    placement: placementOf(flags),
    listenOptions: listenOptionsOf(flags),
    ...(flags.workers !== undefined && { workers: flags.workers }),
    ...(flags.accept !== undefined && { accept: flags.accept }),
    ...(maxConnections !== undefined && { clientLimit: maxConnections }),
    ...(connectTimeout !== undefined && { connectTimeoutNs: connectTimeout }),
    ...(idleTimeout !== undefined && { idleTimeoutNs: idleTimeout }),
    ...(stopTimeout !== undefined && { stopTimeoutNs: stopTimeout }),
    ...(leaveTimeout !== undefined && { leaveTimeoutNs: leaveTimeout }),
    ...accountsOf(flags),
    ...(flags.dieWithParent && { parentPid: process.ppid }),
  };
}

function accessOf(flags: Flags, configured: ConfiguredSettings | null): AccessSettings {
  const access = configured?.access ?? OPEN_ACCESS;
  return flags.dryRun ? { ...access, dryRun: true } : access;
}

/** "10.0.0.7:80" or "10.0.0.7:80 weight=3". Throws USAGE. */
function upstreamOf(text: string): ProxyUpstream {
  const [written = '', ...words] = text.trim().split(/ +/);
  return { address: addressOf(written, '--upstream'), weight: parseWeight(words) };
}

/** "host:port", "[v6]:port", "tcp://host:port" or "unix:/path". Throws USAGE. */
function addressOf(text: string, option: string): Address {
  const wrong = (why: string) =>
    new LoopscopeError(
      'USAGE',
      `${option}: ${text} ${why}`,
      'write 127.0.0.1:8080, [::1]:8080 or unix:/path',
    );
  const isBare = !text.includes('://') && !text.startsWith('unix');
  let address: Address;
  try {
    const target = parseTarget(isBare ? `tcp://${text}` : text);
    if (target.protocol === 'http') throw wrong('is about HTTP: a proxy passes on whatever it is');
    address = target.address;
  } catch (error) {
    if (error instanceof LoopscopeError && error.code === 'USAGE') throw error;
    throw wrong('is no address');
  }
  return address;
}

function describe(summary: ProxySummary): string {
  const { flowCount, acceptCount, upBytes, downBytes } = summary;
  const asides: [number, string][] = [
    [summary.wrongCount, 'not understood'],
    [summary.refusedCount, 'refused'],
    [summary.unreachedCount, 'upstreams not reached'],
    [summary.timedOutCount, 'timed out'],
    [summary.resetCount, 'reset'],
    [summary.cutCount, 'cut off'],
  ];
  const rest = asides.filter(([amount]) => amount > 0).map(([amount, what]) => `, ${amount} ${what}`);
  const bytes = `${formatBytes(upBytes)} up, ${formatBytes(downBytes)} down`;
  return `${formatCount(flowCount)} of ${formatCount(acceptCount)} connections relayed, ${bytes}${rest.join('')}`;
}
