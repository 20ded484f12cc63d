// Goal: what is scraped is what Prometheus takes: names, types, units, a whole histogram; and it agrees with what was
// told. Method: a listener fed by hand, its text read by a strict parser of the exposition format.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CYCLE_BUCKET_COUNT,
  cycleBucketHigh,
  cycleBucketLow,
  cycleBucketOf,
} from '../../record/cycle-buckets.ts';
import { sampleRun } from '../testing/sample-run.ts';
import { parseExposition } from './testing/parse-exposition.ts';
import { WatchMetrics, WORK_BOUNDS_SEC } from './watch-metrics.ts';

const STATUS = {
  tier: 'bpf' as const,
  level: 'base',
  budgetNs: 2e6,
  ownCpus: 0.01,
  programCpus: null,
  cpuBudgetShare: null,
  losses: { ringBufferDrops: 0, mapFullDrops: 0, stallsNotKept: 0, decodeErrors: 0 },
};

async function scrape(metrics: WatchMetrics) {
  return parseExposition(await metrics.registry.metrics());
}

test('a whole run: every family is well formed, and the counters are the sums of the windows', async () => {
  const observation = sampleRun({ seconds: 5, mode: 'watch' }).observation!;
  const metrics = new WatchMetrics('1.2.3');
  for (const record of observation.loops) metrics.onLoop({ ...record, endNs: null });
  metrics.onWindows(observation.windows, STATUS);
  for (const stall of observation.stalls) metrics.onStall(stall);
  const families = await scrape(metrics);
  assert.ok(families.size >= 15, [...families.keys()].join(' '));
  const sumOf = (name: string) => families.get(name)!.samples.reduce((sum, { value }) => sum + value, 0);
  const windowSum = (field: 'eventCount' | 'acceptCount' | 'cpuNs') =>
    observation.windows.reduce((sum, window) => sum + window[field], 0);
  assert.equal(sumOf('loopscope_loop_events_total'), windowSum('eventCount'));
  assert.equal(sumOf('loopscope_loop_accepts_total'), windowSum('acceptCount'));
  assert.ok(Math.abs(sumOf('loopscope_loop_cpu_seconds_total') - windowSum('cpuNs') / 1e9) < 1e-6);
  assert.equal(sumOf('loopscope_loop_stalls_total'), observation.stalls.length);
  const counts = families
    .get('loopscope_loop_work_seconds')!
    .samples.filter(({ name }) => name.endsWith('_count'));
  const cycles = observation.windows.reduce(
    (sum, window) => sum + window.workHistogram.reduce((n, [, count]) => n + count, 0),
    0,
  );
  assert.equal(
    counts.reduce((sum, { value }) => sum + value, 0),
    cycles,
  );
});

test('units and names: seconds, _total for counters and for nothing else', async () => {
  const metrics = new WatchMetrics('1.2.3');
  metrics.onWindows([], STATUS);
  for (const [name, family] of await scrape(metrics)) {
    assert.match(name, /^loopscope_[a-z_]+$/);
    assert.equal(name.endsWith('_total'), family.type === 'counter', `${name} is a ${family.type}`);
    assert.doesNotMatch(name, /_(ns|ms|us|percent)(_|$)/);
  }
});

test('each cycle lies in the bucket whose bound is the first at or above it', async () => {
  const metrics = new WatchMetrics('1.2.3');
  const record = sampleRun({ seconds: 2 }).observation!.loops[0]!;
  metrics.onLoop({ ...record, endNs: null });
  const window = { ...sampleRun({ seconds: 2 }).observation!.windows[0]!, loopIndex: record.loopIndex };
  const all = Array.from({ length: CYCLE_BUCKET_COUNT }, (_, bucket): [number, number] => [bucket, 1]);
  metrics.onWindows([{ ...window, workHistogram: all }], STATUS);
  const samples = (await scrape(metrics)).get('loopscope_loop_work_seconds')!.samples;
  for (const [i, bound] of WORK_BOUNDS_SEC.entries()) {
    const { value } = samples.find(({ labels }) => labels.le === String(bound))!;
    const below = all.filter(([bucket]) => cycleBucketHigh(bucket) <= bound * 1e9 * (1 + 1e-12)).length;
    assert.equal(value, below, `bound ${i}: ${bound}`);
  }
  assert.ok(WORK_BOUNDS_SEC[0]! < 2e-6 && WORK_BOUNDS_SEC.at(-1)! > 10, WORK_BOUNDS_SEC.join(' '));
  assert.ok(cycleBucketLow(cycleBucketOf(1e6)) <= 1e6);
});

test('hostile names stay labels, and one that is gone is no loop any more', async () => {
  const metrics = new WatchMetrics('1.2.3');
  const record = { ...sampleRun({ seconds: 2 }).observation!.loops[0]!, comm: 'a"b\\c\nd{e="1"} 1' };
  metrics.onLoop({ ...record, endNs: null });
  const families = await scrape(metrics);
  const { labels } = families.get('loopscope_loop_events_total')!.samples[0]!;
  assert.equal(labels.name, 'a"b\\c·d{e="1"} 1');
  assert.equal(families.get('loopscope_loops')!.samples[0]!.value, 1);
  metrics.onLoop({ ...record, endNs: 1e9 });
  const after = await scrape(metrics);
  assert.equal(after.get('loopscope_loops')!.samples[0]!.value, 0);
  assert.equal(after.get('loopscope_loop_info')?.samples.length ?? 0, 0);
});

test('a worker that comes for one that went takes its place: the same series, which go on', async () => {
  const { loops, windows } = sampleRun({ seconds: 2 }).observation!;
  const metrics = new WatchMetrics('1.2.3');
  const seriesOf = async () =>
    [...(await scrape(metrics))].flatMap(([family, { samples }]) =>
      family === 'loopscope_loop_info'
        ? []
        : samples.map(({ name, labels }) => `${name} ${JSON.stringify(labels)}`),
    );
  const worker = (loopIndex: number, pid: number) => ({
    ...loops[0]!,
    loopIndex,
    pid,
    tid: pid,
    endNs: null,
  });
  const window = { ...windows[0]!, eventCount: 100 };
  metrics.onLoop(worker(0, 11));
  metrics.onLoop(worker(1, 12));
  metrics.onWindows([{ ...window, loopIndex: 0 }], STATUS);
  const before = await seriesOf();
  metrics.onLoop({ ...worker(0, 11), endNs: 1e9 });
  metrics.onLoop(worker(2, 13));
  metrics.onWindows([{ ...window, loopIndex: 2 }], STATUS);
  assert.deepEqual((await seriesOf()).sort(), before.sort());
  const families = await scrape(metrics);
  const events = families.get('loopscope_loop_events_total')!.samples;
  assert.deepEqual(
    events.map(({ labels, value }) => [labels.loop, value]),
    [
      ['0', 200],
      ['1', 0],
    ],
  );
  const info = families.get('loopscope_loop_info')!.samples;
  assert.deepEqual(info.map(({ labels }) => [labels.loop, labels.pid]).sort(), [
    ['0', '13'],
    ['1', '12'],
  ]);
});

test('series exist from the start: losses before anything is lost, parts before the first stall, the version', async () => {
  const metrics = new WatchMetrics('1.2.3');
  const nothing = await scrape(metrics);
  assert.deepEqual(nothing.get('loopscope_build_info')!.samples[0]!.labels, { version: '1.2.3' });
  assert.equal(nothing.get('loopscope_observer_lost_total')!.samples.length, 6);
  metrics.onLoop({ ...sampleRun({ seconds: 2 }).observation!.loops[0]!, endNs: null });
  const found = await scrape(metrics);
  assert.equal(found.get('loopscope_loop_stalled_seconds_total')!.samples.length, 7);
  assert.equal(found.get('loopscope_loop_stalls_total')!.samples.length, 2);
});

test('threads that take a new name each time do not fill the memory', async () => {
  const metrics = new WatchMetrics('1.2.3');
  const record = sampleRun({ seconds: 2 }).observation!.loops[0]!;
  for (let i = 0; i < 400; i++) {
    metrics.onLoop({ ...record, comm: `job-${i}`, endNs: null });
    metrics.onLoop({ ...record, comm: `job-${i}`, endNs: 1e9 });
  }
  assert.equal((await scrape(metrics)).get('loopscope_loop_events_total')!.samples.length, 256);
});

test('losses only grow', async () => {
  const metrics = new WatchMetrics('1.2.3');
  const told = (ringBufferDrops: number) =>
    metrics.onWindows([], { ...STATUS, losses: { ...STATUS.losses, ringBufferDrops } });
  told(3);
  told(3);
  told(5);
  const { samples } = (await scrape(metrics)).get('loopscope_observer_lost_total')!;
  assert.equal(samples.find(({ labels }) => labels.what === 'ring_buffer_drops')!.value, 5);
});
