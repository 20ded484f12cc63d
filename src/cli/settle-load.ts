/**
 * From flags to a load: options that belong together are put together, and those that contradict each other are refused
 * with both names, before anything is opened.
 */
import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import { parseTarget, type Target } from '../base/address.ts';
import { LoopscopeError } from '../base/errors.ts';
import { parseThresholds } from '../diagnose/thresholds/parse-thresholds.ts';
import type { Threshold } from '../diagnose/thresholds/threshold.ts';
import type { LoadChoices } from '../doctor.ts';
import { type ArrivalSpec, parseArrival } from '../plan/arrivals/arrival-spec.ts';
import { ARRIVALS } from '../plan/arrivals/registry.ts';
import { durationOfRequests } from '../plan/arrivals/schedule.ts';
import { parseStage } from '../plan/arrivals/stages.ts';
import { parseThinkTime } from '../plan/arrivals/think-time.ts';
import { parseHeader, parseMethod, parseSources } from '../plan/flags.ts';
import { type ForwardProxy, forwardOptions } from '../plan/proxy.ts';
import { type EncodedRequests, encodeRequests, plainRequest } from '../plan/requests/requests.ts';
import type { Codec, RequestOptions } from '../wire/codec.ts';
import { codecReference, loadCodec } from '../wire/custom/load-codec.ts';
import { refuseUnknownNames } from './check-thresholds.ts';
import { isGiven } from './flag-parsers.ts';
import type { ClientFlags, ConnectionFlags, LoadFlags } from './load-options.ts';
import { settleProxy } from './proxy/proxy-flags.ts';
import { readBody } from './read-body.ts';

export type SettledLoad = {
  choices: LoadChoices & { target: string; durationNs: number };
  /** What the scenario says the run must not be; its names are known to exist. */
  scenarioThresholds: readonly Threshold[];
};

/** What load() and doctor() take, all of it checked against the rest. Throws USAGE naming the options at fault. */
export async function settleLoad(
  targetText: string,
  flags: LoadFlags,
  given: Command,
  defaultRatePerSec: number | null = null,
): Promise<SettledLoad> {
  const target = parseTarget(targetText);
  const when = settleWhen(flags, given, defaultRatePerSec);
  const proxy = settleProxy(target, flags);
  const { scenarioThresholds = [], ...what } = await settleWhat(target, flags, when.seed, proxy);
  const choices = {
    target: targetText,
    ...when,
    ...what,
    ...settleConnections(target, flags),
    ...settleClient(flags),
  };
  return { choices, scenarioThresholds };
}

/** More threads that never sleep than CPUs would only be in each other's way. */
export function settleClient({ spin, threads, backend }: ClientFlags): LoadChoices {
  const cpuCount = availableParallelism();
  if (spin && threads > cpuCount) {
    contradiction(
      '--spin',
      `--threads ${threads}`,
      `there are ${cpuCount} CPUs for them`,
      'use fewer threads',
    );
  }
  return { threadCount: threads, backend, spin };
}

type When = Pick<
  Required<LoadChoices>,
  'arrival' | 'arrivalParams' | 'ratePerSec' | 'stages' | 'thinkTime' | 'seed' | 'requestLimit'
> & { durationNs: number; warmupNs?: number };

/** Which schedule: a rate, stages, or none, and how requests arrive. */
function settleWhen(flags: LoadFlags, given: Command, defaultRatePerSec: number | null): When {
  const stages = flags.stage.map((text) => parseStage(text));
  const staged = stages.length > 0;
  if (staged && flags.rate !== undefined) {
    contradiction('--rate', '--stage', 'each stage has a rate of its own', 'leave out --rate');
  }
  if (staged && isGiven(given, 'duration')) {
    contradiction('--duration', '--stage', 'the stages add up to the duration', 'leave out --duration');
  }
  if (staged && flags.requests !== undefined) {
    contradiction('--requests', '--stage', 'the stages say how long the run is', 'leave out one');
  }
  const { arrival, params } = settleArrival(flags, staged, defaultRatePerSec);
  const open = ARRIVALS[arrival].openLoop;
  if (flags.thinkTime !== undefined && open) {
    const other = staged
      ? '--stage'
      : flags.arrival !== undefined
        ? `--arrival ${arrival}`
        : flags.rate === undefined
          ? `--arrival ${arrival}, the default here,`
          : '--rate';
    contradiction(
      '--think-time',
      other,
      'with a schedule nobody waits for replies',
      `leave out one: a closed loop is --arrival closed`,
    );
  }
  const what = {
    arrival,
    arrivalParams: params,
    ratePerSec: staged || !open ? null : (flags.rate ?? defaultRatePerSec),
    stages: staged ? stages : null,
    seed: flags.seed,
  };
  const isCounted = flags.requests !== undefined && !isGiven(given, 'duration');
  const durationNs = isCounted
    ? durationOfRequests(flags.requests!, { ...what, connectionCount: flags.connections })
    : flags.duration;
  return {
    ...what,
    durationNs: staged ? stages.reduce((sum, stage) => sum + stage.durationNs, 0) : durationNs,
    requestLimit: flags.requests ?? null,
    thinkTime: flags.thinkTime === undefined ? null : parseThinkTime(flags.thinkTime),
    ...(flags.warmup !== undefined && { warmupNs: flags.warmup }),
  };
}

function settleArrival(
  flags: Pick<LoadFlags, 'arrival' | 'rate'>,
  staged: boolean,
  defaultRatePerSec: number | null,
): ArrivalSpec {
  const rated = staged || flags.rate !== undefined;
  if (flags.arrival === undefined) {
    return { arrival: rated || defaultRatePerSec !== null ? 'poisson' : 'closed', params: {} };
  }
  const spec = parseArrival(flags.arrival);
  const open = ARRIVALS[spec.arrival].openLoop;
  if (!open && rated) {
    contradiction(
      staged ? '--stage' : '--rate',
      `--arrival ${spec.arrival}`,
      'a closed loop has no rate: each connection sends when its last reply is in',
      `leave out one, or choose --arrival poisson`,
    );
  }
  if (open && !rated && defaultRatePerSec === null) {
    throw new LoopscopeError(
      'USAGE',
      `--arrival ${spec.arrival} needs --rate`,
      'add for instance --rate 2000',
    );
  }
  return spec;
}

type What = LoadChoices & { scenarioThresholds?: readonly Threshold[] };

/** Which bytes: a codec, and one request or a scenario's. */
async function settleWhat(
  target: Target,
  flags: LoadFlags,
  seed: number,
  proxy: ForwardProxy | null,
): Promise<What> {
  const name = flags.codec ?? (target.protocol === 'http' ? 'http1' : 'frame');
  // A name that nobody knows is told before what it would contradict.
  const reference = codecReference(name);
  const codec = await loadCodec(reference);
  const isHttp = /^http1(:|$)/.test(name);
  if (isHttp !== (target.protocol === 'http')) {
    contradiction(
      `--codec ${name}`,
      target.text,
      isHttp ? 'that target is not HTTP' : 'that target speaks HTTP',
      isHttp ? 'write http://host:port/ or unix+http:/path' : 'write tcp://host:port or unix:/path',
    );
  }
  if (flags.pipeline > 1 && !codec.pipelines) {
    contradiction(
      `--pipeline ${flags.pipeline}`,
      `--codec ${name}`,
      'its replies cannot be told apart when several are under way',
      'leave out --pipeline',
    );
  }
  for (const [option, value] of [
    ['--method', flags.method],
    ['--header', flags.header[0]],
  ] as const) {
    if (value !== undefined && !isHttp) {
      contradiction(
        option,
        `--codec ${name}`,
        'only HTTP has those',
        `leave out ${option}, or use an http:// target`,
      );
    }
  }
  const forward = forwardOptions(proxy, target);
  const base: RequestOptions = { path: target.httpPath, host: target.httpHost, ...(forward && { forward }) };
  if (flags.scenario !== undefined) {
    return { codec: reference, ...(await settleScenario(flags, codec, base)), request: base };
  }
  const request = { ...base, ...(await requestOf(flags, isHttp)) };
  return { codec: reference, requests: encodeRequests(codec, [plainRequest(request)], { seed }), request };
}

/** A scenario says everything about requests, so no other option may. */
async function settleScenario(
  flags: LoadFlags,
  codec: Codec,
  base: RequestOptions,
): Promise<Required<Pick<What, 'scenarioThresholds'>> & { requests: EncodedRequests }> {
  for (const [option, value] of [
    ['--method', flags.method],
    ['--header', flags.header[0]],
    ['--body', flags.body],
    ['--body-file', flags.bodyFile],
  ] as const) {
    if (value === undefined) continue;
    contradiction(
      option,
      '--scenario',
      'the scenario says what is sent',
      `leave out ${option}, or put it in the scenario`,
    );
  }
  const { loadScenario } = await import('../plan/scenario/load-scenario.ts');
  const { encodeScenario } = await import('../plan/scenario/compile.ts');
  const { scenario, where, readFile } = await loadScenario(flags.scenario!);
  const field = `${where}: failIf`;
  const scenarioThresholds = parseThresholds([scenario.failIf ?? []].flat(), field);
  const requests = encodeScenario(scenario, { codec, base, where, readFile, seed: flags.seed });
  refuseUnknownNames(scenarioThresholds, requests.kindNames, field);
  return { requests, scenarioThresholds };
}

async function requestOf(flags: LoadFlags, isHttp: boolean): Promise<RequestOptions> {
  const body = await readBody(flags);
  const method = flags.method !== undefined ? parseMethod(flags.method) : isHttp && body ? 'POST' : undefined;
  return {
    ...(method !== undefined && { method }),
    ...(flags.header.length > 0 && { headers: flags.header.map((line) => parseHeader(line)) }),
    ...(body && { body }),
  };
}

/** How many connections, from where, and for how long each. */
export function settleConnections(
  target: Target,
  flags: ConnectionFlags & Partial<Pick<LoadFlags, 'pipeline'>>,
): LoadChoices {
  const { pipeline = 1 } = flags;
  if (flags.source.length > 0 && target.address.kind === 'unix') {
    contradiction('--source', target.text, 'a Unix socket has no addresses', 'leave out --source');
  }
  if (flags.addresses === 'all' && target.address.kind === 'unix') {
    contradiction('--addresses all', target.text, 'a Unix socket has no addresses', 'leave out --addresses');
  }
  const perConnection = flags.requestsPerConnection;
  if (perConnection !== undefined && pipeline > perConnection) {
    contradiction(
      `--pipeline ${pipeline}`,
      `--requests-per-connection ${perConnection}`,
      'so many are never under way on one connection',
      `try --pipeline ${perConnection}`,
    );
  }
  return {
    proxy: settleProxy(target, flags),
    connectionCount: flags.connections,
    addresses: flags.addresses,
    timeoutNs: flags.timeout,
    pipelineDepth: pipeline,
    ...(perConnection !== undefined && { requestsPerConnection: perConnection }),
    ...(flags.connectionsPerSec !== undefined && { connectionsPerSec: flags.connectionsPerSec }),
    ...(flags.connectTimeout !== undefined && { connectTimeoutNs: flags.connectTimeout }),
    ...(flags.source.length > 0 && { sourceAddresses: flags.source.flatMap((text) => parseSources(text)) }),
  };
}

function contradiction(one: string, other: string, why: string, hint: string): never {
  throw new LoopscopeError('USAGE', `${one} and ${other} contradict each other: ${why}`, hint);
}
