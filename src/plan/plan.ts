/** What is to be sent, to whom, when and for how long: checked once, then frozen. */
import type { Target } from '../base/address.ts';
import { LoopscopeError } from '../base/errors.ts';
import { NS_PER_S } from '../base/units.ts';
import { DEFAULT_FRAME_FORMAT, type FrameFormat, type RequestOptions } from '../wire/codec.ts';
import { CODECS } from '../wire/registry.ts';
import type { ArrivalParams } from './parameters.ts';
import { checkCounts, checkRate, checkSources, checkThinkTime, within } from './plan-limits.ts';
import { ARRIVALS, type ArrivalName } from './registry.ts';
import { type EncodedRequests, encodeRequests, plainRequest } from './requests.ts';
import { createPlanSchedule } from './schedule.ts';
import { type Stage, stageTotals } from './stages.ts';
import type { ThinkTime } from './think-time.ts';

export type PlanOptions = {
  target: Target;
  arrival: ArrivalName;
  /** Of the arrival process; what is absent has its default. */
  arrivalParams?: ArrivalParams;
  /** Null in a closed loop and with stages, and only there. */
  ratePerSec: number | null;
  /** Rates that follow one another; their times add up to the run's, whatever `durationNs` says. */
  stages?: readonly Stage[] | null;
  connectionCount: number;
  threadCount: number;
  durationNs: number;
  /** Default: a tenth of the duration, at most 1 s. */
  warmupNs?: number;
  timeoutNs: number;
  seed: number;
  /** Most requests due and waiting for a free connection, over all threads. Default: ten seconds' worth. */
  queueLimit?: number;
  /** A name of CODECS or the absolute path of a user's codec. Default: http1 for HTTP targets, else frame. */
  codec?: string;
  /** Of length-framed protocols. */
  frame?: FrameFormat;
  /** Method, headers and body of the one request of a plain run; path and host default to the target's. */
  request?: RequestOptions;
  /** What is sent, made beforehand with encodeRequests(). Default: `request`, again and again. */
  requests?: EncodedRequests;
  /** Closed loop only: the pause of a connection between a reply and its next request. */
  thinkTime?: ThinkTime | null;
  /** Requests that a connection may have under way at once. Default 1. */
  pipelineDepth?: number;
  /** A connection is closed and opened anew after so many. Default null: never. */
  requestsPerConnection?: number | null;
  /** How fast connections are opened. Default null: all at once. */
  connectionsPerSec?: number | null;
  /** Default: the reply timeout, at most 3 s. */
  connectTimeoutNs?: number;
  /** Local addresses that connections take turns to use. Default: none, the kernel chooses. */
  sourceAddresses?: readonly string[];
};

export type Plan = Readonly<Required<Omit<PlanOptions, 'request'>> & { request: Readonly<RequestOptions> }>;

const MIN_QUEUE_LIMIT = 1024;
const MAX_QUEUE_LIMIT = 1_000_000;
const QUEUE_SECONDS = 10;
const DEFAULT_CONNECT_TIMEOUT_NS = 3 * NS_PER_S;

/** Checks options against each other and fills in what follows from them. Throws USAGE naming the option at fault. */
export function createPlan(options: PlanOptions): Plan {
  const stages = options.stages ?? null;
  const totals = stages && stageTotals(stages);
  const durationNs = totals?.durationNs ?? options.durationNs;
  const ratePerSec = totals?.meanRatePerSec ?? options.ratePerSec;
  checkCounts({ ...options, durationNs });
  checkRate({ ...options, durationNs });
  const warmupNs = options.warmupNs ?? Math.min(NS_PER_S, Math.round(durationNs / 10));
  if (!(warmupNs >= 0 && warmupNs < durationNs)) {
    throw new LoopscopeError('USAGE', '--warmup: must be shorter than --duration', 'try --warmup 0s');
  }
  const queueLimit = options.queueLimit ?? defaultQueueLimit(totals?.peakRatePerSec ?? ratePerSec);
  within('queueLimit', queueLimit, 1, 16 * MAX_QUEUE_LIMIT, { whole: true });
  const { target } = options;
  const codec = options.codec ?? (target.protocol === 'http' ? 'http1' : 'frame');
  const frame = Object.freeze({ ...(options.frame ?? options.request?.frame ?? DEFAULT_FRAME_FORMAT) });
  const request = Object.freeze({ path: target.httpPath, host: target.httpHost, frame, ...options.request });
  const plan: Plan = Object.freeze({
    target: Object.freeze({ ...target, address: Object.freeze({ ...target.address }) }),
    arrival: options.arrival,
    arrivalParams: Object.freeze({ ...options.arrivalParams }),
    ratePerSec,
    stages: stages && Object.freeze(stages.map((stage) => Object.freeze({ ...stage }))),
    connectionCount: options.connectionCount,
    threadCount: options.threadCount,
    durationNs,
    warmupNs,
    timeoutNs: options.timeoutNs,
    seed: options.seed,
    queueLimit,
    codec,
    frame,
    request,
    requests: options.requests ?? encodePlain(codec, request),
    thinkTime: checkThinkTime(options.thinkTime ?? null, options.arrival),
    pipelineDepth: options.pipelineDepth ?? 1,
    requestsPerConnection: options.requestsPerConnection ?? null,
    connectionsPerSec: options.connectionsPerSec ?? null,
    connectTimeoutNs: options.connectTimeoutNs ?? Math.min(DEFAULT_CONNECT_TIMEOUT_NS, options.timeoutNs),
    sourceAddresses: checkSources(options.sourceAddresses ?? [], target.address.kind),
  });
  // A schedule that cannot be made is refused here, and not in each thread.
  createPlanSchedule(plan);
  return plan;
}

function encodePlain(codecName: string, request: RequestOptions): EncodedRequests {
  const codec = CODECS.find(({ name }) => name === codecName);
  if (codec) return encodeRequests(codec, [plainRequest(request)]);
  throw new LoopscopeError(
    'USAGE',
    `--codec: "${codecName}" is none of ${CODECS.map(({ name }) => name).join(', ')}`,
    'with a codec of your own, give the plan its requests: encodeRequests(await loadCodec(path), …)',
  );
}

function defaultQueueLimit(ratePerSec: number | null): number {
  const wanted = Math.ceil((ratePerSec ?? 0) * QUEUE_SECONDS);
  return Math.min(MAX_QUEUE_LIMIT, Math.max(MIN_QUEUE_LIMIT, wanted));
}

/** True when requests follow a schedule, false when each waits for the reply before it. */
export function isOpenLoop(plan: Pick<Plan, 'arrival'>): boolean {
  return ARRIVALS[plan.arrival].openLoop;
}
