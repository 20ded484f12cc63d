/** What is to be sent, to whom, when and for how long: checked once, then frozen. */
import type { Target } from '../base/address.ts';
import { LoopscopeError } from '../base/errors.ts';
import { NS_PER_S } from '../base/units.ts';
import type { RequestOptions } from '../wire/codec.ts';
import { plannedCount } from './arrival.ts';
import { ARRIVAL_NAMES, ARRIVALS, type ArrivalName } from './registry.ts';

export type PlanOptions = {
  target: Target;
  arrival: ArrivalName;
  /** Null in a closed loop, and only there. */
  ratePerSec: number | null;
  connectionCount: number;
  threadCount: number;
  durationNs: number;
  /** Default: a tenth of the duration, at most 1 s. */
  warmupNs?: number;
  timeoutNs: number;
  seed: number;
  /** Most requests due and waiting for a free connection, over all threads. Default: ten seconds' worth. */
  queueLimit?: number;
  /** Method, headers and body; path and host default to the target's. */
  request?: RequestOptions;
};

export type Plan = Readonly<Required<Omit<PlanOptions, 'request'>> & { request: Readonly<RequestOptions> }>;

const MAX_CONNECTION_COUNT = 60_000;
const MAX_THREAD_COUNT = 64;
const MAX_DURATION_NS = 24 * 3600 * NS_PER_S;
const MIN_DURATION_NS = 1e6;
const MAX_TIMEOUT_NS = 600 * NS_PER_S;
const MAX_RATE_PER_SEC = 10e6;
const MIN_QUEUE_LIMIT = 1024;
const MAX_QUEUE_LIMIT = 1_000_000;
const QUEUE_SECONDS = 10;

/** Checks options against each other and fills in what follows from them. Throws USAGE naming the option at fault. */
export function createPlan(options: PlanOptions): Plan {
  const { arrival, ratePerSec, durationNs, connectionCount, threadCount, timeoutNs, seed } = options;
  within('--duration', durationNs, MIN_DURATION_NS, MAX_DURATION_NS, ' ns');
  within('--timeout', timeoutNs, 1, MAX_TIMEOUT_NS, ' ns');
  whole('--connections', connectionCount, 1, MAX_CONNECTION_COUNT);
  whole('--threads', threadCount, 1, MAX_THREAD_COUNT);
  whole('--seed', seed, 0, 2 ** 32 - 1);
  if (threadCount > connectionCount) {
    throw new LoopscopeError(
      'USAGE',
      `--threads: ${threadCount} threads cannot share ${connectionCount} connections`,
      `try --threads ${connectionCount}`,
    );
  }
  if (!ARRIVAL_NAMES.includes(arrival)) {
    throw new LoopscopeError('USAGE', `--arrival: "${arrival}" is none of ${ARRIVAL_NAMES.join(', ')}`);
  }
  checkRate(arrival, ratePerSec, durationNs);
  const warmupNs = options.warmupNs ?? Math.min(NS_PER_S, Math.round(durationNs / 10));
  if (!(warmupNs >= 0 && warmupNs < durationNs)) {
    throw new LoopscopeError('USAGE', '--warmup: must be shorter than --duration', 'try --warmup 0s');
  }
  const queueLimit = options.queueLimit ?? defaultQueueLimit(ratePerSec);
  whole('queueLimit', queueLimit, 1, 16 * MAX_QUEUE_LIMIT);
  const request = Object.freeze({
    path: options.target.httpPath,
    host: options.target.httpHost,
    ...options.request,
  });
  return Object.freeze({
    target: Object.freeze({ ...options.target, address: Object.freeze({ ...options.target.address }) }),
    arrival,
    ratePerSec,
    connectionCount,
    threadCount,
    durationNs,
    warmupNs,
    timeoutNs,
    seed,
    queueLimit,
    request,
  });
}

function checkRate(arrival: ArrivalName, ratePerSec: number | null, durationNs: number): void {
  if (!ARRIVALS[arrival].openLoop) {
    if (ratePerSec === null) return;
    throw new LoopscopeError(
      'USAGE',
      '--rate: a closed loop has no rate',
      'leave it out, or choose --arrival poisson',
    );
  }
  if (ratePerSec === null) {
    throw new LoopscopeError('USAGE', `--arrival ${arrival} needs --rate`, 'add for instance --rate 2000');
  }
  if (!(ratePerSec > 0 && ratePerSec <= MAX_RATE_PER_SEC)) {
    throw new LoopscopeError(
      'USAGE',
      `--rate: ${ratePerSec} is not between 0 and ${MAX_RATE_PER_SEC} per second`,
    );
  }
  if (plannedCount(ratePerSec, durationNs) < 1) {
    throw new LoopscopeError(
      'USAGE',
      `--rate: ${ratePerSec} per second makes no request due within --duration`,
      'raise either',
    );
  }
}

function defaultQueueLimit(ratePerSec: number | null): number {
  const wanted = Math.ceil((ratePerSec ?? 0) * QUEUE_SECONDS);
  return Math.min(MAX_QUEUE_LIMIT, Math.max(MIN_QUEUE_LIMIT, wanted));
}

function within(option: string, value: number, min: number, max: number, unit = ''): void {
  if (!(value >= min && value <= max)) {
    throw new LoopscopeError('USAGE', `${option}: ${value}${unit} is not from ${min} to ${max}${unit}`);
  }
}

function whole(option: string, value: number, min: number, max: number): void {
  if (!Number.isInteger(value))
    throw new LoopscopeError('USAGE', `${option}: ${value} is not a whole number`);
  within(option, value, min, max);
}
