/**
 * A watch as Prometheus metrics: base units, _total for counters, one histogram. Counters grow over the whole watch. A
 * series belongs to a place, the nth loop of a name, not to a pid: the worker that comes for one that went takes its place
 * and goes on counting. All series exist from the time that their loop is found.
 * https://prometheus.io/docs/practices/naming
 */
import { Counter, Gauge, type Metric, Registry } from 'prom-client';
import { printable } from '../../base/printable.ts';
import { amount } from '../../diagnose/facts/numbers.ts';
import { CYCLE_BUCKET_COUNT, cycleBucketHigh } from '../../record/cycle-buckets.ts';
import type { LiveListener, ObserverStatus, OpenStall, OpenStallEnd } from '../../record/live.ts';
import type { CycleWindow, LoopRecord, ObserverLosses, Stall } from '../../record/observation.ts';
import { addAccounts, groupTotals, PART_GROUPS, type PartGroup } from '../model/stall-account.ts';

const LABELS = ['name', 'loop'] as const;
type Labels = Record<(typeof LABELS)[number], string>;

/** Places kept though nobody has them: threads that take a new name each time must not fill the memory. */
const EMPTY_PLACES_MAX = 256;

/** `holder`: the loop that has it now, or null. */
type Place = { labels: Labels; holder: LoopRecord | null; work: WorkHistogram };

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
  ['addresses_not_named', 'addressesNotNamed'],
] as const;

export class WatchMetrics implements LiveListener {
  readonly registry = new Registry();
  /** By name and number, those that were left last at the end. */
  readonly #places = new Map<string, Place>();
  readonly #byLoop = new Map<number, Place>();
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
  readonly #info = this.#gauge('loopscope_loop_info', '1: which process and thread has the place now.', [
    ...LABELS,
    'pid',
    'tid',
  ]);
  #losses: ObserverLosses | null = null;

  constructor(version: string) {
    this.#gauge('loopscope_build_info', '1, for the version that watches.', ['version']).set({ version }, 1);
    for (const [what] of LOSSES) this.#lost.inc({ what }, 0);
    this.#loops.set(0);
    this.#counters = WINDOW_COUNTERS.map(([name, help, value]) => [this.#counter(name, help, LABELS), value]);
    // prom-client's own Histogram takes one observation at a time: a busy loop has a hundred thousand a second.
    this.registry.registerMetric(this.#workMetric() as unknown as Metric);
  }

  onLoop(record: LoopRecord): void {
    const known = this.#byLoop.get(record.loopIndex);
    if (known) this.#leave(record.loopIndex, known);
    if (record.endNs === null) this.#byLoop.set(record.loopIndex, this.#placeFor(record));
    this.#loops.set(this.#byLoop.size);
  }

  onWindows(windows: readonly CycleWindow[], status: ObserverStatus): void {
    for (const window of windows) {
      const place = this.#byLoop.get(window.loopIndex);
      if (!place) continue;
      const { labels, work } = place;
      for (const [counter, value] of this.#counters) counter.inc(labels, amount(value(window)));
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
    const labels = this.#byLoop.get(stall.loopIndex)?.labels;
    if (!labels) return;
    this.#stalls.inc({ ...labels, kind: stall.kind });
    const groups = groupTotals(addAccounts([stall]));
    for (const group of PART_GROUPS) {
      if (groups[group] > 0) this.#stalled.inc({ ...labels, part: partOf(group) }, groups[group] / 1e9);
    }
  }

  onOpenStall(open: OpenStall): void {
    const labels = this.#byLoop.get(open.loopIndex)?.labels;
    if (labels) this.#open.set(labels, open.wallNs / 1e9);
  }

  onOpenStallEnd(end: OpenStallEnd): void {
    const labels = this.#byLoop.get(end.loopIndex)?.labels;
    if (labels) this.#open.set(labels, 0);
  }

  onTierChange(): void {}

  /** The first free place of its name, with all its series. */
  #placeFor(record: LoopRecord): Place {
    const name = printable(record.comm, 32);
    for (let number = 0; ; number++) {
      const key = `${number} ${name}`;
      const place = this.#places.get(key) ?? this.#newPlace({ name, loop: String(number) });
      if (place.holder !== null) continue;
      this.#places.set(key, place);
      place.holder = record;
      this.#info.set(infoLabels(place.labels, record), 1);
      return place;
    }
  }

  #newPlace(labels: Labels): Place {
    this.#open.set(labels, 0);
    for (const [counter] of this.#counters) counter.inc(labels, 0);
    for (const kind of ['work', 'wait']) this.#stalls.inc({ ...labels, kind }, 0);
    for (const group of PART_GROUPS) this.#stalled.inc({ ...labels, part: partOf(group) }, 0);
    const counts = new Float64Array(CYCLE_BUCKET_COUNT);
    return { labels, holder: null, work: { labels, counts, sumSec: 0, count: 0 } };
  }

  #leave(loopIndex: number, place: Place): void {
    this.#byLoop.delete(loopIndex);
    if (place.holder) this.#info.remove(infoLabels(place.labels, place.holder));
    place.holder = null;
    this.#open.set(place.labels, 0);
    const key = `${place.labels.loop} ${place.labels.name}`;
    this.#places.delete(key);
    this.#places.set(key, place);
    const empty = [...this.#places].filter(([, { holder }]) => holder === null);
    for (const [old, { labels }] of empty.slice(0, Math.max(0, empty.length - EMPTY_PLACES_MAX))) {
      this.#places.delete(old);
      this.#forget(labels);
    }
  }

  #forget(labels: Labels): void {
    for (const [counter] of this.#counters) counter.remove(labels);
    this.#open.remove(labels);
    for (const kind of ['work', 'wait']) this.#stalls.remove({ ...labels, kind });
    for (const group of PART_GROUPS) this.#stalled.remove({ ...labels, part: partOf(group) });
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
        values: [...this.#places.values()].flatMap(({ work }) => valuesOf(name, work)),
      }),
    };
  }
}

const partOf = (group: PartGroup) => group.replace('-', '_');

function infoLabels(labels: Labels, { pid, tid }: LoopRecord): Record<string, string> {
  return { ...labels, pid: String(pid), tid: String(tid) };
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
