/** What a plan's options may be, alone and together. Every refusal is USAGE and names the option. */
import { isIP } from 'node:net';
import { LoopscopeError } from '../base/errors.ts';
import { formatNs, NS_PER_S } from '../base/units.ts';
import { isArrivalName, unknownArrival } from './arrivals/arrival-spec.ts';
import { ARRIVALS, type ArrivalName } from './arrivals/registry.ts';
import { expectedCounts, MAX_DURATION_NS, MIN_DURATION_NS } from './arrivals/schedule.ts';
import type { Stage } from './arrivals/stages.ts';
import type { ThinkTime } from './arrivals/think-time.ts';
import { MAX_SOURCE_COUNT } from './flags.ts';
import { readParams } from './parameters.ts';
import type { Plan, PlanOptions } from './plan-options.ts';

const MAX_CONNECTION_COUNT = 60_000;
const MAX_THREAD_COUNT = 64;
const MAX_TIMEOUT_NS = 600 * NS_PER_S;
const MAX_RATE_PER_SEC = 10e6;
export const MAX_REQUEST_LIMIT = 1e9;
const MAX_PIPELINE_DEPTH = 1024;
const MAX_THINK_NS = 3600 * NS_PER_S;

/** Counts and times. */
export function checkCounts(options: PlanOptions): void {
  const { connectionCount, threadCount } = options;
  within('--duration', options.durationNs, MIN_DURATION_NS, MAX_DURATION_NS, { isTime: true });
  within('--timeout', options.timeoutNs, 1, MAX_TIMEOUT_NS, { isTime: true });
  within('--connections', connectionCount, 1, MAX_CONNECTION_COUNT, { whole: true });
  within('--threads', threadCount, 1, MAX_THREAD_COUNT, { whole: true });
  within('--seed', options.seed, 0, 2 ** 32 - 1, { whole: true });
  within('--requests', options.requestLimit ?? 1, 1, MAX_REQUEST_LIMIT, { whole: true });
  within('--pipeline', options.pipelineDepth ?? 1, 1, MAX_PIPELINE_DEPTH, { whole: true });
  within('--requests-per-connection', options.requestsPerConnection ?? 1, 1, 2 ** 31, { whole: true });
  within('--connections-per-sec', options.connectionsPerSec ?? 1, 0.001, 1e6);
  within('--connect-timeout', options.connectTimeoutNs ?? 1, 1, MAX_TIMEOUT_NS, { isTime: true });
  if (threadCount > connectionCount) {
    throw new LoopscopeError(
      'USAGE',
      `--threads: ${threadCount} threads cannot share ${connectionCount} connection${connectionCount === 1 ? '' : 's'}`,
      `try --threads ${connectionCount}`,
    );
  }
}

/** Arrival, rate and stages must go together: an open loop needs one rate or stages, a closed loop has neither. */
export function checkRate(options: PlanOptions): void {
  const { arrival, ratePerSec, stages = null } = options;
  if (!isArrivalName(arrival)) throw unknownArrival(arrival, '--arrival');
  readParams(ARRIVALS[arrival].parameters ?? {}, options.arrivalParams, `--arrival ${arrival}`);
  if (!ARRIVALS[arrival].openLoop) {
    const option = ratePerSec !== null ? '--rate' : stages !== null ? '--stage' : null;
    if (option === null) return;
    throw new LoopscopeError(
      'USAGE',
      `${option}: a closed loop has no rate`,
      'leave it out, or choose --arrival poisson',
    );
  }
  if (stages !== null) {
    refuseStagesByCount(options.requestLimit ?? null);
    checkStages(stages, ratePerSec);
  } else if (ratePerSec === null) {
    throw new LoopscopeError('USAGE', `--arrival ${arrival} needs --rate`, 'add for instance --rate 2000');
  } else if (!(ratePerSec > 0 && ratePerSec <= MAX_RATE_PER_SEC)) {
    throw new LoopscopeError(
      'USAGE',
      `--rate: ${ratePerSec} is not between 0 and ${MAX_RATE_PER_SEC} per second`,
    );
  }
  const counts = expectedCounts({ ...options, stages, arrivalParams: options.arrivalParams ?? {} });
  if (counts.every((count) => count < 1)) {
    const what = stages === null ? `--rate: ${ratePerSec} per second makes` : '--stage: all together make';
    throw new LoopscopeError('USAGE', `${what} no request due within --duration`, 'raise either');
  }
}

/** Stages say how many requests there are: their rates for their times. */
function refuseStagesByCount(requestLimit: number | null): void {
  if (requestLimit === null) return;
  throw new LoopscopeError(
    'USAGE',
    '--requests and --stage contradict each other: the stages say how long the run is',
    'leave out one',
  );
}

function checkStages(stages: readonly Stage[], ratePerSec: number | null): void {
  if (ratePerSec !== null) {
    throw new LoopscopeError(
      'USAGE',
      '--rate: stages have rates of their own',
      'leave out --rate or --stage',
    );
  }
  stages.forEach(({ durationNs, fromRatePerSec, toRatePerSec, arrival }, index) => {
    const where = `--stage ${index + 1}`;
    within(where, durationNs, MIN_DURATION_NS, MAX_DURATION_NS, { isTime: true });
    within(where, fromRatePerSec, 0, MAX_RATE_PER_SEC, { unit: ' per second' });
    within(where, toRatePerSec, 0, MAX_RATE_PER_SEC, { unit: ' per second' });
    if (!arrival) return;
    if (!isArrivalName(arrival.arrival)) throw unknownArrival(arrival.arrival, where);
    const { openLoop, parameters = {} } = ARRIVALS[arrival.arrival];
    if (!openLoop)
      throw new LoopscopeError('USAGE', `${where}: a stage has a rate, and a closed loop has none`);
    readParams(parameters, arrival.params, where);
  });
}

export function checkThinkTime(thinkTime: ThinkTime | null, arrival: ArrivalName): Plan['thinkTime'] {
  if (thinkTime === null) return null;
  if (ARRIVALS[arrival].openLoop) {
    throw new LoopscopeError(
      'USAGE',
      '--think-time: only a closed loop has one; with a rate the schedule says when to send',
      'leave out --rate and --arrival, or --think-time',
    );
  }
  within('--think-time', thinkTime.meanNs, 0, MAX_THINK_NS, { isTime: true });
  within('--think-time', thinkTime.jitterNs, 0, MAX_THINK_NS, { isTime: true });
  return Object.freeze({ ...thinkTime });
}

export function checkSources(addresses: readonly string[], transport: 'tcp' | 'unix'): readonly string[] {
  if (addresses.length === 0) return Object.freeze([]);
  if (transport === 'unix') {
    throw new LoopscopeError('USAGE', '--source: a Unix socket has no source address', 'leave it out');
  }
  within('--source', addresses.length, 1, MAX_SOURCE_COUNT, { unit: ' addresses' });
  for (const address of addresses) {
    if (isIP(address) === 0) throw new LoopscopeError('USAGE', `--source: "${address}" is not an IP address`);
  }
  return Object.freeze([...addresses]);
}

export function within(
  option: string,
  value: number,
  min: number,
  max: number,
  { unit = '', whole = false, isTime = false }: { unit?: string; whole?: boolean; isTime?: boolean } = {},
): void {
  if (whole && !Number.isInteger(value)) {
    throw new LoopscopeError('USAGE', `${option}: ${value} is not a whole number`);
  }
  if (!(value >= min && value <= max)) {
    const [got, least, most] = [value, min, max].map((number) =>
      isTime ? formatNs(number) : String(number),
    );
    throw new LoopscopeError('USAGE', `${option}: ${got}${unit} is not from ${least} to ${most}${unit}`);
  }
}
