import { basename } from 'node:path';
import { printable } from '../base/printable.ts';
import { formatArrival } from '../plan/arrivals/arrival-spec.ts';
import { formatStage, type Stage, stageSpans } from '../plan/arrivals/stages.ts';
import { peerAddress } from '../plan/plan.ts';
import type { Plan } from '../plan/plan-options.ts';
import type { LoadRecord, StageRecord } from '../record/load.ts';

const CODEC_NAME_LENGTH = 100;

/** The plan as a run keeps it. `codecName`: what the codec calls itself. */
export function planRecord(plan: Plan, codecName: string, backend: 'ring' | 'epoll'): LoadRecord['plan'] {
  return {
    target: plan.target.text,
    protocol: printable(codecName, CODEC_NAME_LENGTH),
    transport: peerAddress(plan).kind,
    arrival: plan.arrival,
    ratePerSec: plan.ratePerSec,
    connectionCount: plan.connectionCount,
    threadCount: plan.threadCount,
    durationNs: plan.durationNs,
    requestLimit: plan.requestLimit,
    warmupNs: plan.warmupNs,
    timeoutNs: plan.timeoutNs,
    seed: plan.seed,
    backend,
    arrivalSpec: formatArrival({ arrival: plan.arrival, params: plan.arrivalParams }),
    codec: codecText(plan),
    ...(plan.stages && { stages: stageRecords(plan.stages) }),
    pipelineDepth: plan.pipelineDepth,
    requestsPerConnection: plan.requestsPerConnection,
    connectionsPerSec: plan.connectionsPerSec,
    addresses: plan.addresses,
    thinkTime: plan.thinkTime,
    proxy: plan.proxy && { url: plan.proxy.text, isTunnel: plan.proxy.isTunnel },
  };
}

function stageRecords(stages: readonly Stage[]): StageRecord[] {
  return stageSpans(stages).map(({ fromNs, toNs }, i) => {
    const { fromRatePerSec, toRatePerSec } = stages[i]!;
    return { text: formatStage(stages[i]!), fromNs, toNs, fromRatePerSec, toRatePerSec };
  });
}

/** A user's codec by its file alone, without the folder: a report may leave the machine. */
function codecText(plan: Plan): string {
  return plan.codec.includes('/') ? basename(plan.codec) : plan.codec;
}
