// Goal: what reporters show adds up and never claims more than was measured. Method: sample runs, edited where needed.
import assert from 'node:assert/strict';
import test from 'node:test';
import { createHistogram, recordNs } from '../../record/histogram.ts';
import { encodeHistogram } from '../../record/histogram-text.ts';
import type { Run } from '../../record/run.ts';
import { sampleDiagnosis } from '../testing/sample-diagnosis.ts';
import { sampleRun } from '../testing/sample-run.ts';
import { cycleTimeline } from './cycle-timeline.ts';
import { latencyRows, spectrumOf } from './latency.ts';
import { unaccountedCount } from './load-summary.ts';
import { loopRows } from './loop-rows.ts';
import { ranInstead } from './ran-instead.ts';
import { addAccounts, foldSmall, groupTotals } from './stall-account.ts';
import { latencyTimeline } from './timeline.ts';

const run = sampleRun();
const fsyncRun = sampleRun({ scenario: 'fsync' });
const diagnosis = sampleDiagnosis(run);

function histogramOf(count: number, ns: number): string {
  const histogram = createHistogram();
  if (count > 0) recordNs(histogram, ns, count);
  return encodeHistogram(histogram);
}

function withTotals(counts: { answered: number; censored?: number; unsent?: number }): Run {
  const edited = structuredClone(run);
  const answered = histogramOf(counts.answered, 2e6);
  edited.load!.total = {
    response: answered,
    service: answered,
    lateness: answered,
    censored: histogramOf(counts.censored ?? 0, 1e9),
    unsent: histogramOf(counts.unsent ?? 0, 3e9),
  };
  return edited;
}

test('the parts of an account add up to its wall time', () => {
  for (const { observation } of [run, fsyncRun]) {
    const total = addAccounts(observation!.stalls);
    const sum = total.parts.reduce((all, part) => all + part.ns, 0);
    assert.ok(Math.abs(sum - total.wallNs) < 1000 * observation!.stalls.length);
    const groups = groupTotals(total);
    assert.equal(
      Object.values(groups).reduce((all, ns) => all + ns, 0),
      sum,
    );
  }
});

test('run-queue time that nobody is named for is shown as such, once', () => {
  const stall = structuredClone(run.observation!.stalls.find((each) => each.account.runQueue.unknownNs > 0)!);
  const named = stall.account.runQueue.contended.reduce((sum, who) => sum + who.ns, 0);
  const unknown = stall.account.runQueue.totalNs - named;
  const shown = () => addAccounts([stall]).parts.find((part) => part.what === 'not seen who ran')?.ns;
  assert.equal(shown(), unknown);
  stall.account.runQueue.unknownNs = 0; // a writer that left the rest out of its parts
  assert.equal(shown(), unknown);
});

test('parts of one name are one line, in the order of groups', () => {
  const { parts } = addAccounts(fsyncRun.observation!.stalls);
  assert.deepEqual(
    parts.map((part) => part.group),
    ['user', 'system', 'run-queue', 'blocked', 'unexplained'],
  );
  assert.match(parts[3]!.detail, /^\/var\/lib\/app\/journal\.log, \d+×$/);
});

test('folding small parts shortens an account and changes no sum', () => {
  const stall = structuredClone(run.observation!.stalls[1]!);
  const share = stall.account.runQueue.totalNs / 40;
  stall.account.runQueue.contended = Array.from({ length: 40 }, (_, i) => ({
    pid: 100 + i,
    comm: `busy-${i}`,
    kernelThread: false,
    ns: share,
  }));
  stall.account.runQueue.unknownNs = 0;
  const total = addAccounts([stall]);
  const folded = foldSmall(total);
  assert.ok(total.parts.length > 40 && folded.parts.length < 12);
  const sums = [groupTotals(total), groupTotals(folded)].map((sum) => Object.values(sum).map(Math.round));
  assert.deepEqual(sums[0], sums[1]);
  assert.ok(folded.parts.some((part) => part.what === '35 others'));
  assert.deepEqual(foldSmall(addAccounts([])).parts, []);
});

test('who ran instead is ranked, and is told from the watched server', () => {
  const list = ranInstead(run.observation!, run.header.selfPids);
  assert.deepEqual(
    list.map((who) => who.pid),
    [991, 47, 4243],
  );
  assert.equal(list[0]!.commandLine, 'stress-ng --cpu 1 --taskset 1');
  assert.equal(list[0]!.role, 'other');
  const asSelf = ranInstead(run.observation!, [991]);
  assert.equal(asSelf[0]!.role, 'loopscope');
});

test('the longest cycle of a loop is its longest stall, and otherwise the end of its highest bucket', () => {
  const rows = loopRows(run.observation!);
  for (const row of rows) {
    const walls = run
      .observation!.stalls.filter((stall) => stall.loopIndex === row.loopIndex && stall.kind === 'work')
      .map((stall) => stall.wallNs);
    assert.equal(row.workNsMax, Math.max(...walls));
    assert.ok(row.workNsP50! < row.workNsP99! && row.workNsP99! < row.workNsMax!);
  }
  const calm = loopRows(sampleRun({ scenario: 'healthy' }).observation!)[0]!;
  assert.ok(calm.workNsMax! < 2e6 && calm.stallCount === 0);
});

test('the /proc tier shows no cycles and claims none', () => {
  const row = loopRows(sampleRun({ tier: 'proc' }).observation!)[0]!;
  assert.deepEqual(
    [row.cyclesPerSec, row.workNsP50, row.workNsMax, row.eventsPerWakeUp, row.stallCount, row.blockedShare],
    [null, null, null, null, 0, 0],
  );
  assert.ok(row.busyShare > 0.04);
});

test('quantiles with fewer than ten requests beyond them are not shown', () => {
  for (const [answered, shown] of [
    [20, ['p50', 'max']],
    [100, ['p50', 'p90', 'max']],
    [1000, ['p50', 'p90', 'p99', 'max']],
    [10000, ['p50', 'p90', 'p99', 'p99.9', 'max']],
    [0, []],
  ] as const) {
    const { quantiles } = latencyRows(withTotals({ answered }).load!, diagnosis)[0]!;
    assert.deepEqual(
      Object.keys(quantiles).filter((name) => quantiles[name as 'p50'] !== null),
      shown,
    );
  }
});

test('requests without an answer make the tail a lower bound, each in the times it belongs to', () => {
  const [response, service, lateness] = latencyRows(
    withTotals({ answered: 9700, censored: 200, unsent: 100 }).load!,
    diagnosis,
  );
  const bounds = (row: typeof response) => Object.values(row!.quantiles).map((quantile) => quantile!.atLeast);
  assert.deepEqual(bounds(response), [false, false, true, true, true]);
  assert.deepEqual([response!.count, response!.censoredCount], [10000, 300]);
  assert.deepEqual([service!.count, service!.censoredCount], [9900, 200]);
  assert.deepEqual([lateness!.count, lateness!.censoredCount], [9800, 100]);
});

test('a VOID check withholds the percentiles and the spectrum it spoils', () => {
  const spoilt = sampleDiagnosis(run, { voidRun: true });
  spoilt.self.checks[0]!.spoils = ['response'];
  const [response, service] = latencyRows(run.load!, spoilt);
  assert.equal(response!.withheld, 'VOID: client-cpu');
  assert.ok(Object.values(response!.quantiles).every((quantile) => quantile === null));
  assert.equal(service!.withheld, null);
  assert.deepEqual(spectrumOf(run.load!, spoilt, 'response'), []);
  assert.ok(
    latencyTimeline(run.load!, spoilt).every((point) => point.maxNs === null && point.plannedCount > 0),
  );
});

test('a damaged histogram is not measured, and not zero', () => {
  const damaged = structuredClone(run);
  damaged.load!.total.response = 'AAAA';
  damaged.load!.total.censored = '';
  const [response] = latencyRows(damaged.load!, diagnosis);
  assert.equal(response!.count, 0);
  assert.equal(response!.quantiles.p50, null);
});

test('a spectrum rises, and ends where one request is left', () => {
  const points = spectrumOf(run.load!, diagnosis, 'response');
  for (let i = 1; i < points.length; i++) assert.ok(points[i]!.ns >= points[i - 1]!.ns);
  const count = latencyRows(run.load!, diagnosis)[0]!.count;
  assert.ok(count * (1 - points.at(-1)!.q) >= 1);
  assert.ok(count * (1 - points.at(-1)!.q) < 1.2);
});

test('the timeline counts every planned request, however few points it is drawn with', () => {
  for (const pointsMax of [600, 7, 1]) {
    const points = latencyTimeline(run.load!, diagnosis, pointsMax);
    assert.ok(points.length <= pointsMax);
    assert.equal(
      points.reduce((sum, point) => sum + point.plannedCount, 0),
      run.load!.counts.planned,
    );
  }
});

test('the heat map holds every cycle once', () => {
  const cycles = cycleTimeline(run.observation!)!;
  const drawn = cycles.loops.reduce(
    (sum, map) => sum + map.cells.filter((_, i) => i % 3 === 2).reduce((a, b) => a + b, 0),
    0,
  );
  assert.equal(
    drawn,
    run.observation!.windows.reduce((sum, window) => sum + window.cycleCount, 0),
  );
  const columnCount = cycles.columnEdgesNs.length - 1;
  assert.ok(columnCount <= 200);
  for (const map of cycles.loops) {
    for (let i = 0; i < map.cells.length; i += 3) {
      assert.ok(map.cells[i]! < columnCount && map.cells[i + 1]! < cycles.rowLowNs.length - 1);
    }
  }
  for (let row = 1; row < cycles.rowLowNs.length; row++)
    assert.ok(cycles.rowLowNs[row]! > cycles.rowLowNs[row - 1]!);
});

test('windows of uneven length leave no column empty, and none is in two', () => {
  for (const seconds of [8, 60]) {
    const { observation } = sampleRun({ seconds, scenario: 'healthy' });
    const { columnEdgesNs, loops } = cycleTimeline(observation!)!;
    for (let i = 1; i < columnEdgesNs.length; i++) assert.ok(columnEdgesNs[i]! > columnEdgesNs[i - 1]!);
    for (const loop of loops) assert.ok(loop.longestNs.every((ns) => ns !== null && ns > 0));
    assert.equal(columnEdgesNs.at(-1), observation!.endNs);
  }
});

test('blocks of one second are one point, whenever the run began and however short the first and last are', () => {
  const shifted = structuredClone(run.load!);
  const shortened = 0.2e9;
  for (const block of shifted.blocks) {
    block.startNs += block.startNs === 0 ? 0.7e9 : 0.7e9 - shortened;
    if (block.startNs === 0.7e9) block.durationNs -= shortened;
    block.startNs += block.threadIndex * 1e5;
  }
  const points = latencyTimeline(shifted, diagnosis);
  assert.equal(points.length, 20);
  assert.equal(points[0]!.startNs, 0.7e9);
});

test('the longest cycle of a column is exact where a stall explains it', () => {
  const cycles = cycleTimeline(run.observation!)!;
  const longest = Math.max(...cycles.loops.flatMap((loop) => loop.longestNs.map((ns) => ns ?? 0)));
  const walls = run.observation!.stalls.filter((stall) => stall.kind === 'work').map((stall) => stall.wallNs);
  assert.equal(longest, Math.max(...walls));
});

test('conservation is what is left of the planned', () => {
  assert.equal(unaccountedCount(run.load!.counts), 0);
  assert.equal(unaccountedCount({ ...run.load!.counts, planned: run.load!.counts.planned + 3 }), 3);
});
