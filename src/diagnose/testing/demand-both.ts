import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import type { SelfVerdict } from '../finding.ts';
import { quietRun, type RunBuilder } from './run-builder.ts';

export type TriedCheck = { check: string; verdict: SelfVerdict; builder: RunBuilder };

/** The self-checks that self/self.test.ts tries; the table of self.test.ts has all others. */
export const TRIED_APART: readonly string[] = [
  'arrival-gaps',
  'censoring',
  'client-pauses',
  'client-queueing',
  'connections',
  'ephemeral-ports',
  'network-queues',
  'synchronisation',
  'threads-agree',
  'three-clocks',
  'warm-up',
];

/** Those that replay.test.ts tries. */
export const TRIED_ON_REPLAYS: readonly string[] = [
  'replay-lines',
  'replay-order',
  'replay-gaps',
  'replay-dispersion',
  'replay-lag',
  'replay-starved',
];

/**
 * Each of the checks was tried on a run in which it must speak (WARN, VOID), and on a look-alike: a run with something
 * in it, of which it must not (PASS, SKIP). The plain quiet run is nobody's look-alike.
 */
export function demandBoth(checks: readonly string[], tried: readonly TriedCheck[]): void {
  const quiet = quietRun().run;
  const missing: string[] = [];
  for (const name of checks) {
    const own = tried.filter(({ check }) => check === name);
    const speaks = own.filter(({ verdict }) => verdict === 'WARN' || verdict === 'VOID');
    const silent = own.filter(({ verdict }) => verdict === 'PASS' || verdict === 'SKIP');
    if (speaks.length === 0) missing.push(`${name}: a run with its fault`);
    if (silent.every(({ builder }) => isDeepStrictEqual(builder.run, quiet))) {
      missing.push(`${name}: a look-alike of its fault`);
    }
  }
  assert.deepEqual(missing, []);
}
