/** The options of load and doctor that say what is sent, when, and over which connections. */
import { type Command, Option } from 'commander';
import type { Ns } from '../base/units.ts';
import { ARRIVAL_NAMES } from '../plan/arrivals/registry.ts';
import { MAX_REQUEST_LIMIT } from '../plan/plan-limits.ts';
import { CODEC_NAMES } from '../wire/registry.ts';
import { addGroup, countOption, listOption, rateOption, timeOption } from './flag-parsers.ts';
import { type ProxyFlags, proxyOptions } from './proxy/proxy-flags.ts';

/** Which connections there are, and how long anything on them may take. */
export type ConnectionFlags = ProxyFlags & {
  connections: number;
  connectionsPerSec?: number;
  requestsPerConnection?: number;
  timeout: Ns;
  connectTimeout?: Ns;
  source: string[];
  addresses: 'first' | 'all';
};

export type ClientFlags = {
  threads: number;
  backend: 'auto' | 'ring' | 'epoll';
  spin: boolean;
};

export type LoadFlags = ConnectionFlags &
  ClientFlags & {
    rate?: number;
    arrival?: string;
    stage: string[];
    duration: Ns;
    requests?: number;
    thinkTime?: string;
    warmup?: Ns;
    seed: number;
    codec?: string;
    method?: string;
    header: string[];
    body?: string;
    bodyFile?: string;
    scenario?: string;
    pipeline: number;
  };

export type LimitFlags = { findLimit: string[] };

/** Only load searches: a doctor looks at one thing. */
export function addLimitOptions(command: Command): void {
  addGroup(command, 'Verdict:', [
    listOption('--find-limit <condition>', "find the highest rate with 'p99<20ms', in runs of --duration"),
  ]);
}

/** How long a run takes when nobody says. */
export const DEFAULT_DURATION_NS = 10e9;

/** `unrated`: what happens without a rate. */
export function addLoadOptions(command: Command, unrated = 'without it the loop is closed'): void {
  addGroup(command, 'When:', [
    rateOption('-r, --rate <per second>', `requests due per second: 2000, 50k, 30/m; ${unrated}`),
    new Option('-a, --arrival <process>', `${ARRIVAL_NAMES.join(', ')}; default: poisson`),
    listOption('--stage <rate/time>', 'a rate, or one rising to another, for a time: 0-2000/10s; repeatable'),
    timeOption('-d, --duration <time>', 'length of the run', DEFAULT_DURATION_NS),
    countOption('-n, --requests <count>', 'end after so many requests; --duration then is a bound', {
      min: 1,
      max: MAX_REQUEST_LIMIT,
    }),
    new Option('--think-time <time>', 'closed loop: pause after each reply: 50ms, or 50ms+0-1ms'),
    timeOption('--warmup <time>', 'leave this out of the figures; default: a tenth, at most 1s'),
    countOption('--seed <number>', 'the same seed repeats the same schedule', {
      min: 0,
      max: 2 ** 32 - 1,
      initial: 1,
    }),
  ]);
  addGroup(command, 'What:', [
    new Option('--codec <name|file>', `${CODEC_NAMES.join(', ')} (frame:width=2 sets options), a .ts file`),
    new Option('--method <name>', 'HTTP method; default: GET, or POST with a body'),
    listOption('-H, --header <line>', 'HTTP header, "Name: value"; repeatable'),
    new Option('--body <text>', 'request body or payload: text, @FILE, or - for standard input'),
    new Option('--body-file <file>', 'the same from a file, byte for byte'),
    new Option('--scenario <file>', 'a mix of requests with checks of their replies: .json or .ts'),
  ]);
  addConnectionOptions(command, [
    countOption('--pipeline <depth>', 'requests under way on a connection', {
      min: 1,
      max: 1024,
      initial: 1,
    }),
  ]);
  addClientOptions(command);
}

/** `more`: options of a command's own among them. */
export function addConnectionOptions(command: Command, more: readonly Option[] = []): void {
  addGroup(command, 'Connections:', [
    countOption('-c, --connections <count>', 'connections to open', { min: 1, max: 60_000, initial: 50 }),
    rateOption('--connections-per-sec <rate>', 'open them at this rate; default: all at once'),
    countOption('--requests-per-connection <count>', 'close and open anew after so many', {
      min: 1,
      max: 1e9,
    }),
    ...more,
    timeOption('--timeout <time>', 'a reply later than this is a timeout', 2e9),
    timeOption('--connect-timeout <time>', 'give up connecting after this; default: --timeout, at most 3s'),
    listOption('--source <address>', 'local addresses to connect from, in turn; repeatable'),
    new Option('--addresses <which>', "which addresses of the target's name")
      .choices(['first', 'all'])
      .default('first'),
    ...proxyOptions(),
  ]);
}

/** The threads and loops of the load. */
export function addClientOptions(command: Command): void {
  addGroup(command, 'Client:', [
    countOption('-t, --threads <count>', 'threads that drive the load', { min: 1, max: 64, initial: 1 }),
    new Option('--backend <name>', 'event loop').choices(['auto', 'ring', 'epoll']).default('auto'),
    new Option('--profile-client <file>', "where the load threads' own CPU time goes: .html or .folded"),
    new Option('--spin', 'never sleep between sends: on time to microseconds, for a CPU a thread').default(
      false,
    ),
  ]);
}
