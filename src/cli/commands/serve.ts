import type { Command } from 'commander';
import { type Address, parseTarget } from '../../base/address.ts';
import { EXIT, LoopscopeError } from '../../base/errors.ts';
import type { Ns } from '../../base/units.ts';
import { FAULTS } from '../../serve/faults/registry.ts';
import { parseFault } from '../../serve/faults/spec.ts';
import { parseRoute, type Route, readRoutesFile } from '../../serve/http/route.ts';
import { formatReady } from '../../serve/ready.ts';
import { type ServeOptions, type ServeSummary, serve } from '../../serve/serve.ts';
import { serveWithWorkers } from '../../serve/serve-workers.ts';
import type { CliCommand } from '../command.ts';
import { configureAccounts } from '../serving/accounts-command.ts';
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
  size,
} from '../serving/process-options.ts';
import { configureProxy } from '../serving/proxy-command.ts';
import { listenForSignals, printStats } from '../serving/signals.ts';
import { configureUpstreams } from '../serving/upstreams-command.ts';

type Flags = ProcessFlags &
  SocketFlags & {
    listen: string[];
    fault: string[];
    reply: string;
    route: string[];
    routes?: string;
    maxConnections?: number;
    maxHeader?: number;
    maxBody?: number;
    idleTimeout?: Ns;
    requestTimeout?: Ns;
    sendTimeout?: Ns;
    stopTimeout?: Ns;
    leaveTimeout?: Ns;
  };

/** What each kind of server speaks, and where it listens when not told. */
const KINDS = {
  agent: { protocol: 'frame', defaultListen: 'unix:/tmp/loopscope-agent.sock' },
  http: { protocol: 'http', defaultListen: 'http://127.0.0.1:8080/' },
  echo: { protocol: 'echo', defaultListen: 'tcp://127.0.0.1:7007' },
} as const;

type Kind = (typeof KINDS)[keyof typeof KINDS];

/** The loop's tables take some 650 bytes for each, made at the start. */
const MOST_CONNECTIONS = 100_000;

export const serveCommand = {
  usage: 'serve <kind>',
  summary: 'an event-loop server to measure: agent (length-framed), http or echo, with faults to plant',
  configure(command, exit) {
    command.enablePositionalOptions(); // What comes behind "proxy" is its own.
    configureProxy(command.command('proxy'), exit);
    configureAccounts(command.command('accounts'), exit);
    configureUpstreams(command.command('upstreams'), exit);
    addServerOptions(command);
    addSocketOptions(command);
    addHttpOptions(command);
    addLimitOptions(command);
    command.action(async (kindName: string, flags: Flags) => {
      const kind = KINDS[kindName as keyof typeof KINDS];
      if (!kind) {
        throw new LoopscopeError(
          'USAGE',
          `"${kindName}" is not a kind of server`,
          `choose one of ${Object.keys(KINDS).join(', ')}, proxy`,
        );
      }
      const summary = await run(kind, flags);
      if (flags.stats) printStats(summary.stats);
      const { stats: _, ...counts } = summary;
      if (flags.json) process.stdout.write(`${JSON.stringify(counts)}\n`);
      else process.stdout.write(`${describe(summary)}\n`);
      // A signal is how a server is ended: that is not a failure.
      exit(EXIT.ok);
    });
  },
} satisfies CliCommand;

function addServerOptions(command: Command): void {
  command
    .option('-l, --listen <target...>', 'where to listen, as a target; port 0 takes any free one', [])
    .option('-f, --fault <spec...>', `plant a fault: ${FAULTS.map((fault) => fault.example).join(', ')}`, []);
  addProcessOptions(command);
}

function addHttpOptions(command: Command): void {
  command
    .option('--reply <text>', 'body of every reply, where there are no routes', 'hello\n')
    .option('--route <path=body...>', 'http: answer a path with that body, other paths with 404', [])
    .option('--routes <file>', 'http: routes from a JSON file; read again at a reload');
}

function addLimitOptions(command: Command): void {
  command
    .option(
      '--max-connections <count>',
      'connections of one process at once',
      count('--max-connections', 1, MOST_CONNECTIONS),
    )
    .option('--max-header <size>', 'http: longest header block', size('--max-header'))
    .option('--max-body <size>', 'longest body or frame', size('--max-body'))
    .option('--idle-timeout <time>', 'a connection without a request is closed', duration('--idle-timeout'))
    .option('--request-timeout <time>', 'for a request to arrive', duration('--request-timeout'))
    .option('--send-timeout <time>', 'for a peer to take some of its reply', duration('--send-timeout'))
    .option('--stop-timeout <time>', 'for connections to end at a stop', duration('--stop-timeout'))
    .option('--leave-timeout <time>', 'for connections to end at a reload', duration('--leave-timeout'));
}

async function run(kind: Kind, flags: Flags): Promise<ServeSummary> {
  const options = serveOptions(kind, flags);
  const ready = (text: string) => process.stdout.write(`${text}\n`);
  using signals = listenForSignals();
  if (flags.workers === undefined) {
    checkAccept(flags);
    return await serve({
      ...options,
      signal: signals.stop,
      onReady(said, stats) {
        signals.onStats = () => printStats(stats());
        // Without a master there is nobody to take over: as for other programs, a hang-up is the end.
        signals.onReload = signals.abort;
        ready(formatReady(said, kind.protocol, flags.json));
      },
    });
  }
  return await serveWithWorkers({
    ...options,
    workers: flags.workers,
    accept: flags.accept ?? 'auto',
    signal: signals.stop,
    reloadSettings: () => ({ routes: routesOf(flags) }),
    onNews: (text) => process.stderr.write(`loopscope: ${text}\n`),
    onStatsAsked: printStats,
    onReady(said, control) {
      signals.onStats = () => printStats(control.stats());
      signals.onReload = () => void control.reload();
      ready(formatReady(said, kind.protocol, flags.json));
    },
  });
}

function serveOptions(kind: Kind, flags: Flags): Omit<ServeOptions, 'signal' | 'onReady'> {
  const { protocol, defaultListen } = kind;
  if (protocol !== 'http' && (flags.route.length > 0 || flags.routes !== undefined)) {
    throw new LoopscopeError('USAGE', '--route and --routes are for serve http', 'use --reply');
  }
  const { maxConnections, maxHeader, maxBody } = flags;
  const { idleTimeout, requestTimeout, sendTimeout, stopTimeout, leaveTimeout } = flags;
  return {
    protocol,
    listen: (flags.listen.length > 0 ? flags.listen : [defaultListen]).map((text) =>
      listenAddress(text, protocol),
    ),
    faults: flags.fault.map((text) => parseFault(text)),
    backend: flags.backend,
    replyText: flags.reply,
    routes: routesOf(flags),
    placement: placementOf(flags),
    listenOptions: listenOptionsOf(flags),
    ...(maxConnections !== undefined && { connectionLimit: maxConnections }),
    ...(maxHeader !== undefined && { maxHeaderBytes: maxHeader }),
    ...(maxBody !== undefined && { maxBodyBytes: maxBody }),
    ...(idleTimeout !== undefined && { idleTimeoutNs: idleTimeout }),
    ...(requestTimeout !== undefined && { requestTimeoutNs: requestTimeout }),
    ...(sendTimeout !== undefined && { sendTimeoutNs: sendTimeout }),
    ...(stopTimeout !== undefined && { stopTimeoutNs: stopTimeout }),
    ...(leaveTimeout !== undefined && { leaveTimeoutNs: leaveTimeout }),
    ...(flags.dieWithParent && { parentPid: process.ppid }),
  };
}

function routesOf(flags: Flags): Route[] {
  const fromFile = flags.routes === undefined ? [] : readRoutesFile(flags.routes);
  return [...fromFile, ...flags.route.map((text) => parseRoute(text))];
}

function listenAddress(text: string, protocol: Kind['protocol']): Address {
  const target = parseTarget(text);
  if ((target.protocol === 'http') !== (protocol === 'http')) {
    const form = protocol === 'http' ? 'http://… or unix+http:…' : 'tcp://… or unix:…';
    throw new LoopscopeError('USAGE', `--listen: ${text} is not where this kind listens`, `write ${form}`);
  }
  return target.address;
}

function describe(summary: ServeSummary): string {
  const { requestCount, acceptCount, badCount, timedOutCount, slowReaderCount, cutCount } = summary;
  const asides: [number, string][] = [
    [badCount, 'refused'],
    [timedOutCount, 'timed out'],
    [slowReaderCount, 'closed for not reading'],
    [cutCount, 'cut off'],
  ];
  const rest = asides.filter(([amount]) => amount > 0).map(([amount, what]) => `, ${amount} ${what}`);
  return `${requestCount} requests, ${acceptCount} connections${rest.join('')}`;
}
