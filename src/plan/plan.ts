/** What is to be sent, to whom, when and for how long: checked once, then frozen. */
import type { Address } from '../base/address.ts';
import { LoopscopeError } from '../base/errors.ts';
import { NS_PER_S } from '../base/units.ts';
import { DEFAULT_FRAME_FORMAT, type RequestOptions } from '../wire/codec.ts';
import { CODECS } from '../wire/registry.ts';
import { ARRIVALS } from './arrivals/registry.ts';
import { createPlanSchedule } from './arrivals/schedule.ts';
import { stageTotals } from './arrivals/stages.ts';
import { checkCounts, checkRate, checkSources, checkThinkTime, within } from './plan-limits.ts';
import type { Plan, PlanOptions } from './plan-options.ts';
import { forwardOptions } from './proxy.ts';
import { type EncodedRequests, encodeRequests, plainRequest } from './requests/requests.ts';

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
  const requestLimit = options.requestLimit ?? null;
  // Of requests that are counted, each counts.
  const defaultWarmupNs = requestLimit === null ? Math.min(NS_PER_S, Math.round(durationNs / 10)) : 0;
  const warmupNs = options.warmupNs ?? defaultWarmupNs;
  if (!(warmupNs >= 0 && warmupNs < durationNs)) {
    throw new LoopscopeError('USAGE', '--warmup: must be shorter than --duration', 'try --warmup 0s');
  }
  const queueLimit = options.queueLimit ?? defaultQueueLimit(totals?.peakRatePerSec ?? ratePerSec);
  within('queueLimit', queueLimit, 1, 16 * MAX_QUEUE_LIMIT, { whole: true });
  const { target } = options;
  const codec = options.codec ?? (target.protocol === 'http' ? 'http1' : 'frame');
  const frame = Object.freeze({ ...(options.frame ?? options.request?.frame ?? DEFAULT_FRAME_FORMAT) });
  const proxy = options.proxy ?? null;
  const forward = forwardOptions(proxy, target);
  const request = Object.freeze({
    path: target.httpPath,
    host: target.httpHost,
    frame,
    ...(forward && { forward }),
    ...options.request,
  });
  const plan: Plan = Object.freeze({
    target: Object.freeze({ ...target, address: Object.freeze({ ...target.address }) }),
    arrival: options.arrival,
    arrivalParams: Object.freeze({ ...options.arrivalParams }),
    ratePerSec,
    stages: stages && Object.freeze(stages.map((stage) => Object.freeze({ ...stage }))),
    connectionCount: options.connectionCount,
    threadCount: options.threadCount,
    durationNs,
    requestLimit,
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
    addresses: options.addresses ?? 'first',
    sourceAddresses: checkSources(options.sourceAddresses ?? [], (proxy ?? target).address.kind),
    proxy: proxy && Object.freeze({ ...proxy, address: Object.freeze({ ...proxy.address }) }),
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

/** Where the plan's connections go: to its proxy, or else to its target. */
export function peerAddress({ proxy, target }: Pick<Plan, 'proxy' | 'target'>): Address {
  return (proxy ?? target).address;
}
