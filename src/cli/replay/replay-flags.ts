/** The options of replay that say which requests of a log are sent, and when. */
import { type Command, Option } from 'commander';
import { parseTarget } from '../../base/address.ts';
import { LoopscopeError } from '../../base/errors.ts';
import type { Ns } from '../../base/units.ts';
import { parseHeader } from '../../plan/flags.ts';
import { forwardOptions } from '../../plan/proxy.ts';
import type { ReplayOptions, ReplayPace } from '../../plan/replay/replay-options.ts';
import {
  parseCondition,
  parseRewrite,
  parseSample,
  parseSession,
  parseSpeed,
} from '../../plan/replay/typed.ts';
import { addGroup, countOption, listOption, rateOption, timeOption } from '../flag-parsers.ts';
import { type ProxyFlags, settleProxy } from '../proxy/proxy-flags.ts';

export type ReplayFlags = {
  target?: string;
  format?: string;
  fields?: string;
  nginxConf?: string;
  session?: ReturnType<typeof parseSession>;
  speed?: ReplayPace;
  rate?: number;
  from?: string;
  to?: string;
  loop: boolean;
  follow: boolean;
  header: string[];
  rewrite: string[];
  only: string[];
  skip: string[];
  sample?: number;
  unsafeMethods: boolean;
  filler: boolean;
  seed: number;
  duration?: Ns;
};

export function addReplayOptions(command: Command): void {
  addGroup(command, 'Log:', [
    new Option(
      '--format <name|text>',
      "a format's name, or your log_format or LogFormat; default: recognised",
    ),
    new Option('--fields <list>', 'keys of JSON lines: time=ts,method=req.method,path=req.uri,status=code'),
    new Option('--nginx-conf <file>', 'nginx.conf that has the log_format; --format may name it'),
    new Option(
      '--session <kind>',
      'tells clients apart: ip, ip+agent, ip:port, connection, header:NAME, none',
    ).argParser((text: string) => parseSession(text)),
    new Option('--from <time>', 'leave out what came before: 07:04:55, or 2026-11-29T07:04:55Z'),
    new Option('--to <time>', 'and from this time on'),
    new Option('--follow', 'read on as the log grows; it may be rotated').default(false),
  ]);
  addGroup(command, 'When:', [
    new Option(
      '--speed <factor>',
      '2 is twice as fast as it was, 0.5 half; max: as fast as replies come',
    ).argParser((text: string) => parseSpeed(text)),
    rateOption('-r, --rate <per second>', 'the speed at which the log comes to this mean rate: 2000, 50k'),
    timeOption('-d, --duration <time>', 'end after this; default: when the log ends'),
    new Option('--loop', 'begin again when the log ends').default(false),
    countOption('--seed <number>', 'the same seed spreads whole seconds in the same way', {
      min: 0,
      max: 2 ** 32 - 1,
      initial: 1,
    }),
  ]);
  addGroup(command, 'What:', [
    listOption(
      '-H, --header <line>',
      'sent with each request, for the log\'s own: "Name: value"; repeatable',
    ),
    listOption('--rewrite <from=to>', 'paths that begin with the one begin with the other; repeatable'),
    listOption('--only <key=pattern>', "method=, status= or path=: 'path=/api/*', status=2xx; repeatable"),
    listOption('--skip <key=pattern>', 'the same, left out; repeatable'),
    new Option('--sample <share>', 'of the clients, all requests of some: 10%').argParser((text: string) =>
      parseSample(text),
    ),
    new Option('--unsafe-methods', 'also others than GET, HEAD and OPTIONS: they change things').default(
      false,
    ),
    new Option('--filler', 'bodies of the logged length where the log has the length alone').default(false),
  ]);
}

/** What openReplay() takes. Throws USAGE naming the options at fault. */
export function settleReplay(
  files: readonly string[],
  flags: ReplayFlags & Partial<ProxyFlags>,
): ReplayOptions {
  if (flags.speed !== undefined && flags.rate !== undefined) {
    throw new LoopscopeError('USAGE', '--speed and --rate contradict each other', 'give one');
  }
  const pace = flags.rate === undefined ? flags.speed : ({ kind: 'rate', perSec: flags.rate } as const);
  refuseWithFollow(files, flags, pace);
  const headers = flags.header.map((line) => parseHeader(line));
  return {
    files,
    ...(flags.target === undefined ? { host: 'localhost' } : whereTo(flags.target, flags)),
    headers,
    rewrites: flags.rewrite.map((text) => parseRewrite(text)),
    only: flags.only.map((text) => parseCondition(text, '--only')),
    skip: flags.skip.map((text) => parseCondition(text, '--skip')),
    loop: flags.loop,
    follow: flags.follow,
    unsafeMethods: flags.unsafeMethods,
    filler: flags.filler,
    seed: flags.seed,
    ...(pace !== undefined && { pace }),
    ...(flags.format !== undefined && { format: flags.format }),
    ...(flags.fields !== undefined && { fields: flags.fields }),
    ...(flags.nginxConf !== undefined && { nginxConf: flags.nginxConf }),
    ...(flags.from !== undefined && { from: flags.from }),
    ...(flags.to !== undefined && { to: flags.to }),
    ...(flags.sample !== undefined && { sampleShare: flags.sample }),
    ...(flags.session !== undefined && { session: flags.session.kind }),
    ...(flags.session?.header !== undefined && { sessionHeader: flags.session.header }),
  };
}

/** A log that is still written has no end and no past. */
function refuseWithFollow(files: readonly string[], flags: ReplayFlags, pace: ReplayPace | undefined): void {
  if (!flags.follow) return;
  const other = flags.loop
    ? '--loop'
    : pace?.kind === 'rate'
      ? '--rate'
      : pace?.kind === 'speed' && pace.factor !== 1
        ? '--speed'
        : flags.from !== undefined
          ? '--from'
          : flags.to !== undefined
            ? '--to'
            : null;
  if (other !== null) {
    throw new LoopscopeError(
      'USAGE',
      `--follow and ${other} contradict each other: a log that is still written is replayed as it comes`,
      `leave out ${other}`,
    );
  }
  if (files.length !== 1 || files[0] === '-') {
    throw new LoopscopeError(
      'USAGE',
      files[0] === '-'
        ? '--follow: standard input is read to its end without it'
        : '--follow: it reads one file',
      'name one file',
    );
  }
}

/** The Host header, and what a proxy is told besides. */
function whereTo(text: string, flags: Partial<ProxyFlags>): Pick<ReplayOptions, 'host' | 'forward'> {
  const target = parseTarget(text);
  const { protocol, httpHost, httpPath } = target;
  if (protocol !== 'http') {
    throw new LoopscopeError(
      'USAGE',
      '--target: a log of requests is replayed over HTTP',
      'write http:// or unix+http:',
    );
  }
  if (httpPath === '/') {
    const forward = forwardOptions(settleProxy(target, flags), target);
    return { host: httpHost, ...(forward && { forward }) };
  }
  throw new LoopscopeError(
    'USAGE',
    `--target: it has a path, and paths come from the log`,
    `leave it out; --rewrite /=${httpPath.endsWith('/') ? httpPath : `${httpPath}/`} puts it before each`,
  );
}
