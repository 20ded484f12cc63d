/**
 * Any run that the schemas allow: what a run file could hold. Half of them are wild in every field; the other half are
 * runs as they come, planted faults and their look-alikes, of which a few fields have gone wild.
 */
import fc from 'fast-check';
import type { LoadRecord, OutcomeCounts } from '../../record/load.ts';
import type { ObservationRecord } from '../../record/observation.ts';
import { RUN_FORMAT_VERSION, type Run, type RunHeader } from '../../record/run.ts';
import {
  headerSchema,
  hostSampleSchema,
  loadBlockSchema,
  loadSchema,
  observationSchema,
  stallSchema,
  windowSchema,
} from '../../record/run-schema.ts';
import { waitSchema } from '../../record/schema-parts.ts';
import { anyText, arbitraryOf, fieldsOf, type Hints } from './arbitrary-of.ts';
import { LOOK_ALIKES } from './look-alikes.ts';
import { PLANTED } from './planted.ts';
import { replayedRun } from './replay-values.ts';
import { histogram, quietRun } from './run-builder.ts';
import { late, overload } from './situations.ts';

const CALLS = ['fsync', 'futex', 'page-fault', 'unknown', 'read', 'clock_nanosleep', 'stopped', ''];

const text = fc.oneof(anyText, fc.constantFrom(...CALLS, 'nginx', '/a', '0-1', 'x'.repeat(300)));
const small = fc.integer({ min: 0, max: 3 });

const latency = fc.oneof(
  fc.constantFrom(
    '',
    'AAAA',
    histogram([]),
    histogram([[1, 1]]),
    histogram([[1, 500]]),
    histogram([[3_600_000, 20_000]]),
    histogram([
      [0.2, 2000],
      [50, 90],
    ]),
  ),
  fc.string({ maxLength: 20 }),
);

const perMs = fc.oneof(
  fc.array(fc.nat(1e5), { maxLength: 20 }),
  fc.constantFrom(new Array<number>(3000).fill(1)),
);

const ENDS = ['ok', 'wrong', 'error', 'timeout', 'unsent', 'unfinished'] as const;
const end = fc.constantFrom(...ENDS);
const none: OutcomeCounts = { planned: 0, ok: 0, wrong: 0, error: 0, timeout: 0, unsent: 0, unfinished: 0 };

/** Counts that add up: none, all of one end, or some of each. Those of the schema need not. */
const counts: fc.Arbitrary<OutcomeCounts> = fc.oneof(
  fc.constant(none),
  fc.tuple(end, fc.nat(1e6)).map(([name, n]) => ({ ...none, planned: n, [name]: n })),
  fc.array(fc.nat(1e5), { minLength: ENDS.length, maxLength: ENDS.length }).map((parts) => {
    const all = Object.fromEntries(ENDS.map((name, i) => [name, parts[i]!]));
    return { ...none, ...all, planned: parts.reduce((sum, part) => sum + part, 0) };
  }),
  arbitraryOf(loadBlockSchema).map((block) => block.counts),
);

const HINTS: Hints = {
  version: fc.constant(RUN_FORMAT_VERSION),
  startMonoNs: fc.constant('0'),
  startedWallMs: fc.oneof(fc.nat(2e12), fc.double({ min: 0, max: 253_402_300_799_999, noNaN: true })),
  counts,
  response: latency,
  service: latency,
  lateness: latency,
  censored: latency,
  unsent: latency,
  histogram: latency,
  turns: latency,
  // Its "unsent" are counts.
  waits: arbitraryOf(waitSchema),
  counts1ms: fc.record({ sent: perMs, planned: perMs }),
  arrival: fc.oneof(fc.constantFrom('constant', 'poisson', 'synced', 'closed', 'replay'), text),
  stoppedEarly: fc.oneof(fc.constantFrom('interrupted', 'target vanished'), text),
  statusCounts: fc.dictionary(fc.constantFrom('200', '404', '500'), fc.nat(1e5), { maxKeys: 2 }),
  call: fc.oneof(fc.constantFrom(...CALLS), text),
  comm: text,
  commandLine: text,
  cpusAllowed: fc.oneof(fc.constantFrom('0', '0-1', '0,2-3'), text),
  loopIndex: small,
  cpu: small,
  pid: fc.integer({ min: 0, max: 5 }),
  tid: fc.integer({ min: 0, max: 5 }),
  tracerPid: fc.constantFrom(0, 0, 0, 5),
};
const loadFields = {
  ...fieldsOf(loadSchema, HINTS),
  blocks: fc.array(arbitraryOf(loadBlockSchema, HINTS), { maxLength: 10 }),
};
const observationFields = {
  ...fieldsOf(observationSchema, HINTS),
  windows: fc.array(arbitraryOf(windowSchema, HINTS), { maxLength: 3 }),
  stalls: fc.array(arbitraryOf(stallSchema, HINTS), { maxLength: 12 }),
  host: fc.array(arbitraryOf(hostSampleSchema, HINTS), { maxLength: 3 }),
};
const headerFields = fieldsOf(headerSchema, HINTS);

const whole = <T>(fields: Record<string, fc.Arbitrary<unknown>>) =>
  fc.record(fields) as unknown as fc.Arbitrary<T>;

const wildRun: fc.Arbitrary<Run> = fc.record({
  header: whole<RunHeader>(headerFields),
  load: fc.option(whole<LoadRecord>(loadFields), { nil: null }),
  observation: fc.option(whole<ObservationRecord>(observationFields), { nil: null }),
  complete: fc.boolean(),
});

const KNOWN: readonly (() => Run)[] = [
  ...PLANTED.map(
    ({ run }) =>
      () =>
        run().run,
  ),
  ...LOOK_ALIKES.map(
    ({ run }) =>
      () =>
        run().run,
  ),
  () => quietRun().run,
  () => quietRun().procTier().run,
  () => quietRun().undriven().run,
  () => replayedRun().run,
  () => replayedRun().unwatched().run,
  () => late(quietRun().unwatched(), 200, 0.3).run,
  () => overload(quietRun()).run,
  () => overload(quietRun()).unwatched().run,
];

/** A few fields, gone wild. */
function some(fields: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<object> {
  return fc
    .subarray(Object.keys(fields), { maxLength: 3 })
    .chain((names) => fc.record(Object.fromEntries(names.map((name) => [name, fields[name]!]))));
}

const knownRun: fc.Arbitrary<Run> = fc
  .record({
    make: fc.constantFrom(...KNOWN),
    header: some(headerFields),
    load: fc.oneof({ weight: 6, arbitrary: some(loadFields) }, { weight: 1, arbitrary: fc.constant(null) }),
    observation: fc.oneof(
      { weight: 6, arbitrary: some(observationFields) },
      { weight: 1, arbitrary: fc.constant(null) },
    ),
    complete: fc.boolean(),
  })
  .map(({ make, ...changes }) => {
    const run = make();
    return {
      header: { ...run.header, ...changes.header },
      load: run.load && changes.load && { ...run.load, ...changes.load },
      observation: run.observation && changes.observation && { ...run.observation, ...changes.observation },
      complete: changes.complete,
    };
  });

export const arbitraryRun: fc.Arbitrary<Run> = fc.oneof(wildRun, knownRun);
