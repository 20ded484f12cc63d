import type { Diagnosis } from '../../diagnose/finding.ts';
import type {
  LoadRecord,
  OutcomeCounts,
  SpanRecord,
  TunnelRecord,
  WaitCounts,
  WaitRecord,
} from '../../record/load.ts';
import { type KindRow, kindRows } from '../model/kinds.ts';
import { isSpoilt, type LatencyRow, latencyRows, QUANTILES } from '../model/latency.ts';
import { answeredPerSec, unaccountedCount } from '../model/load-summary.ts';
import { type StageRow, stageRows } from '../model/stages.ts';
import { replayObject } from './replay-object.ts';

export function loadObject(load: LoadRecord, diagnosis: Diagnosis) {
  const { plan, counts, connections, arrivals, client } = load;
  return {
    plan: {
      target: plan.target,
      protocol: plan.protocol,
      transport: plan.transport,
      arrival: plan.arrival,
      rate_per_sec: plan.ratePerSec,
      connections: plan.connectionCount,
      threads: plan.threadCount,
      duration_ns: plan.durationNs,
      requests: plan.requestLimit ?? null,
      warmup_ns: plan.warmupNs,
      timeout_ns: plan.timeoutNs,
      seed: plan.seed,
      backend: plan.backend,
      spin: plan.spin ?? false,
      arrival_spec: plan.arrivalSpec ?? plan.arrival,
      codec: plan.codec ?? plan.protocol,
      stages: plan.stages?.map(({ text }) => text) ?? [],
      pipeline_depth: plan.pipelineDepth ?? 1,
      requests_per_connection: plan.requestsPerConnection ?? null,
      connections_per_sec: plan.connectionsPerSec ?? null,
      addresses: plan.addresses ?? 'first',
      proxy: plan.proxy ? { url: plan.proxy.url, tunnel: plan.proxy.isTunnel } : null,
      think_time: plan.thinkTime
        ? { mean_ns: plan.thinkTime.meanNs, jitter_ns: plan.thinkTime.jitterNs }
        : null,
    },
    duration_ns: load.endNs - load.startNs,
    stopped_early: load.stoppedEarly,
    counts: {
      planned: counts.planned,
      ok: counts.ok,
      wrong: counts.wrong,
      error: counts.error,
      timeout: counts.timeout,
      unsent: counts.unsent,
      unfinished: counts.unfinished,
      unaccounted: unaccountedCount(counts),
    },
    answered_per_sec: answeredPerSec(load),
    errors_by_kind: load.errorsByKind,
    wrong_by_reason: load.wrongByReason ?? {},
    first_texts: load.firstTexts ?? {},
    status_counts: load.statusCounts,
    bytes_sent: load.bytesSent,
    bytes_received: load.bytesReceived,
    connections: {
      opened: connections.opened,
      failed: connections.failed,
      reopened: connections.reopened,
      closed_by_peer: connections.closedByPeer,
      late_replies: connections.lateReplies,
      unasked: connections.unasked ?? null,
      closed_idle: connections.closedIdle ?? null,
      sent_again: connections.sentAgain ?? null,
      held: load.supply?.held ?? null,
      turned_away: load.supply?.turnedAway ?? null,
      refusal: load.supply?.refusal ?? null,
      failed_by_errno: load.supply?.failedByErrno ?? {},
      tunnels: load.supply?.tunnels ? tunnelsObject(load.supply.tunnels) : null,
    },
    waits: load.waits ? waitsObject(load.waits) : null,
    outages: (load.outages ?? []).map(({ fromNs, toNs, closed, refused, errno }) => ({
      from_ns: fromNs,
      to_ns: toNs,
      closed,
      refused,
      errno,
    })),
    addresses: (load.supply?.addresses ?? []).map(({ address, error }) => ({ address, error })),
    in_flight: { mean: load.inFlight.mean, max: load.inFlight.max, limit: load.inFlight.limit },
    latency: latencyObject(latencyRows(load, diagnosis)),
    stages: stageRows(load, diagnosis).map(stageObject),
    kinds: kindRows(load, diagnosis).map(kindObject),
    replay: replayObject(load, diagnosis),
    network: load.network ? networkObject(load.network) : null,
    arrivals: {
      sent: arrivals.sentCount,
      mean_rate_per_sec: arrivals.meanRatePerSec,
      dispersion_1ms: arrivals.idc1ms,
      dispersion_10ms: arrivals.idc10ms,
      dispersion_100ms: arrivals.idc100ms,
      // Gaps are not recorded in a closed loop.
      short_gap_share: arrivals.planned && arrivals.shortGapShare,
      short_gap_share_if_poisson: arrivals.planned && arrivals.shortGapShareIfPoisson,
      max_in_1ms: arrivals.maxIn1ms,
      planned: arrivals.planned && {
        dispersion_1ms: arrivals.planned.idc1ms,
        dispersion_10ms: arrivals.planned.idc10ms,
        dispersion_100ms: arrivals.planned.idc100ms,
      },
    },
    client: {
      wall_ns: client.wallNs,
      threads: client.threads.map((thread) => ({
        tid: thread.tid,
        user_ns: thread.userNs,
        system_ns: thread.systemNs,
        run_queue_ns: thread.runDelayNs,
        spin_ns: thread.spinNs,
        waits: thread.waitCount,
        events: thread.eventCount,
      })),
      throttled_ns: client.throttledNs,
      timer_oversleep_p50_ns: client.timerOversleepNsP50,
      timer_oversleep_p99_ns: client.timerOversleepNsP99,
      gc_pause_ns: client.gcPauseNs,
    },
  };
}

function kindObject(kind: KindRow) {
  return {
    name: kind.name,
    share: kind.share,
    counts: countsObject(kind.counts),
    response: quantilesObject(kind.quantiles),
  };
}

function stageObject(row: StageRow) {
  const { text, fromNs, toNs, fromRatePerSec, toRatePerSec } = row.stage;
  return {
    stage: text,
    from_ns: fromNs,
    to_ns: toNs,
    from_rate_per_sec: fromRatePerSec,
    to_rate_per_sec: toRatePerSec,
    measured_ns: row.measuredNs,
    counts: countsObject(row.counts),
    due_per_sec: row.duePerSec,
    answered_per_sec: row.answeredPerSec,
    response: quantilesObject(row.quantiles),
  };
}

function countsObject({ planned, ok, wrong, error, timeout, unsent, unfinished }: OutcomeCounts) {
  return { planned, ok, wrong, error, timeout, unsent, unfinished };
}

function quantilesObject(quantiles: KindRow['quantiles']) {
  return {
    p50_ns: quantiles.p50?.ns ?? null,
    p90_ns: quantiles.p90?.ns ?? null,
    p99_ns: quantiles.p99?.ns ?? null,
    p99_9_ns: quantiles['p99.9']?.ns ?? null,
    max_ns: quantiles.max?.ns ?? null,
  };
}

function tunnelsObject({ opened, handshakeNsMean, handshakeNsMax, refusal }: TunnelRecord) {
  return { opened, handshake_mean_ns: handshakeNsMean, handshake_max_ns: handshakeNsMax, refusal };
}

function networkObject(network: NonNullable<LoadRecord['network']>) {
  return {
    listen_overflows: network.listenOverflows,
    listen_drops: network.listenDrops,
    request_queue_full_drops: network.requestQueueFullDrops,
    syn_retransmits: network.synRetransmits,
    segments_retransmitted: network.retransSegs,
    time_wait_sockets: network.timeWaitSockets,
    local_ports: network.localPortCount,
  };
}

function latencyObject(rows: LatencyRow[]) {
  return Object.fromEntries(rows.map((row) => [row.kind, rowObject(row)]));
}

function rowObject(row: LatencyRow) {
  const ns = (name: LatencyQuantile) => row.quantiles[name]?.ns ?? null;
  const range = (name: LatencyQuantile) => {
    const known = row.ranges[name];
    return known && [known.lowNs, known.highNs];
  };
  return {
    requests: row.count,
    unanswered: row.censoredCount,
    withheld: row.withheld,
    withheld_above: row.withheldAbove && { quantile: row.withheldAbove.q, reason: row.withheldAbove.reason },
    p50_ns: ns('p50'),
    p90_ns: ns('p90'),
    p99_ns: ns('p99'),
    p99_9_ns: ns('p99.9'),
    max_ns: ns('max'),
    range_95: {
      p50_ns: range('p50'),
      p90_ns: range('p90'),
      p99_ns: range('p99'),
      p99_9_ns: range('p99.9'),
    },
    at_least: QUANTILES.filter(({ name }) => row.quantiles[name]?.atLeast).map(({ name }) => name),
    too_few_requests_for:
      row.withheld === null
        ? QUANTILES.filter(({ name, q }) => row.quantiles[name] === null && !isSpoilt(row, q)).map(
            ({ name }) => name,
          )
        : [],
  };
}

type LatencyQuantile = (typeof QUANTILES)[number]['name'];

function waitsObject({ late, unsent, longestAbsence, longestSilence, suspendedNs }: WaitRecord) {
  const counts = ({ allTaken, noConnection, clientAway, suspended, predecessor }: WaitCounts) => ({
    all_taken: allTaken,
    no_connection: noConnection,
    client_away: clientAway,
    suspended,
    predecessor: predecessor ?? null,
  });
  const span = (given: SpanRecord | null) => given && { from_ns: given.fromNs, to_ns: given.toNs };
  return {
    late: counts(late),
    unsent: counts(unsent),
    longest_absence: span(longestAbsence),
    longest_silence: span(longestSilence),
    suspended_ns: suspendedNs,
  };
}
