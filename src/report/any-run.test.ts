// Goal: every form renders every run that the schemas allow. Method: arbitrary runs, with their own diagnosis and with one
// that withholds at random, through every reporter, the live forms and progress; what comes out must be readable.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { runs } from '../../test/helpers/depth.ts';
import { diagnose } from '../diagnose/diagnose.ts';
import type { Diagnosis } from '../diagnose/finding.ts';
import { arbitraryRun } from '../diagnose/testing/arbitrary-run.ts';
import type { ObserverStatus, OpenStall } from '../record/live.ts';
import type { Run } from '../record/run.ts';
import { buildPage } from './html/build-page.ts';
import { htmlReporter } from './html/html.ts';
import { jsonLine, jsonReporter } from './json/json.ts';
import { reportObject } from './json/report-object.ts';
import { fanOut, listenTo } from './live/fan-out.ts';
import {
  evidenceObject,
  loopObject,
  observerObject,
  openStallObject,
  stallObject,
  windowObject,
} from './live/json-lines.ts';
import { LiveModel } from './live/live-model.ts';
import { LiveView } from './live/live-view.ts';
import { secondLine, stallLine } from './live/plain-lines.ts';
import { ProgressView } from './progress.ts';
import { WatchMetrics } from './prometheus/watch-metrics.ts';
import { REPORTERS } from './registry.ts';
import type { Reporter, ReportOptions } from './reporter.ts';
import { assertFinite, assertReadable } from './testing/assert-readable.ts';

/** Each way a text may be asked for: a pipe, a narrow screen, a wide one, each with colours or without. */
const LOOKS = [null, 60, 80, 132].flatMap((columns) => [true, false].map((colour) => ({ columns, colour })));
const look = fc.constantFrom(...LOOKS);

const spoils = fc.subarray(['response', 'service', 'lateness'] as const, { minLength: 1 });

/** Checks that withhold: which times, and from which quantile on. */
const spoiling = fc.array(
  fc.record({ index: fc.nat(40), spoils, from: fc.option(fc.constantFrom(0, 0.5, 0.9, 0.999, 1)) }),
  { maxLength: 2 },
);

/** A run and a diagnosis of it: its own, or one in which other checks withhold other times. */
const diagnosed: fc.Arbitrary<{ run: Run; diagnosis: Diagnosis }> = fc
  .tuple(arbitraryRun, spoiling)
  .map(([run, changes]) => {
    const diagnosis = diagnose(run);
    for (const { index, spoils, from } of changes) {
      const check = diagnosis.self.checks[index % Math.max(1, diagnosis.self.checks.length)];
      if (!check) continue;
      Object.assign(check, { verdict: 'VOID', spoils }, from !== null && { spoilsFrom: from });
      diagnosis.self.verdict = 'VOID';
    }
    return { run, diagnosis };
  });

/** What only the caller knows. */
const more: fc.Arbitrary<Partial<ReportOptions>> = fc.constantFrom(
  {},
  {
    runFile: `/runs/${'long name '.repeat(20)}.loopscope`,
    thresholds: [
      {
        text: 'p99>1ms',
        value: null,
        unit: 'ns' as const,
        limit: 1e6,
        atLeast: false,
        low: null,
        high: null,
        sure: null,
        outcome: 'unjudged' as const,
        failed: true,
        why: 'too few requests',
      },
    ],
  },
  {
    limit: {
      ended: 'found',
      ratePerSec: null,
      failsAtPerSec: null,
      relativeWidth: null,
      steps: [],
      why: 'x',
    },
  },
);

/** Forms about latency alone say so of a run without one, and of a histogram that is none. */
const REFUSALS = ['USAGE', 'RUN_FILE_INVALID'];

function rendered(reporter: Reporter, run: Run, diagnosis: Diagnosis, options: ReportOptions): string {
  try {
    return reporter.render(run, diagnosis, options);
  } catch (error) {
    const { code } = error as { code?: string };
    if (!['hdr', 'hgrm', 'csv'].includes(reporter.name) || !REFUSALS.includes(code ?? '')) throw error;
    return '';
  }
}

for (const reporter of REPORTERS.filter(({ name }) => name !== 'html')) {
  test(`${reporter.name}: any run is rendered, and can be read`, () => {
    fc.assert(
      fc.property(diagnosed, look, more, ({ run, diagnosis }, { columns, colour }, given) => {
        const text = rendered(reporter, run, diagnosis, { columns, colour, runFile: null, ...given });
        // The files of data are not laid out, and what stands in JSON's strings is theirs.
        if (reporter.name === 'json') JSON.parse(text);
        else assertReadable(text, reporter.name === 'terminal' ? columns : null, reporter.name);
      }),
      { numRuns: runs(reporter.name === 'terminal' ? 250 : 60) },
    );
  });
}

test('html and json: any run, and no number that is none', () => {
  fc.assert(
    fc.property(diagnosed, more, fc.nat(9), ({ run, diagnosis }, given, dice) => {
      const options = { columns: null, colour: false, runFile: null, ...given };
      assertFinite(reportObject(run, diagnosis, options));
      assertFinite(buildPage(run, diagnosis, options));
      if (dice > 0) return;
      assert.match(htmlReporter.render(run, diagnosis, options), /<\/html>\s*$/);
      assert.doesNotMatch(jsonReporter.render(run, diagnosis, options), /[^\P{Cc}\n]/u);
    }),
    { numRuns: runs(120) },
  );
});

test('the live forms: any observation, told piece by piece, fits any terminal', async () => {
  const size = fc.record({
    columns: fc.integer({ min: 20, max: 200 }),
    rows: fc.integer({ min: 1, max: 50 }),
  });
  await fc.assert(
    fc.asyncProperty(arbitraryRun, size, fc.boolean(), async (run, { columns, rows }, colour) => {
      const { observation } = run;
      if (!observation) return;
      const model = new LiveModel();
      const metrics = new WatchMetrics('1.2.3');
      const view = new LiveView(model, { colour });
      const objects: object[] = [];
      const tell = fanOut([
        model,
        metrics,
        listenTo({ onLoop: (record) => objects.push(loopObject(record)) }),
      ]);
      const status: ObserverStatus = {
        tier: observation.tier,
        level: 'armed',
        budgetNs: observation.budgetNs,
        ownCpus: 0.003,
        programCpus: null,
        cpuBudgetShare: null,
        losses: observation.losses,
      };
      const draw = () => {
        const lines = view.lines({ columns, rows });
        assert.ok(lines.length <= Math.max(1, rows - 1), `${lines.length} lines in ${rows} rows`);
        assertReadable(lines.join('\n'), columns - 1, 'live view');
      };
      draw();
      for (const record of observation.loops) tell.onLoop({ ...record, endNs: null });
      tell.onWindows(observation.windows, status);
      objects.push(...observation.windows.map(windowObject), observerObject(model.nowNs, status));
      observation.stalls.forEach((stall, openIndex) => {
        const open: OpenStall = { ...OPEN, openIndex, loopIndex: stall.loopIndex, stall };
        if (openIndex % 2 === 0) tell.onOpenStall(open);
        objects.push(
          evidenceObject(openStallObject(open), observation.loops[0], { startedWallMs: 1e12, host: 'web-1' }),
        );
        draw();
        tell.onStall(stall, openIndex % 2 === 0 ? openIndex : null);
        objects.push(stallObject(stall, null));
        assertReadable(stallLine(model.log.at(-1)!).trimEnd(), null, 'stall line');
      });
      for (const record of observation.loops) tell.onLoop(record);
      draw();
      const count = observation.loops.length;
      assertReadable(secondLine(model.nowNs, count, observation.windows, 3).trimEnd(), null, 'second line');
      assertFinite(objects);
      for (const object of objects) JSON.parse(jsonLine(object));
      assertReadable(await metrics.registry.metrics(), null, 'metrics');
    }),
    { numRuns: runs(150) },
  );
});

const OPEN: Omit<OpenStall, 'openIndex' | 'loopIndex' | 'stall'> = {
  startNs: 0,
  wallNs: 5e9,
  state: 'blocked',
  call: null,
  fdPath: null,
  kernelStack: [],
  userStack: [],
  userStackAtNs: null,
};

test('progress: any snapshot, at any width and as a line of a log', () => {
  const times = fc.oneof(fc.nat(60e9), fc.constant(0), fc.constant(Number.MAX_SAFE_INTEGER));
  const counts = fc.oneof(fc.nat(1000), fc.maxSafeInteger().map(Math.abs));
  const latency = fc.record({ p50Ns: times, p99Ns: times, recentP99Ns: fc.option(times) });
  const snapshot = fc.record({
    elapsedNs: times,
    durationNs: times,
    stallCount: fc.option(counts),
    load: fc.option(
      fc.record({
        planned: counts,
        done: counts,
        failed: counts,
        inFlight: counts,
        waiting: counts,
        latency: fc.option(latency),
      }),
    ),
  });
  fc.assert(
    fc.property(
      fc.array(snapshot, { maxLength: 6 }),
      fc.boolean(),
      fc.boolean(),
      fc.integer({ min: 10, max: 200 }),
      (snapshots, closedLoop, ending, columns) => {
        const view = new ProgressView({ closedLoop });
        view.ending = ending;
        for (const each of snapshots) view.add(each);
        assertReadable(view.lines(columns).join('\n'), columns - 1, 'progress');
        assertReadable(view.logLine().trimEnd(), null, 'progress in a log');
      },
    ),
    { numRuns: 300 },
  );
});
