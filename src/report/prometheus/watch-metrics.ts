/**
 * A watch as Prometheus metrics: base units, _total for counters, one histogram. Counters grow over the whole watch; a
 * loop that is gone leaves with its series. https://prometheus.io/docs/practices/naming
 */
import { Counter, Gauge, type Metric, Registry } from 'prom-client';
import { printable } from '../../base/printable.ts';
import { amount } from '../../diagnose/facts/numbers.ts';
import { CYCLE_BUCKET_COUNT, cycleBucketHigh } from '../../record/cycle-buckets.ts';
import type { LiveListener, ObserverStatus, OpenStall, OpenStallEnd } from '../../record/live.ts';
import type { CycleWindow, LoopRecord, ObserverLosses, Stall } from '../../record/observation.ts';
import { addAccounts, groupTotals, PART_GROUPS } from '../model/stall-account.ts';

const LABELS = ['pid', 'tid', 'name'] as const;
type Labels = Record<(typeof LABELS)[number], string>;

/** Bounds in seconds: each is the end of one of the kernel's own buckets, so that nothing has to be shared out. */
const BOUND_BUCKETS = Array.from({ length: CYCLE_BUCKET_COUNT }, (_, bucket) => bucket).filter(
  (bucket) => (bucket + 1) % 4 === 0 && cycleBucketHigh(bucket) >= 1024 && cycleBucketHigh(bucket) <= 2 ** 34,
);
export const WORK_BOUNDS_SEC = BOUND_BUCKETS.map((bucket) => cycleBucketHigh(bucket) / 1e9);

type WorkHistogram = { labels: Labels; counts: Float64Array; sumSec: number; count: number };

/** Each counter: its name and help, and what a window adds to it. */
const WINDOW_COUNTERS: [name: string, help: string, value: (window: CycleWindow) => number][] = [
  ['loopscope_loop_peeks_total', 'Waits with timeout 0 that found nothing.', (w) => w.peekCount],
  ['loopscope_loop_events_total', 'Events that waits returned.', (w) => w.eventCount],
  ['loopscope_loop_timeouts_total', 'Waits that ended by their timeout.', (w) => w.timeoutCount],
  ['loopscope_loop_wait_seconds_total', 'Time spent waiting for events.', (w) => w.waitNs / 1e9],
  ['loopscope_loop_accepts_total', 'Connections accepted.', (w) => w.acceptCount],
  [
    'loopscope_loop_accepts_first_eagain_total',
    'First accepts after a wake-up that found nothing: another worker was faster.',
    (w) => w.acceptFirstEagainCount,
  ],
  ['loopscope_loop_cpu_seconds_total', 'CPU time of the loop.', (w) => w.cpuNs / 1e9],
  [
    'loopscope_loop_run_queue_seconds_total',
    'Time it could have run and did not.',
    (w) => w.runDelayNs / 1e9,
  ],
  ['loopscope_loop_major_faults_total', 'Page faults that waited for a disk.', (w) => w.majorFaults],
];

const LOSSES = [
  ['ring_buffer_drops', 'ringBufferDrops'],
  ['map_full_drops', 'mapFullDrops'],
  ['stalls_not_kept', 'stallsNotKept'],
  ['decode_errors', 'decodeErrors'],
  ['stacks_not_kept', 'stacksNotKept'],
] as const;

export class WatchMetrics implements LiveListener {
  readonly registry = new Registry();
  readonly #work = new Map<number, WorkHistogram>();
  readonly #labels = new Map<number, Labels>();
  readonly #counters: [Counter<string>, (window: CycleWindow) => number][];
  readonly #stalls = this.#counter(
    'loopscope_loop_stalls_total',
    'Cycles over budget, and wake-ups as late.',
    [...LABELS, 'kind'],
  );
  readonly #stalled = this.#counter(
    'loopscope_loop_stalled_seconds_total',
    'Time of stalls, by where it went.',
    [...LABELS, 'part'],
  );
  readonly #open = this.#gauge(
    'loopscope_loop_open_stall_seconds',
    'Age of a cycle over budget that has not ended; 0 when there is none.',
    LABELS,
  );
  readonly #loops = this.#gauge('loopscope_loops', 'Loops watched now.', []);
  readonly #budget = this.#gauge('loopscope_stall_budget_seconds', 'A longer cycle is a stall.', []);
  readonly #own = this.#gauge('loopscope_observer_cpus', 'CPUs that the observer takes, of late.', ['part']);
  readonly #level = this.#gauge('loopscope_observer_level', '1 for the probes that are on.', ['level']);
  readonly #lost = this.#counter('loopscope_observer_lost_total', 'What was lost on the way.', ['what']);
  #losses: ObserverLosses | null = null;

  constructor() {
    this.#counters = WINDOW_COUNTERS.map(([name, help, value]) => [this.#counter(name, help, LABELS), value]);
    // prom-client's own Histogram takes one observation at a time: a busy loop has a hundred thousand a second.
    this.registry.registerMetric(this.#workMetric() as unknown as Metric);
  }

  onLoop(record: LoopRecord): void {
    const labels = {
      pid: String(record.pid),
      tid: String(record.tid),
      name: printable(record.comm, 32),
    };
    if (record.endNs === null) {
      this.#labels.set(record.loopIndex, labels);
      const counts = new Float64Array(CYCLE_BUCKET_COUNT);
      this.#work.set(record.loopIndex, { labels, counts, sumSec: 0, count: 0 });
      this.#open.set(labels, 0);
      for (const [counter] of this.#counters) counter.inc(labels, 0);
      for (const kind of ['work', 'wait']) this.#stalls.inc({ ...labels, kind }, 0);
    } else this.#forget(record.loopIndex, labels);
    this.#loops.set(this.#labels.size);
  }

  onWindows(windows: readonly CycleWindow[], status: ObserverStatus): void {
    for (const window of windows) {
      const labels = this.#labels.get(window.loopIndex);
      if (!labels) continue;
      for (const [counter, value] of this.#counters) counter.inc(labels, amount(value(window)));
      const work = this.#work.get(window.loopIndex)!;
      for (const [bucket, count] of window.workHistogram) {
        work.counts[bucket]! += count;
        work.count += count;
      }
      work.sumSec += amount(window.workNs) / 1e9;
    }
    this.#budget.set(status.budgetNs / 1e9);
    this.#own.set({ part: 'own' }, status.ownCpus);
    this.#own.set({ part: 'probes' }, status.programCpus ?? 0);
    this.#level.reset();
    this.#level.set({ level: status.level }, 1);
    for (const [what, key] of LOSSES) {
      this.#lost.inc({ what }, Math.max(0, (status.losses[key] ?? 0) - (this.#losses?.[key] ?? 0)));
    }
    this.#losses = { ...status.losses };
  }

  onStall(stall: Stall): void {
    const labels = this.#labels.get(stall.loopIndex);
    if (!labels) return;
    this.#stalls.inc({ ...labels, kind: stall.kind });
    const groups = groupTotals(addAccounts([stall]));
    for (const group of PART_GROUPS) {
      if (groups[group] > 0)
        this.#stalled.inc({ ...labels, part: group.replace('-', '_') }, groups[group] / 1e9);
    }
  }

  onOpenStall(open: OpenStall): void {
    const labels = this.#labels.get(open.loopIndex);
    if (labels) this.#open.set(labels, open.wallNs / 1e9);
  }

  onOpenStallEnd(end: OpenStallEnd): void {
    const labels = this.#labels.get(end.loopIndex);
    if (labels) this.#open.set(labels, 0);
  }

  onTierChange(): void {}

  #forget(loopIndex: number, labels: Labels): void {
    this.#labels.delete(loopIndex);
    this.#work.delete(loopIndex);
    for (const [counter] of this.#counters) counter.remove(labels);
    this.#open.remove(labels);
    for (const kind of ['work', 'wait']) this.#stalls.remove({ ...labels, kind });
    for (const group of PART_GROUPS) this.#stalled.remove({ ...labels, part: group.replace('-', '_') });
  }

  #counter(name: string, help: string, labelNames: readonly string[]): Counter<string> {
    return new Counter({ name, help, labelNames: [...labelNames], registers: [this.registry] });
  }

  #gauge(name: string, help: string, labelNames: readonly string[]): Gauge<string> {
    return new Gauge({ name, help, labelNames: [...labelNames], registers: [this.registry] });
  }

  /** What Registry asks of a metric: its name, and its values when scraped. */
  #workMetric() {
    const name = 'loopscope_loop_work_seconds';
    return {
      name,
      get: async () => ({
        name,
        help: 'Work of a cycle: from a wait’s return to the next wait.',
        type: 'histogram',
        aggregator: 'sum',
        values: [...this.#work.values()].flatMap((work) => valuesOf(name, work)),
      }),
    };
  }
}

function valuesOf(name: string, { labels, counts, sumSec, count }: WorkHistogram) {
  let below = 0;
  let bucket = 0;
  const buckets = BOUND_BUCKETS.map((bound, i) => {
    while (bucket <= bound) below += counts[bucket++]!;
    return { metricName: `${name}_bucket`, labels: { ...labels, le: WORK_BOUNDS_SEC[i]! }, value: below };
  });
  return [
    ...buckets,
    { metricName: `${name}_bucket`, labels: { ...labels, le: '+Inf' }, value: count },
    { metricName: `${name}_sum`, labels, value: sumSec },
    { metricName: `${name}_count`, labels, value: count },
  ];
}
