/** What a run is to be: as asked for, and checked and frozen. */
import type { Target } from '../base/address.ts';
import type { FrameFormat, RequestOptions } from '../wire/codec.ts';
import type { ArrivalName } from './arrivals/registry.ts';
import type { Stage } from './arrivals/stages.ts';
import type { ThinkTime } from './arrivals/think-time.ts';
import type { ArrivalParams } from './parameters.ts';
import type { ForwardProxy } from './proxy.ts';
import type { EncodedRequests } from './requests/requests.ts';

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
  /** The run ends when so many requests have their end, within the duration. Default null: time alone ends it. */
  requestLimit?: number | null;
  /** Default: a tenth of the duration, at most 1 s; none with `requestLimit`. */
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
  /** Of the addresses of the target's name: the first that answers, or all by turns. Default first. */
  addresses?: 'first' | 'all';
  /** Local addresses that connections take turns to use. Default: none, the kernel chooses. */
  sourceAddresses?: readonly string[];
  /** The forward proxy on the way, made with parseProxy(). `requests` made beforehand have its `forward` themselves. */
  proxy?: ForwardProxy | null;
};

export type Plan = Readonly<Required<Omit<PlanOptions, 'request'>> & { request: Readonly<RequestOptions> }>;
