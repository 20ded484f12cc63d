// Goal: exports say what the run says, in forms that other people's tools read. Method: the HdrHistogram library reads
// the log back and prints its own percentile table; the CSV is compared with the run's counts.
import assert from 'node:assert/strict';
import test from 'node:test';
import { build, decodeFromCompressedBase64, HistogramLogReader } from 'hdr-histogram-js';
import { createHistogram, mergeHistograms, recordNs } from '../record/histogram.ts';
import { decodeHistogram, encodeHistogram } from '../record/histogram-text.ts';
import type { Run } from '../record/run.ts';
import { CSV_COLUMNS, csvReporter } from './csv/csv.ts';
import { hdrLogReporter } from './hdr-log/hdr-log.ts';
import { hgrmReporter, percentileText } from './hgrm/hgrm.ts';
import { agesCount, histogramWithAges, secondsOf } from './model/seconds.ts';
import type { Reporter } from './reporter.ts';
import { sampleDiagnosis } from './testing/sample-diagnosis.ts';
import { sampleRun } from './testing/sample-run.ts';

const RUN = sampleRun({ seconds: 8, mode: 'load', scenario: 'fsync', unanswered: 200 });
const OPTIONS = { colour: false, columns: null, runFile: null };

function render(reporter: Reporter, run: Run = RUN, more: { voidRun?: boolean } = {}): string {
  const diagnosis = sampleDiagnosis(run, { scenario: 'healthy', ...more });
  if (more.voidRun) {
    for (const check of diagnosis.self.checks)
      if (check.verdict === 'VOID') check.spoils = ['response', 'service'];
  }
  return reporter.render(run, diagnosis, OPTIONS);
}

type Interval = { tag: string; startSec: number; lengthSec: number; totalCount: number; maxNs: number };

function readLog(text: string): Interval[] {
  const reader = new HistogramLogReader(text);
  const intervals: Interval[] = [];
  for (let one = reader.nextIntervalHistogram(); one; one = reader.nextIntervalHistogram()) {
    intervals.push({
      tag: one.tag,
      startSec: one.startTimeStampMsec / 1000,
      lengthSec: (one.endTimeStampMsec - one.startTimeStampMsec) / 1000,
      totalCount: one.totalCount,
      maxNs: one.maxValue,
    });
  }
  return intervals;
}

test('the library reads a line a second and tag, at the right times', () => {
  const intervals = readLog(render(hdrLogReporter));
  const untagged = intervals.filter(({ tag }) => tag === 'NO TAG');
  assert.equal(untagged.length, 7);
  assert.deepEqual([...new Set(intervals.map(({ tag }) => tag))].sort(), [
    'NO TAG',
    'lateness',
    'service',
    'warm-up',
  ]);
  untagged.forEach((interval, i) => {
    assert.equal(interval.startSec, RUN.header.startedWallMs / 1000 + 1 + i);
    assert.equal(interval.lengthSec, 1);
  });
});

test('untagged lines add up to the measured part, request by request', () => {
  const sumOf = (tag: string) =>
    readLog(render(hdrLogReporter))
      .filter((interval) => interval.tag === tag)
      .reduce((sum, { totalCount }) => sum + totalCount, 0);
  const { total } = RUN.load!;
  assert.equal(sumOf('NO TAG'), histogramWithAges([total], 'response').totalCount);
  assert.equal(sumOf('service'), histogramWithAges([total], 'service').totalCount);
  assert.equal(sumOf('lateness'), decodeHistogram(total.lateness).totalCount);
  assert.equal(sumOf('NO TAG') + sumOf('warm-up'), RUN.load!.counts.planned);
});

test('a line holds what the blocks of all threads held', () => {
  const second = secondsOf(RUN.load!)[3]!;
  const line = render(hdrLogReporter)
    .split('\n')
    .find((text) => text.startsWith('3.000,'))!;
  const decoded = decodeFromCompressedBase64(line.split(',')[3]!);
  const expected = histogramWithAges(second.latencies, 'response');
  assert.equal(decoded.totalCount, expected.totalCount);
  assert.equal(second.latencies.length, 2);
  assert.equal(encodeHistogram(decodeHistogram(line.split(',')[3]!)), encodeHistogram(expected));
});

test('who never got an answer is in the log at its age, and the log says so', () => {
  const text = render(hdrLogReporter);
  const count = agesCount(RUN.load!, 'response');
  assert.ok(count > 0);
  assert.ok(text.includes(`#[${count} requests never got an answer`));
  assert.ok(Math.max(...readLog(text).map(({ maxNs }) => maxNs)) >= 1.2e9);
});

test('the percentile table is what HdrHistogram itself prints, to the byte', () => {
  const ours = createHistogram();
  const theirs = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: 3_600_000_000_000,
    numberOfSignificantValueDigits: 3,
  });
  let value = 17;
  for (let i = 0; i < 5000; i++) {
    value = (value * 48_271) % 2_147_483_647;
    const ns = value % (i % 100 === 0 ? 900_000_000 : 300_000);
    recordNs(ours, ns);
    theirs.recordValue(ns);
  }
  const rows = (text: string) => text.split('\n').filter((line) => /^ +\d/.test(line));
  assert.deepEqual(rows(percentileText(ours, 1e6)), rows(theirs.outputPercentileDistribution(5, 1e6, false)));
  const footer = (text: string) => (text.match(/[\d.]+(?=[,\]])/g) ?? []).slice(0, 4).map(Number);
  const [mean, deviation, max, total] = footer(percentileText(ours, 1e6).split('\n').slice(-4).join('\n'));
  assert.ok(Math.abs(mean! - theirs.mean / 1e6) < 0.002, `${mean}`);
  assert.ok(Math.abs(deviation! - theirs.stdDeviation / 1e6) < 0.01, `${deviation}`);
  assert.equal(total, 5000);
  assert.ok(Math.abs(max! / (theirs.maxValue / 1e6) - 1) < 0.001, `${max} ${theirs.maxValue}`);
});

test('hgrm: the measured part in ms, ending at 100 %', () => {
  const lines = render(hgrmReporter).split('\n');
  assert.match(lines[0]!, /^ {7}Value {5}Percentile TotalCount 1\/\(1-Percentile\)$/);
  const last = lines
    .findLast((line) => /^ +\d/.test(line))!
    .trim()
    .split(/ +/);
  assert.equal(last[1], '1.000000000000');
  assert.equal(Number(last[2]), histogramWithAges([RUN.load!.total], 'response').totalCount);
  const median = lines.find((line) => line.includes(' 0.500000000000 '))!;
  assert.match(median, /^ +0\.\d{3} /);
});

test('hgrm and csv of nothing at all are empty, not wrong', () => {
  assert.doesNotMatch(percentileText(createHistogram(), 1e6), /NaN|Infinity/);
  const run = structuredClone(RUN);
  const empty = encodeHistogram(mergeHistograms([]));
  const latency = { response: empty, service: empty, lateness: empty, censored: empty, unsent: empty };
  run.load!.total = latency;
  for (const block of run.load!.blocks) {
    block.latency = latency;
    block.durationNs = 0;
  }
  for (const reporter of [hdrLogReporter, hgrmReporter, csvReporter]) {
    assert.doesNotMatch(render(reporter, run), /NaN|Infinity|null|undefined/, reporter.name);
  }
});

test('csv: a row a second, and its counts add up to those of the run', () => {
  const [head, ...rows] = render(csvReporter)
    .trim()
    .split('\n')
    .map((line) => line.split(','));
  assert.deepEqual(
    head,
    CSV_COLUMNS.map(({ name }) => name),
  );
  assert.equal(rows.length, 8);
  const column = (name: string) => rows.map((row) => Number(row[head!.indexOf(name)]));
  const sum = (name: string) => column(name).reduce((total, value) => total + value, 0);
  for (const name of ['planned', 'ok', 'wrong', 'error', 'timeout', 'unsent', 'unfinished'] as const)
    assert.equal(sum(name), RUN.load!.counts[name], name);
  assert.deepEqual(column('warmup'), [1, 0, 0, 0, 0, 0, 0, 0]);
  assert.deepEqual(column('start_s'), [0, 1, 2, 3, 4, 5, 6, 7]);
  assert.equal(column('response_max_at_least').at(-1), 1);
  rows.forEach((row, i) => {
    const at = (name: string) => Number(row[head!.indexOf(name)]);
    assert.ok(
      at('response_p50_ns') <= at('response_p99_ns') && at('response_p99_ns') <= at('response_max_ns'),
      `${i}`,
    );
  });
});

test('csv: requests in flight of all threads, where they were sampled', () => {
  const run = structuredClone(RUN);
  for (const block of run.load!.blocks) block.inFlight = { mean: 1.25, max: 7 };
  const [head, first] = render(csvReporter, run)
    .split('\n')
    .map((line) => line.split(','));
  assert.equal(first![head!.indexOf('in_flight_mean')], '2.5');
  assert.equal(first![head!.indexOf('in_flight_max')], '14');
  const unsampled = render(csvReporter).split('\n')[1]!.split(',');
  assert.equal(unsampled[head!.indexOf('in_flight_mean')], '');
});

test('what a VOID check spoils is withheld from summaries, and marked in the raw log', () => {
  assert.match(
    render(hgrmReporter, RUN, { voidRun: true }),
    /^#\[response times are withheld: VOID: client-cpu\]\n$/,
  );
  const [head, row] = render(csvReporter, RUN, { voidRun: true })
    .split('\n')
    .map((line) => line.split(','));
  assert.equal(row![head!.indexOf('response_p99_ns')], '');
  assert.notEqual(row![head!.indexOf('lateness_p99_ns')], '');
  assert.notEqual(row![head!.indexOf('planned')], '');
  const log = render(hdrLogReporter, RUN, { voidRun: true });
  assert.match(log, /^#\[VOID: client-cpu: these times are not to be relied on\]$/m);
  assert.ok(readLog(log).length > 0);
});

test('a run without a load has nothing to export, and says which option to leave out', () => {
  const run = sampleRun({ seconds: 3, mode: 'watch' });
  for (const reporter of [hdrLogReporter, hgrmReporter, csvReporter]) {
    assert.throws(() => render(reporter, run), new RegExp(`--${reporter.name}: no load was driven`));
  }
});
