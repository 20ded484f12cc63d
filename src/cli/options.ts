/**
 * Options that several commands share: each is declared once, with its parser. Values are checked here, at the edge,
 * so that the rooms behind only meet numbers that make sense.
 */
import { type Command, Option } from 'commander';
import { LoopscopeError } from '../base/errors.ts';
import { type Ns, parseCount, parseDurationNs, parseRatePerSec } from '../base/units.ts';
import { ARRIVAL_NAMES, type ArrivalName } from '../plan/registry.ts';

export type LoadFlags = {
  rate?: number;
  connections: number;
  duration: Ns;
  warmup?: Ns;
  timeout: Ns;
  threads: number;
  arrival?: ArrivalName;
  seed: number;
  backend: 'auto' | 'ring' | 'epoll';
};

export type ObserveFlags = {
  pid?: string;
  budget?: Ns;
  tier: 'auto' | 'bpf' | 'proc';
  armed: 'auto' | 'always' | 'never';
};

export type OutputFlags = {
  json: boolean;
  html?: string;
  out?: string;
  quiet: boolean;
  color: boolean;
};

/** --rate and what goes with it. */
export function addLoadOptions(command: Command): void {
  command
    .option(
      '-r, --rate <per second>',
      'requests due per second, over all connections (50k is 50 000)',
      rate('--rate'),
    )
    .option('-c, --connections <count>', 'connections to open', count('--connections', 1, 60_000), 50)
    .addOption(
      new Option(
        '-a, --arrival <process>',
        'how requests arrive; default: poisson with --rate, else closed',
      ).choices(ARRIVAL_NAMES),
    )
    .option('-t, --threads <count>', 'client threads', count('--threads', 1, 64), 1)
    .option('--timeout <time>', 'a reply later than this is a timeout', duration('--timeout'), 2e9)
    .option(
      '--warmup <time>',
      'leave the beginning out of the figures; default: a tenth, at most 1s',
      duration('--warmup'),
    )
    .option(
      '--seed <number>',
      'of the arrival process; the same seed repeats the same schedule',
      count('--seed', 0, 2 ** 32 - 1),
      1,
    )
    .addOption(
      new Option('--backend <name>', 'event loop of the client')
        .choices(['auto', 'ring', 'epoll'])
        .default('auto'),
    );
}

/** --duration, with the default the command wants. */
export function addDurationOption(command: Command, defaultNs: Ns | undefined): void {
  command.option('-d, --duration <time>', 'length of the run (10s, 2m)', duration('--duration'), defaultNs);
}

/** How the observer works. */
export function addObserveOptions(command: Command): void {
  command
    .option(
      '--budget <time>',
      'a cycle longer than this is a stall; default: 20 × the median, 2ms to 10ms',
      duration('--budget'),
    )
    .addOption(
      new Option('--tier <name>', 'bpf sees every cycle, proc needs no privileges')
        .choices(['auto', 'bpf', 'proc'])
        .default('auto'),
    )
    .addOption(
      new Option('--armed <when>', 'when the scheduler probes run: on suspicion, always, never')
        .choices(['auto', 'always', 'never'])
        .default('auto'),
    );
}

/** Where results go. */
export function addOutputOptions(command: Command): void {
  command
    .option('--json', 'print one JSON object on standard output', false)
    .option('--html <file>', 'write a self-contained HTML report')
    .option('-o, --out <file>', 'write the run file, to be reported on again or compared')
    .option('-q, --quiet', 'no progress', false)
    .option('--no-color', 'no colour, as with NO_COLOR');
}

/** Rate and arrival must agree: an open loop needs a rate, a closed loop has none. */
export function settleArrival(
  flags: Pick<LoadFlags, 'rate' | 'arrival'>,
  defaultRatePerSec: number | null,
): {
  arrival: ArrivalName;
  ratePerSec: number | null;
} {
  if (flags.arrival === 'closed') {
    if (flags.rate !== undefined) {
      throw new LoopscopeError(
        'USAGE',
        '--rate: a closed loop has no rate, each connection sends when its last reply is in',
        'leave out --rate, or choose --arrival poisson',
      );
    }
    return { arrival: 'closed', ratePerSec: null };
  }
  const ratePerSec = flags.rate ?? defaultRatePerSec;
  if (ratePerSec === null) {
    if (flags.arrival === undefined) return { arrival: 'closed', ratePerSec: null };
    throw new LoopscopeError(
      'USAGE',
      `--arrival ${flags.arrival} needs --rate`,
      'add for instance --rate 2000',
    );
  }
  return { arrival: flags.arrival ?? 'poisson', ratePerSec };
}

/** Colour: a terminal that wants it. https://no-color.org */
export function wantsColour(flags: Pick<OutputFlags, 'color'>): boolean {
  return flags.color && process.stdout.isTTY === true && !process.env.NO_COLOR;
}

function duration(option: string) {
  return (text: string) => parseDurationNs(text, option);
}

function rate(option: string) {
  return (text: string) => parseRatePerSec(text, option);
}

function count(option: string, min: number, max: number) {
  return (text: string) => parseCount(text, option, min, max);
}
