// Goal: the JSON report is the documented contract, for every kind of run. Method: a strict schema, the document's own
// list of keys, and hostile names.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import * as v from 'valibot';
import { CULPRITS } from '../../diagnose/finding.ts';
import { sampleDiagnosis } from '../testing/sample-diagnosis.ts';
import type { SampleOptions } from '../testing/sample-options.ts';
import { sampleRun } from '../testing/sample-run.ts';
import { HOSTILE_NAMES } from '../testing/sample-stalls.ts';
import { jsonReporter } from './json.ts';

const ns = v.pipe(v.number(), v.minValue(0));
const share = v.pipe(v.number(), v.minValue(0), v.maxValue(1));
const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const text = v.string();
const evidence = v.strictObject({ metric: text, value: v.union([v.number(), text]), unit: text, text });
const finding = v.strictObject({
  culprit: v.picklist(CULPRITS),
  share,
  confidence: v.picklist(['high', 'medium', 'low']),
  headline: text,
  evidence: v.array(evidence),
  advice: v.array(text),
});
const selfVerdict = v.picklist(['PASS', 'WARN', 'VOID', 'SKIP']);
const time = v.picklist(['response', 'service', 'lateness']);
const quantile = v.picklist(['p50', 'p90', 'p99', 'p99.9', 'max']);
const range = v.nullable(
  v.pipe(
    v.strictTuple([ns, ns]),
    v.check(([low, high]) => low <= high),
  ),
);
const latency = v.strictObject({
  requests: count,
  unanswered: count,
  withheld: v.nullable(text),
  withheld_above: v.nullable(v.strictObject({ quantile: share, reason: text })),
  p50_ns: v.nullable(ns),
  p90_ns: v.nullable(ns),
  p99_ns: v.nullable(ns),
  p99_9_ns: v.nullable(ns),
  max_ns: v.nullable(ns),
  range_95: v.strictObject({ p50_ns: range, p90_ns: range, p99_ns: range, p99_9_ns: range }),
  at_least: v.array(quantile),
  too_few_requests_for: v.array(quantile),
});
const dispersion = { dispersion_1ms: ns, dispersion_10ms: ns, dispersion_100ms: ns };
const stack = { kernel: v.array(text), user: v.array(text), cut_because: v.nullable(text) };
const part = {
  group: v.picklist(['user', 'system', 'irq', 'steal', 'run_queue', 'blocked', 'unexplained']),
  what: text,
  detail: text,
  ns,
};

const outcomes = v.strictObject({
  planned: count,
  ok: count,
  wrong: count,
  error: count,
  timeout: count,
  unsent: count,
  unfinished: count,
});
const percentiles = v.strictObject({
  p50_ns: v.nullable(ns),
  p90_ns: v.nullable(ns),
  p99_ns: v.nullable(ns),
  p99_9_ns: v.nullable(ns),
  max_ns: v.nullable(ns),
});
const waitCounts = v.strictObject({
  all_taken: count,
  no_connection: count,
  client_away: count,
  suspended: count,
  predecessor: v.nullable(count),
});

const routeTimes = (value: v.GenericSchema<unknown, number>) =>
  v.strictObject({ p50_ns: v.nullable(value), p99_ns: v.nullable(value) });

const replay = v.strictObject({
  log: v.strictObject({
    sources: v.array(text),
    source_count: count,
    format: text,
    format_why: text,
    lines: count,
    requests: count,
    refused: v.array(
      v.strictObject({
        reason: text,
        count,
        first_lines: v.array(v.strictObject({ source: count, line: count })),
        example: text,
      }),
    ),
    left_out: v.array(v.strictObject({ reason: text, count })),
    unaccounted: v.literal(0),
    not_due: count,
    span_ns: v.nullable(ns),
    first_wall_ms: v.nullable(ns),
    remarks: v.array(text),
  }),
  clients: v.strictObject({
    session: v.picklist(['ip', 'ip+agent', 'ip:port', 'connection', 'header', 'none']),
    session_why: text,
    distinct: v.nullable(count),
    distinct_at_limit: v.boolean(),
    unknown: count,
    waited_for_predecessor: count,
    waited_share: share,
    moved_connection: count,
    out_of_order: count,
  }),
  schedule: v.strictObject({
    pace: v.picklist(['speed', 'rate', 'max']),
    speed: v.nullable(v.number()),
    rate_per_sec: v.nullable(v.number()),
    from: v.nullable(text),
    to: v.nullable(text),
    rounds: count,
    grain_ns: v.nullable(ns),
    spread: count,
    reorder_overflow: count,
    follow: v.nullable(
      v.strictObject({
        behind_ns: ns,
        behind_bytes: count,
        rotated: count,
        truncated: count,
        delay_ns: v.nullable(ns),
        overtaken: v.nullable(count),
      }),
    ),
  }),
  fidelity: v.nullable(
    v.strictObject({
      gaps: v.nullable(v.strictObject({ ks_distance: share, tolerance_ns: ns, mean_asked_ns: ns, count })),
      dispersion: v.array(
        v.strictObject({
          window_ms: v.picklist([1, 10, 100]),
          asked: ns,
          sent: ns,
          ratio: v.nullable(v.number()),
        }),
      ),
      lag: v.nullable(v.strictObject({ final_ns: ns, largest_ns: ns, schedule_ns: ns })),
    }),
  ),
  starved: v.strictObject({ requests: count, longest_ns: ns }),
  routes: v.array(
    v.strictObject({
      name: text,
      requests: count,
      logged: routeTimes(ns),
      replayed: routeTimes(ns),
      difference: routeTimes(v.number()),
    }),
  ),
  statuses: v.strictObject({
    as_logged: count,
    otherwise: count,
    not_logged: count,
    matrix: v.array(v.strictObject({ logged: v.nullable(count), came: count, count })),
  }),
  sizes: v.strictObject({
    equal: count,
    larger: count,
    smaller: count,
    unknown: count,
    more_bytes: count,
    fewer_bytes: count,
    filled_requests: count,
  }),
  rates: v.array(v.strictObject({ start_ns: ns, duration_ns: ns, due: count, answered: count })),
});

const load = v.strictObject({
  plan: v.strictObject({
    target: text,
    protocol: text,
    transport: v.picklist(['tcp', 'unix']),
    arrival: v.picklist(['constant', 'poisson', 'gamma', 'jitter', 'onoff', 'synced', 'closed', 'replay']),
    rate_per_sec: v.nullable(v.number()),
    connections: count,
    threads: count,
    duration_ns: ns,
    requests: v.nullable(count),
    warmup_ns: ns,
    timeout_ns: ns,
    seed: v.number(),
    backend: v.picklist(['ring', 'epoll']),
    spin: v.boolean(),
    arrival_spec: text,
    codec: text,
    stages: v.array(text),
    pipeline_depth: count,
    requests_per_connection: v.nullable(count),
    connections_per_sec: v.nullable(v.number()),
    addresses: v.picklist(['first', 'all']),
    think_time: v.nullable(v.strictObject({ mean_ns: ns, jitter_ns: ns })),
    proxy: v.nullable(v.strictObject({ url: text, tunnel: v.boolean() })),
  }),
  duration_ns: ns,
  stopped_early: v.nullable(text),
  counts: v.strictObject({
    planned: count,
    ok: count,
    wrong: count,
    error: count,
    timeout: count,
    unsent: count,
    unfinished: count,
    unaccounted: v.literal(0),
  }),
  answered_per_sec: v.number(),
  errors_by_kind: v.record(text, count),
  wrong_by_reason: v.record(text, count),
  first_texts: v.record(text, text),
  status_counts: v.record(text, count),
  bytes_sent: count,
  bytes_received: count,
  connections: v.strictObject({
    opened: count,
    failed: count,
    reopened: count,
    closed_by_peer: count,
    late_replies: count,
    unasked: v.nullable(count),
    closed_idle: v.nullable(count),
    sent_again: v.nullable(count),
    held: v.nullable(count),
    turned_away: v.nullable(count),
    refusal: v.nullable(text),
    failed_by_errno: v.record(text, count),
    tunnels: v.nullable(
      v.strictObject({
        opened: count,
        handshake_mean_ns: v.nullable(ns),
        handshake_max_ns: v.nullable(ns),
        refusal: v.nullable(text),
      }),
    ),
  }),
  waits: v.nullable(
    v.strictObject({
      late: waitCounts,
      unsent: waitCounts,
      longest_absence: v.nullable(v.strictObject({ from_ns: ns, to_ns: ns })),
      longest_silence: v.nullable(v.strictObject({ from_ns: ns, to_ns: ns })),
      suspended_ns: ns,
    }),
  ),
  outages: v.array(
    v.strictObject({
      from_ns: ns,
      to_ns: v.nullable(ns),
      closed: count,
      refused: count,
      errno: text,
    }),
  ),
  addresses: v.array(v.strictObject({ address: text, error: v.nullable(text) })),
  in_flight: v.strictObject({ mean: v.number(), max: count, limit: count }),
  latency: v.strictObject({ response: latency, service: latency, lateness: latency }),
  stages: v.array(
    v.strictObject({
      stage: text,
      from_ns: ns,
      to_ns: ns,
      from_rate_per_sec: v.number(),
      to_rate_per_sec: v.number(),
      measured_ns: ns,
      counts: outcomes,
      due_per_sec: v.nullable(v.number()),
      answered_per_sec: v.nullable(v.number()),
      response: percentiles,
    }),
  ),
  kinds: v.array(v.strictObject({ name: text, share, counts: outcomes, response: percentiles })),
  replay: v.nullable(replay),
  network: v.nullable(
    v.strictObject({
      listen_overflows: v.nullable(count),
      listen_drops: v.nullable(count),
      request_queue_full_drops: v.nullable(count),
      syn_retransmits: v.nullable(count),
      segments_retransmitted: v.nullable(count),
      time_wait_sockets: v.nullable(count),
      local_ports: v.nullable(count),
    }),
  ),
  arrivals: v.strictObject({
    sent: count,
    mean_rate_per_sec: v.number(),
    ...dispersion,
    short_gap_share: v.nullable(share),
    short_gap_share_if_poisson: v.nullable(share),
    max_in_1ms: count,
    planned: v.nullable(v.strictObject(dispersion)),
  }),
  client: v.strictObject({
    wall_ns: ns,
    threads: v.array(
      v.strictObject({
        tid: count,
        user_ns: ns,
        system_ns: ns,
        run_queue_ns: ns,
        spin_ns: ns,
        waits: count,
        events: count,
      }),
    ),
    throttled_ns: v.nullable(ns),
    timer_oversleep_p50_ns: ns,
    timer_oversleep_p99_ns: ns,
    gc_pause_ns: ns,
  }),
});

const observation = v.strictObject({
  tier: v.picklist(['bpf', 'proc']),
  duration_ns: ns,
  budget_ns: ns,
  stalls: v.strictObject({
    count,
    work: count,
    wait: count,
    wall_ns: ns,
    account: v.strictObject({
      user_ns: ns,
      system_ns: ns,
      irq_ns: ns,
      steal_ns: ns,
      run_queue_ns: ns,
      blocked_ns: ns,
      unexplained_ns: ns,
    }),
    parts: v.array(v.strictObject({ ...part, share })),
    longest: v.pipe(
      v.array(
        v.strictObject({
          loop: count,
          kind: v.picklist(['work', 'wait']),
          start_ns: ns,
          wall_ns: ns,
          events: count,
          parts: v.array(v.strictObject(part)),
          minor_faults: count,
          major_faults: count,
          reclaim_ns: ns,
          dirty_pause_ns: ns,
          samples: v.array(v.strictObject({ count, ...stack })),
          blocked: v.array(
            v.strictObject({
              call: text,
              ns,
              waker: v.nullable(v.strictObject({ pid: count, comm: text })),
              ...stack,
            }),
          ),
        }),
      ),
      v.maxLength(20),
    ),
  }),
  loops: v.array(
    v.strictObject({
      loop: count,
      pid: count,
      tid: count,
      comm: text,
      wait_call: v.nullable(text),
      cpus_allowed: text,
      cgroup: text,
      cpu_quota: v.nullable(v.number()),
      cycles: count,
      cycles_per_sec: v.nullable(v.number()),
      work_p50_ns: v.nullable(ns),
      work_p99_ns: v.nullable(ns),
      work_max_ns: v.nullable(ns),
      events_per_wake_up: v.nullable(v.number()),
      busy_share: share,
      cpu_share: share,
      run_queue_ns: ns,
      stalls: count,
      stalled_ns: ns,
      accepts: count,
      accepts_first_eagain: count,
      blocked_share: v.nullable(share),
    }),
  ),
  ran_instead: v.array(
    v.strictObject({
      pid: count,
      comm: text,
      command_line: text,
      kernel_thread: v.boolean(),
      role: v.picklist(['loopscope', 'watched', 'other']),
      ns,
      share,
      stalls: count,
    }),
  ),
  cost: v.strictObject({
    own_cpu_ns: ns,
    wall_ns: ns,
    probe_cpus: v.nullable(v.number()),
    probe_sampled_share: share,
    armed_ns: ns,
    tier_changes: v.array(v.strictObject({ at_ns: ns, tier: text, why: text })),
  }),
  losses: v.strictObject({
    ring_buffer_drops: count,
    map_full_drops: count,
    stalls_not_kept: count,
    decode_errors: count,
    stacks_not_kept: count,
    addresses_not_named: count,
  }),
});

const report = v.strictObject({
  schema: v.literal('loopscope-report'),
  schema_version: v.literal(1),
  loopscope_version: text,
  mode: v.picklist(['load', 'watch', 'doctor']),
  complete: v.boolean(),
  verdict: finding,
  contributors: v.array(finding),
  suspects_cleared: v.array(v.strictObject({ culprit: v.picklist(CULPRITS), why: text })),
  evidence: v.array(evidence),
  self: v.strictObject({
    verdict: selfVerdict,
    checks: v.array(
      v.strictObject({
        name: text,
        verdict: selfVerdict,
        value: v.nullable(v.number()),
        unit: text,
        limit: v.nullable(v.number()),
        text,
        spoils: v.array(time),
        spoils_from: v.optional(share),
      }),
    ),
    could_not_see: v.array(text),
  }),
  thresholds: v.array(
    v.strictObject({
      text,
      outcome: v.picklist(['held', 'crossed', 'unjudged']),
      failed: v.boolean(),
      value: v.nullable(v.number()),
      unit: text,
      limit: v.number(),
      at_least: v.boolean(),
      low: v.nullable(v.number()),
      high: v.nullable(v.number()),
      why: text,
    }),
  ),
  find_limit: v.nullable(
    v.strictObject({
      ended: text,
      rate_per_sec: v.nullable(v.number()),
      fails_at_per_sec: v.nullable(v.number()),
      relative_width: v.nullable(v.number()),
      why: text,
      steps: v.array(
        v.strictObject({
          rate_per_sec: v.number(),
          outcome: v.picklist(['held', 'failed', 'client', 'unjudged']),
          achieved_share: v.number(),
          self: text,
          why: text,
          goals: v.array(
            v.strictObject({
              text,
              value: v.nullable(v.number()),
              unit: text,
              limit: v.number(),
              at_least: v.boolean(),
            }),
          ),
        }),
      ),
    }),
  ),
  load: v.nullable(load),
  observation: v.nullable(observation),
  environment: v.strictObject({
    kernel_release: text,
    arch: text,
    cpu_model: text,
    cpu_count: count,
    memory_bytes: count,
    hypervisor: v.nullable(text),
    host_name: v.nullable(text),
    clock_source: text,
    node_version: text,
    effective_uid: count,
  }),
  capabilities: v.array(v.strictObject({ name: text, available: v.boolean(), reason: text, hides: text })),
  run: v.strictObject({
    command: v.array(text),
    started_at: v.pipe(text, v.isoTimestamp()),
    watched_pids: v.array(count),
    file: v.nullable(text),
  }),
});

const CASES: [name: string, options: SampleOptions][] = [
  ['doctor', {}],
  ['doctor on fsync with unanswered requests', { scenario: 'fsync', unanswered: 40 }],
  ['load alone', { mode: 'load' }],
  ['watch through /proc, cut short', { mode: 'watch', tier: 'proc', complete: false }],
  ['hostile names', { hostile: true, scenario: 'fsync' }],
  ['a replay', { mode: 'load', replay: true, scenario: 'healthy' }],
];

function render(options: SampleOptions, voidRun = false): string {
  const run = sampleRun({ seconds: 8, ...options });
  const diagnosis = sampleDiagnosis(run, {
    voidRun,
    ...(options.scenario && { scenario: options.scenario }),
  });
  return jsonReporter.render(run, diagnosis, { colour: false, columns: null, runFile: 'a.loopscope' });
}

for (const [name, options] of CASES) {
  test(`the report of a run is what the schema says: ${name}`, () => {
    v.parse(report, JSON.parse(render(options)));
  });
}

test('the numbers are the run’s own', () => {
  const run = sampleRun({ seconds: 8 });
  const out = v.parse(report, JSON.parse(render({})));
  assert.equal(out.load!.counts.planned, run.load!.counts.planned);
  assert.equal(out.observation!.stalls.count, run.observation!.stalls.length);
  const { response } = out.load!.latency;
  assert.ok(response.p50_ns! < response.p90_ns! && response.p90_ns! < response.p99_ns!);
  assert.ok(response.p99_ns! < response.p99_9_ns! && response.p99_9_ns! < response.max_ns!);
  const account = Object.values(out.observation!.stalls.account).reduce((sum, value) => sum + value, 0);
  assert.ok(Math.abs(account / out.observation!.stalls.wall_ns - 1) < 1e-6);
});

test('what a VOID check spoils is null, with the reason beside it', () => {
  const { latency: times } = v.parse(report, JSON.parse(render({}, true))).load!;
  assert.equal(times.response.withheld, 'VOID: client-cpu');
  assert.equal(times.response.p99_ns, null);
  assert.deepEqual(times.response.too_few_requests_for, []);
});

test('a mix: each kind with its own books, and what the network stack counted', () => {
  const { kinds, network, counts } = v.parse(report, JSON.parse(render({ kinds: true }))).load!;
  assert.deepEqual(
    kinds.map(({ name }) => name),
    ['GET /search', '<b>POST</b> /orders'],
  );
  assert.ok(kinds[0]!.counts.planned < counts.planned, 'the warm-up is left out');
  assert.ok(kinds[0]!.response.p50_ns! > 0);
  assert.equal(network!.listen_overflows, 3);
});

test('a replay: its account, and routes beside the log', () => {
  const { replay: out, counts } = v.parse(report, JSON.parse(render({ mode: 'load', replay: true }))).load!;
  const { log, routes, statuses, rates } = out!;
  assert.equal(log.lines, log.requests + log.refused[0]!.count + log.left_out[0]!.count);
  assert.deepEqual([statuses.as_logged, statuses.otherwise], [19_990, 10]);
  const [known, unknown] = routes;
  assert.equal(known!.difference.p50_ns, known!.replayed.p50_ns! - known!.logged.p50_ns!);
  assert.ok(unknown!.replayed.p99_ns! > 0);
  assert.deepEqual([unknown!.logged.p99_ns, unknown!.difference.p99_ns], [null, null]);
  assert.equal(
    rates.reduce((sum, { due }) => sum + due, 0),
    counts.planned,
  );
});

test('a replay whose response times are withheld tells no difference', () => {
  const options: SampleOptions = { mode: 'load', replay: true };
  const { routes } = v.parse(report, JSON.parse(render(options, true))).load!.replay!;
  assert.ok(routes[0]!.logged.p50_ns! > 0);
  assert.deepEqual([routes[0]!.replayed.p50_ns, routes[0]!.difference.p50_ns], [null, null]);
});

test('stages: each with what was recorded while it lasted, the warm-up left out', () => {
  const run = sampleRun({ seconds: 10 });
  run.load!.plan.stages = [
    { text: '2000/4s', fromNs: 0, toNs: 4e9, fromRatePerSec: 2000, toRatePerSec: 2000 },
    { text: '2000/6s', fromNs: 4e9, toNs: 10e9, fromRatePerSec: 2000, toRatePerSec: 2000 },
  ];
  const options = { colour: false, columns: null, runFile: null };
  const text = jsonReporter.render(run, sampleDiagnosis(run, {}), options);
  const { stages, plan } = v.parse(report, JSON.parse(text)).load!;
  assert.deepEqual(plan.stages, ['2000/4s', '2000/6s']);
  const warmupSec = run.load!.plan.warmupNs / 1e9;
  assert.deepEqual(
    stages.map((stage) => Math.round(stage.measured_ns / 1e9)),
    [4 - warmupSec, 6],
  );
  for (const stage of stages) assert.ok(Math.abs(stage.due_per_sec! / 2000 - 1) < 0.1);
  assert.ok(stages[1]!.response.p99_ns! > 0);
});

test('a tail that is no measurement is withheld above its quantile, by name', () => {
  const run = sampleRun({ seconds: 10 });
  const diagnosis = sampleDiagnosis(run, {});
  const check = { ...diagnosis.self.checks[0]!, name: 'lateness', verdict: 'WARN' as const };
  diagnosis.self.checks.push({ ...check, spoils: ['response'], spoilsFrom: 0.99 });
  const json = jsonReporter.render(run, diagnosis, { colour: false, columns: null, runFile: null });
  const { response, service } = v.parse(report, JSON.parse(json)).load!.latency;
  assert.deepEqual(response.withheld_above, { quantile: 0.99, reason: 'lateness' });
  assert.ok(response.p99_ns! > 0);
  assert.equal(response.p99_9_ns, null);
  assert.equal(response.max_ns, null);
  assert.deepEqual(response.too_few_requests_for, []);
  assert.equal(service.withheld_above, null);
  assert.ok(service.max_ns! > 0);
});

test('lower bounds are named', () => {
  const { latency: times } = v.parse(report, JSON.parse(render({ unanswered: 40 }))).load!;
  assert.deepEqual(times.response.at_least, ['p99.9', 'max']);
  assert.deepEqual(times.lateness.at_least, []);
});

test('hostile names arrive whole, and cannot steer the terminal that shows them', () => {
  const json = render({ hostile: true, scenario: 'fsync' });
  assert.doesNotMatch(json, /[^\P{Cc}\n]|\p{Bidi_Control}/u);
  const out = v.parse(report, JSON.parse(json));
  assert.equal(out.observation!.loops[0]!.comm, HOSTILE_NAMES[0]);
  assert.ok(json.includes('\\u202e'));
});

test('every key is in the reference, and the reference names no other', () => {
  const reference = readFileSync(new URL('../../../docs/reference/report-json.md', import.meta.url), 'utf8');
  const documented = [...reference.matchAll(/^\| `([a-z0-9_.[\]]+)` \|/gm)].map((row) => row[1]!);
  assert.deepEqual(documented.toSorted(), [...new Set(keysOf(report, ''))].toSorted());
});

/** "load.counts.ok", "contributors[].share": what the schema holds, as the reference writes it. */
function keysOf(schema: unknown, prefix: string): string[] {
  const node = schema as {
    type: string;
    entries?: object;
    item?: unknown;
    wrapped?: unknown;
    pipe?: unknown[];
  };
  if (node.pipe) return keysOf({ ...node, pipe: undefined }, prefix);
  if (node.type === 'nullable') return keysOf(node.wrapped, prefix);
  if (node.type === 'array') return keysOf(node.item, `${prefix}[]`);
  if (node.type === 'strict_tuple') return [`${prefix}[]`];
  if (node.type !== 'strict_object') return [prefix];
  return Object.entries(node.entries!).flatMap(([key, inner]) => {
    const path = prefix === '' ? key : `${prefix}.${key}`;
    // The verdict has a document of its own, and the three times have the same keys.
    if (
      /^(verdict|contributors|suspects_cleared|evidence|self|load\.latency\.(service|lateness))$/.test(path)
    ) {
      return [path];
    }
    return keysOf(inner, path);
  });
}
