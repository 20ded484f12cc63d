/** Options that every kind of server has: its processes, its sockets. */
import { type Command, Option } from 'commander';
import { LoopscopeError } from '../../base/errors.ts';
import { parseCount, parseDurationNs } from '../../base/units.ts';
import type { ListenOptions, TcpSending } from '../../kernel/sockets.ts';
import { ACCEPT_STRATEGIES } from '../../serve/accept/registry.ts';
import { parseByteCount } from '../../serve/faults/spec.ts';
import { parseUnixMode, parseUnixOwner } from '../../serve/unix-owner.ts';
import { type Placement, parseCpuList } from '../../serve/workers/placement.ts';

export type ProcessFlags = {
  backend: 'auto' | 'ring' | 'epoll';
  workers?: number;
  accept?: string;
  cpus?: number[];
  nice?: number;
  stats: boolean;
  dieWithParent: boolean;
  json: boolean;
};

export type SocketFlags = {
  backlog: number;
  tcp: TcpSending;
  unixMode?: number;
  unixOwner?: { uid: number; gid: number };
};

const MOST_WORKERS = 256;

export function addProcessOptions(command: Command): void {
  const accepts = ACCEPT_STRATEGIES.map(({ name }) => name);
  command
    .addOption(
      new Option('--backend <name>', 'event loop').choices(['auto', 'ring', 'epoll']).default('auto'),
    )
    .option(
      '-w, --workers <count>',
      'processes that serve, under a master; default: none, this process serves',
      count('--workers', 1, MOST_WORKERS),
    )
    .addOption(
      new Option('--accept <strategy>', 'how workers share connections; default: what suits').choices([
        'auto',
        ...accepts,
      ]),
    )
    .option('--cpus <list>', 'CPUs to run on, 0-3 or 0,2: worker n takes the nth', (text) =>
      parseCpuList(text, '--cpus'),
    )
    .option('--nice <number>', 'niceness, -20 to 19', parseNice)
    .option('--stats', 'print the counters of each loop as JSON lines at the end, and on SIGUSR1', false)
    .option('--die-with-parent', 'end when the process that started this one ends', false)
    .option('--json', 'print the ready line and the summary as JSON', false);
}

export function addSocketOptions(command: Command): void {
  command
    .option(
      '--backlog <count>',
      'connections that may wait to be accepted',
      count('--backlog', 1, 65_535),
      511,
    )
    .addOption(
      new Option('--tcp <how>', 'when a segment that is not full is sent')
        .choices(['nodelay', 'delay', 'cork'])
        .default('nodelay'),
    )
    .option('--unix-mode <octal>', 'permissions of the socket file', parseUnixMode)
    .option('--unix-owner <user:group>', 'owner of the socket file', parseUnixOwner);
}

/** Where its processes run. */
export function placementOf(flags: ProcessFlags): Placement {
  return { cpus: flags.cpus ?? [], nice: flags.nice ?? null };
}

export function listenOptionsOf(flags: SocketFlags): ListenOptions {
  const { unixMode, unixOwner } = flags;
  return {
    backlog: flags.backlog,
    tcpSending: flags.tcp,
    ...(unixMode !== undefined && { unixMode }),
    ...(unixOwner && { unixOwner }),
  };
}

/** --accept without --workers is refused. Throws USAGE. */
export function checkAccept(flags: ProcessFlags): void {
  if (flags.workers !== undefined || flags.accept === undefined || flags.accept === 'auto') return;
  throw new LoopscopeError('USAGE', '--accept is about workers', 'add for instance --workers 4');
}

function parseNice(text: string): number {
  const value = /^[+-]?\d{1,2}$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (value >= -20 && value <= 19) return value;
  throw new LoopscopeError('USAGE', `--nice: "${text}" is not a number from -20 to 19`);
}

export function count(option: string, min: number, max: number) {
  return (text: string) => parseCount(text, option, min, max);
}

export function size(option: string) {
  return (text: string) => parseByteCount(text, option);
}

export function duration(option: string) {
  return (text: string) => parseDurationNs(text, option);
}
